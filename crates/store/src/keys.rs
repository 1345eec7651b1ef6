//! API keys: only a keyed hash is stored.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{AgentId, CallScope, KeyId, KeyKind, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

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

/// Ephemeral keys of one key that are usable at the same time.
pub const MOST_EPHEMERAL: u32 = 1_000;

/// How long a key that has ended stays on the list.
pub const EPHEMERAL_KEPT: Duration = Duration::from_secs(7 * 86_400);

/// What limits a key that another key made for one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Ephemeral {
    /// The key that made it. When that one is revoked, so is this.
    pub parent_key_id: KeyId,
    pub scope: CallScope,
    pub max_uses: u32,
    /// Calls that were answered for good. One that waits for a human takes its use when it is answered at last.
    pub uses: u32,
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
    /// Whether requests may be signed with it.
    #[serde(default)]
    pub signing: bool,
    /// Present on ephemeral keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral: Option<Ephemeral>,
}

impl KeyRecord {
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether calls may still be made with it, as far as this copy knows.
    pub fn has_use_left(&self) -> bool {
        self.ephemeral.as_ref().is_none_or(|limits| limits.uses < limits.max_uses)
    }

    /// The key itself or, of an ephemeral one, the key that it was made with.
    pub fn lasting_id(&self) -> KeyId {
        self.ephemeral.as_ref().map_or(self.key_id, |limits| limits.parent_key_id)
    }
}

#[derive(Clone, Debug)]
pub struct NewKey {
    pub record: KeyRecord,
    pub hash: KeyHash,
    /// The whole key, sealed: present when requests are to be signed with it.
    pub sealed_secret: Option<Vec<u8>>,
}

/// A key that requests are signed with.
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub record: KeyRecord,
    pub sealed_secret: Vec<u8>,
}

/// Where an agent calls: the environments of the keys that it speaks through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environments {
    pub named: BTreeSet<String>,
    /// One of the keys may name any.
    pub is_any: bool,
}

impl Environments {
    pub fn has(&self, env: &str) -> bool {
        self.is_any || self.named.contains(env)
    }
}

impl FromIterator<(String, bool)> for Environments {
    /// Of keys: the environment, and whether another may be named.
    fn from_iter<I: IntoIterator<Item = (String, bool)>>(keys: I) -> Self {
        let mut environments = Self::default();
        for (env, is_any) in keys {
            environments.named.insert(env);
            environments.is_any |= is_any;
        }
        environments
    }
}

#[async_trait]
pub trait KeyStore: Send + Sync {
    /// With [`KeyStore::signing_keys`] the one lookup that happens before a tenant is known: it *is* the authentication.
    async fn key_by_hash(&self, hash: &KeyHash) -> StoreResult<Option<KeyRecord>>;
    /// Keys whose default agent this is and which sign. Which of them did, and so whose tenant it is, the signature tells.
    async fn signing_keys(&self, agent: AgentId) -> StoreResult<Vec<SigningKey>>;
    /// Those of the keys in use that it is the default of, or has spoken through.
    async fn environments_of(&self, tenant: TenantId, agent: AgentId) -> StoreResult<Environments>;
    /// Notes a signed request; false when it was noted already. Those noted before `forget` are forgotten.
    async fn note_request(
        &self,
        tenant: TenantId,
        agent: AgentId,
        nonce: &str,
        now: Timestamp,
        forget: Timestamp,
    ) -> StoreResult<bool>;
    /// With an ephemeral key, its parent must be usable and have made fewer than [`MOST_EPHEMERAL`] that still are; those
    /// that ended [`EPHEMERAL_KEPT`] ago are removed. Nothing is announced of it: no cache knows the key.
    async fn create_key(&self, tenant: TenantId, key: &NewKey, actor: &Actor) -> StoreResult<()>;
    /// Newest first.
    async fn keys(&self, tenant: TenantId, kind: KeyKind) -> StoreResult<Vec<KeyRecord>>;
    /// With all ephemeral keys that it made. Revoking a revoked key changes nothing and is no error.
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
