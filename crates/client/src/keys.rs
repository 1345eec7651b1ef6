//! API keys.

use interven_types::{AgentId, KeyId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A key as its page shows it: never the key itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    pub key_id: KeyId,
    pub name: String,
    /// The first 12 characters.
    pub prefix: String,
    pub env: String,
    pub agent_id: AgentId,
    #[serde(default)]
    pub scopes: Vec<String>,
    #[serde(default)]
    pub monitor: bool,
    pub created_at: Timestamp,
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    #[serde(default)]
    pub last_seen_at: Option<Timestamp>,
    /// Requests refused because of the caller's address.
    #[serde(default)]
    pub blocked_attempts: u64,
    /// Why a request with this key was last refused.
    #[serde(default)]
    pub last_refusal: Option<String>,
    /// Whether requests may be signed with it.
    #[serde(default)]
    pub signing: bool,
    /// Present on keys that a key made for one task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<Ephemeral>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What limits an ephemeral key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ephemeral {
    pub parent_key_id: KeyId,
    pub scope: EphemeralScope,
    pub max_uses: u32,
    pub uses: u32,
}

/// Empty lists limit nothing. Words, so that newer servers may have more of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct EphemeralScope {
    pub tools: Vec<String>,
    pub verbs: Vec<String>,
}

/// What a new key may do. What is absent is the server's default.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewKey {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Who calls when a request names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    /// Whether a request may name another environment.
    pub env_override: bool,
    /// CIDR blocks; empty means any address.
    pub ip_allowlist: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Everything runs and is recorded, the answer is ALLOW with `would_be`.
    pub monitor: bool,
    /// Requests may be signed with it.
    pub signing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MintedKey {
    /// The whole key, shown once.
    pub key: String,
    pub record: Key,
}
