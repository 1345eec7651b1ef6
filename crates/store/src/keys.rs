//! API keys: only a keyed hash is stored.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{AgentId, KeyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// HMAC-SHA256 of the whole key under a server secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash")
    }
}

/// What a key may do beyond being known.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum KeyScope {
    #[serde(rename = "scan")]
    Scan,
    #[serde(rename = "traces:read")]
    TracesRead,
    #[serde(rename = "policies:write")]
    PoliciesWrite,
    #[serde(rename = "incidents:write")]
    IncidentsWrite,
    #[serde(rename = "keys:write")]
    KeysWrite,
}

impl KeyScope {
    pub const ALL: [Self; 5] =
        [Self::Scan, Self::TracesRead, Self::PoliciesWrite, Self::IncidentsWrite, Self::KeysWrite];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::TracesRead => "traces:read",
            Self::PoliciesWrite => "policies:write",
            Self::IncidentsWrite => "incidents:write",
            Self::KeysWrite => "keys:write",
        }
    }
}

/// Which agents a request with this key may name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "mode", content = "agents", rename_all = "snake_case")]
pub enum AgentOverride {
    #[default]
    Any,
    Listed(BTreeSet<AgentId>),
    None,
}

/// A key as its page shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyRecord {
    pub key_id: KeyId,
    pub tenant_id: TenantId,
    pub name: String,
    /// First 12 characters of the key: public.
    pub prefix: String,
    pub env: String,
    /// Whether a request may name another environment.
    pub env_override: bool,
    /// Who calls when a request names nobody.
    pub agent_id: AgentId,
    pub agent_override: AgentOverride,
    /// CIDR blocks; empty means any address.
    pub ip_allowlist: Vec<String>,
    pub scopes: BTreeSet<KeyScope>,
    /// Monitor mode: everything runs and is recorded, the answer is ALLOW with `would_be`.
    pub monitor: bool,
    pub created_at: Timestamp,
    pub created_by: String,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_seen_at: Option<Timestamp>,
    /// Requests refused because of the caller's address.
    pub blocked_attempts: u64,
    /// Last reason a request with this key was refused, for the key's page.
    pub last_refusal: Option<String>,
}

impl KeyRecord {
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

#[derive(Clone, Debug)]
pub struct NewKey {
    pub record: KeyRecord,
    pub hash: KeyHash,
}

#[async_trait]
pub trait KeyStore: Send + Sync {
    /// The one lookup that happens before a tenant is known: it *is* the authentication.
    async fn key_by_hash(&self, hash: &KeyHash) -> StoreResult<Option<KeyRecord>>;
    async fn create_key(&self, tenant: TenantId, key: &NewKey, actor: &Actor) -> StoreResult<()>;
    async fn keys(&self, tenant: TenantId) -> StoreResult<Vec<KeyRecord>>;
    /// Revoking a revoked key changes nothing and is no error.
    async fn revoke_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Notes a use: `last_seen_at`. Not audited, may be batched by the caller, and is no announced change.
    async fn touch_key(&self, tenant: TenantId, key: KeyId, seen_at: Timestamp) -> StoreResult<()>;
    /// Counts refused requests; `blocked` are those refused for their address. Not an announced change.
    async fn note_refusal(
        &self,
        tenant: TenantId,
        key: KeyId,
        reason: &str,
        blocked: bool,
    ) -> StoreResult<()>;
}
