//! Keys of what is encrypted at rest.

use interven_types::{KeyFingerprint, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EncryptionStatus {
    /// The master key that the server was started with.
    pub master_key: KeyFingerprint,
    /// In the order in which they were made.
    pub data_keys: Vec<DataKey>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DataKey {
    pub fingerprint: KeyFingerprint,
    /// Absent: the installation's own, or an earlier master key.
    pub tenant_id: Option<TenantId>,
    pub tenant: Option<String>,
    pub created_at: Timestamp,
    pub wrapped_under: Option<KeyFingerprint>,
    /// Whether what is sealed now is sealed under it.
    pub is_newest: bool,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
