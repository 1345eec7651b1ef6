//! Credentials of upstream tools.

use interven_types::{CredentialId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A credential as it is listed: never the secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ToolCredential {
    pub credential_id: CredentialId,
    pub tool: String,
    pub host: String,
    /// Absent: every environment.
    #[serde(default)]
    pub env: Option<String>,
    pub kind: String,
    #[serde(default)]
    pub base_url: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    #[serde(default)]
    pub rotated_at: Option<Timestamp>,
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What to seal.
#[derive(Clone, Debug)]
pub struct NewToolCredential {
    pub tool: String,
    pub kind: String,
    pub env: Option<String>,
    pub base_url: Option<String>,
    pub secret: Secret,
}
