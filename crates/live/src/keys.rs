//! From an `Authorization` header to a caller: the only source of a tenant id.

use crate::Live;
use interven_http::CidrList;
use interven_store::{Actor, KeyHash, KeyRecord, KeyScope, KeyUse, StoreError};
use interven_types::{AgentId, ApiKey, CallScope, KeyId, TenantId, Timestamp};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Keys remembered at once.
const MAX_CACHED_KEYS: u64 = 100_000;

/// An authenticated caller. Only [`Live::authenticate`] makes one.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(crate) key: Arc<KeyRecord>,
    pub(crate) client_addr: IpAddr,
}

impl Caller {
    pub fn tenant(&self) -> TenantId {
        self.key.tenant_id
    }

    pub fn key(&self) -> &KeyRecord {
        &self.key
    }

    pub fn client_addr(&self) -> IpAddr {
        self.client_addr
    }

    /// What the key is for.
    pub(crate) fn call_scope(&self) -> CallScope {
        self.key.ephemeral.as_ref().map(|limits| limits.scope.clone()).unwrap_or_default()
    }

    pub(crate) fn key_use(&self) -> Option<KeyUse> {
        let limits = self.key.ephemeral.as_ref()?;
        Some(KeyUse { key_id: self.key.key_id, max_uses: limits.max_uses })
    }

    /// Who the audit log says it was.
    pub fn actor(&self) -> Actor {
        Actor {
            name: format!("key:{}", self.key.prefix),
            origin: "api".to_owned(),
            client_addr: Some(self.client_addr.to_string()),
        }
    }

    /// Whether a scan was asked with this key, or for its own agent.
    pub(crate) fn is_asker(&self, key: Option<KeyId>, agent: AgentId) -> bool {
        key == Some(self.key.key_id) || agent == self.key.agent_id
    }

    pub fn may(&self, scope: KeyScope) -> bool {
        self.key.scopes.contains(&scope)
    }
}

/// Why a caller is not let in. The caller hears only one of two codes; the cause goes to the log and to the key's page.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("no Authorization header")]
    Missing,
    #[error("the Authorization header is not `Bearer iv_live_…`")]
    NotBearer,
    #[error("the key is mistyped or cut off")]
    Malformed,
    #[error("the key is unknown here")]
    Unknown,
    #[error("the signature fits no key of the agent")]
    BadSignature,
    #[error("the key was revoked")]
    Revoked,
    #[error("the key has expired")]
    Expired,
    #[error("the caller's address {0} is not in the key's allowlist")]
    AddressNotAllowed(IpAddr),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug)]
pub(crate) struct Keys {
    cache: moka::sync::Cache<KeyHash, CachedKey>,
    /// Uses not yet written back.
    seen: Mutex<HashMap<KeyId, (TenantId, Timestamp)>>,
}

#[derive(Clone, Debug)]
struct CachedKey {
    key: Arc<KeyRecord>,
    allowlist: Arc<CidrList>,
    /// The tenant's generation when the key was read.
    generation: u64,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(MAX_CACHED_KEYS)
            .support_invalidation_closures()
            .build();
        Self { cache, seen: Mutex::default() }
    }
}

impl Live {
    /// Lets a caller in, or says why not.
    pub async fn authenticate(
        &self,
        authorization: Option<&str>,
        client_addr: IpAddr,
    ) -> Result<Caller, Refusal> {
        let header = authorization.ok_or(Refusal::Missing)?;
        let text = header.strip_prefix("Bearer ").ok_or(Refusal::NotBearer)?;
        let api_key = ApiKey::parse(text).map_err(|_| Refusal::Malformed)?;
        let CachedKey { key, allowlist, .. } = self.find_key(&api_key).await?;
        self.let_in(key, &allowlist, client_addr).await
    }

    /// The same for a key that was not looked up by its hash.
    pub(crate) async fn admit(&self, key: KeyRecord, client_addr: IpAddr) -> Result<Caller, Refusal> {
        let allowlist = allowlist_of(&key);
        self.let_in(Arc::new(key), &allowlist, client_addr).await
    }

    async fn let_in(
        &self,
        key: Arc<KeyRecord>,
        allowlist: &CidrList,
        client_addr: IpAddr,
    ) -> Result<Caller, Refusal> {
        let now = self.now();
        if !key.is_usable(now) {
            let refusal = if key.revoked_at.is_some() { Refusal::Revoked } else { Refusal::Expired };
            self.note_refusal(&key, &refusal, false).await;
            return Err(refusal);
        }
        if !allowlist.is_empty() && !allowlist.contains(client_addr) {
            let refusal = Refusal::AddressNotAllowed(client_addr);
            self.note_refusal(&key, &refusal, true).await;
            return Err(refusal);
        }
        self.keys
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.key_id, (key.tenant_id, now));
        Ok(Caller { key, client_addr })
    }

    async fn find_key(&self, api_key: &ApiKey) -> Result<CachedKey, Refusal> {
        let hash = self.secrets.key_hash(api_key);
        let generation_of = |tenant| self.tenant(tenant).map(|t| t.generation);
        if let Some(cached) = self.keys.cache.get(&hash)
            && generation_of(cached.key.tenant_id) == Some(cached.generation)
        {
            return Ok(cached);
        }
        let key = self.store.key_by_hash(&hash).await?.ok_or(Refusal::Unknown)?;
        // A key that was just made may be younger than the tenant's snapshot; a tenant not loaded is not cached.
        let generation = generation_of(key.tenant_id).unwrap_or_default();
        let allowlist = Arc::new(allowlist_of(&key));
        let cached = CachedKey { key: Arc::new(key), allowlist, generation };
        self.keys.cache.insert(hash, cached.clone());
        Ok(cached)
    }

    async fn note_refusal(&self, key: &KeyRecord, refusal: &Refusal, is_blocked: bool) {
        let reason = refusal.to_string();
        tracing::info!(key = %key.prefix, tenant_id = %key.tenant_id, reason, "refused a request");
        if let Err(error) = self.store.note_refusal(key.tenant_id, key.key_id, &reason, is_blocked).await {
            tracing::warn!(key = %key.prefix, %error, "could not count a refused request");
        }
    }

    /// Is read again when it is next used.
    pub(crate) fn forget_key(&self, key: KeyId) {
        if let Err(error) = self.keys.cache.invalidate_entries_if(move |_, cached| cached.key.key_id == key) {
            tracing::warn!(key_id = %key, %error, "a key stays in memory until its tenant changes");
        }
    }

    pub fn hash_of(&self, key: &ApiKey) -> KeyHash {
        self.secrets.key_hash(key)
    }

    /// Writes back when keys were last seen.
    pub(crate) async fn flush_seen_keys(&self) {
        let seen = std::mem::take(&mut *self.keys.seen.lock().unwrap_or_else(PoisonError::into_inner));
        for (key, (tenant, at)) in seen {
            if let Err(error) = self.store.touch_key(tenant, key, at).await {
                tracing::warn!(key_id = %key, %error, "could not note when a key was last seen");
            }
        }
    }
}

/// One that cannot be read allows nobody.
fn allowlist_of(key: &KeyRecord) -> CidrList {
    CidrList::parse(key.ip_allowlist.iter().map(String::as_str))
        .or_else(|_| CidrList::parse(["255.255.255.255"]))
        .unwrap_or_default()
}
