//! Settings of a tenant.

use interven_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Starts at 1; each change makes the next.
    pub version: u32,
    /// As the server has them, so that a newer server's settings survive an older client.
    pub settings: Value,
    pub updated_at: Timestamp,
    /// Hash of the detectors in force; unknown to an older server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_patterns_hash: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SettingsVersion {
    pub version: u32,
    pub updated_at: Timestamp,
}
