//! New API keys: by those who may make them, and by agents for one task of their own.

use crate::{Caller, KeyError, Live, TenantError, randomness};
use interven_http::{ApiError, CidrList};
use interven_store::{Actor, AgentClaim, AgentOverride, Ephemeral, KeyRecord, KeyScope, NewKey, StoreError};
use interven_types::{
    AgentId, ApiKey, CallScope, ErrorCode, InvalidScope, KeyId, KeyKind, RuntimeType, TenantId, Timestamp,
    by_name,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, time::Duration};

/// Who calls with a key that names nobody.
const DEFAULT_AGENT: &str = "default-agent";
const DEFAULT_ENV: &str = "default";
const LONGEST_NAME: usize = 200;
const LONGEST_TTL: u32 = 86_400;
const MOST_USES: u32 = 1_000;

/// What a new key may do.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewKeyRequest {
    pub name: String,
    /// `default` when absent.
    pub env: Option<String>,
    /// Whether a request may name another environment.
    pub env_override: bool,
    /// The default agent, by id: must exist.
    pub agent_id: Option<AgentId>,
    /// The default agent, by name: found or created. With neither, `default-agent`.
    pub agent_name: Option<String>,
    pub agent_override: AgentOverride,
    /// CIDR blocks; empty means any address.
    pub ip_allowlist: Vec<String>,
    /// `scan` alone when absent.
    pub scopes: Option<BTreeSet<KeyScope>>,
    /// Monitor mode: everything runs and is recorded, the answer is ALLOW with `would_be`.
    pub monitor: bool,
    /// Whether requests may be signed with it. Then the key is also kept, sealed.
    pub signing: bool,
    pub expires_at: Option<Timestamp>,
}

impl NewKeyRequest {
    fn wanted_scopes(&self) -> BTreeSet<KeyScope> {
        self.scopes.clone().unwrap_or_else(|| BTreeSet::from([KeyScope::Scan]))
    }

    /// Whether a key may make this one: nothing that it makes can do what it cannot.
    ///
    /// # Errors
    /// [`MintError::Escalates`], [`MintError::Unwatched`].
    pub fn check_within(&self, maker: &KeyRecord) -> Result<(), MintError> {
        if let Some(more) = self.wanted_scopes().difference(&maker.scopes).next() {
            return Err(MintError::Escalates(*more));
        }
        if self.monitor && !maker.monitor { Err(MintError::Unwatched) } else { Ok(()) }
    }
}

#[derive(Clone, Serialize, utoipa::ToSchema)]
pub struct MintedKey {
    /// The whole key: shown here and never again.
    pub key: String,
    pub record: KeyRecord,
}

impl std::fmt::Debug for MintedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MintedKey").field("prefix", &self.record.prefix).finish_non_exhaustive()
    }
}

/// A key for one task: it ends by itself, is good for so many calls, and for calls of its scope alone.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct NewEphemeralKey {
    /// 1 to 86,400.
    #[schema(default = 600, minimum = 1, maximum = 86400)]
    pub ttl_seconds: u32,
    /// 1 to 1,000.
    #[schema(default = 1, minimum = 1, maximum = 1000)]
    pub max_uses: u32,
    #[serde(deserialize_with = "by_name")]
    pub scope: CallScope,
    /// For people who read the list of keys.
    pub description: Option<String>,
}

impl Default for NewEphemeralKey {
    fn default() -> Self {
        Self { ttl_seconds: 600, max_uses: 1, scope: CallScope::default(), description: None }
    }
}

/// Why a key is not made, or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    #[error("`{field}` {problem}")]
    Name { field: &'static str, problem: &'static str },
    #[error("`{field}` must be 1 to {most}")]
    OutOfRange { field: &'static str, most: u32 },
    #[error(transparent)]
    Scope(#[from] InvalidScope),
    #[error("`ip_allowlist`: {0}")]
    Allowlist(String),
    #[error("`expires_at` is in the past")]
    Past,
    #[error("give `agent_id` or `agent_name`, not both")]
    TwoAgents,
    #[error("an ephemeral key makes no further keys; use the key that it was made with")]
    FromEphemeral,
    #[error("a key with the scope `keys:write` gives no scope that it has not itself: `{}`", .0.as_str())]
    Escalates(KeyScope),
    #[error(
        "a key with the scope `keys:write` that is not in monitor mode itself makes no `monitor` key: an operator does"
    )]
    Unwatched,
    #[error("the tenant's rate is used up; wait and make the key again")]
    RateLimited(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the key could not be sealed: {0}")]
    NotSealed(#[from] KeyError),
    #[error("the key was stored, but does not work yet: {0}")]
    NotInForce(#[from] TenantError),
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

impl From<MintError> for ApiError {
    fn from(error: MintError) -> Self {
        match error {
            MintError::FromEphemeral | MintError::Escalates(_) | MintError::Unwatched => {
                Self::new(ErrorCode::ScopeMissing, error.to_string())
            }
            MintError::RateLimited(wait) => {
                Self::new(ErrorCode::RateLimited, error.to_string()).retry_after(wait)
            }
            MintError::Store(StoreError::NotFound(what)) => Self::not_found(what),
            MintError::Store(StoreError::Conflict(message)) => Self::new(ErrorCode::Conflict, message),
            MintError::Store(_)
            | MintError::NotSealed(_)
            | MintError::NotInForce(_)
            | MintError::NoRandomness(_) => {
                tracing::error!(%error, "a key could not be made");
                Self::new(
                    ErrorCode::Unavailable,
                    "the key cannot be made now; look whether it is there, then try again",
                )
            }
            invalid => Self::invalid_request(invalid.to_string()),
        }
    }
}

impl Live {
    /// Mints a key and loads the tenant again, so that the key works when this returns.
    pub async fn mint_key(
        &self,
        tenant: TenantId,
        new: NewKeyRequest,
        actor: &Actor,
    ) -> Result<MintedKey, MintError> {
        let name = checked_name("name", &new.name)?.to_owned();
        let env = checked_name("env", new.env.as_deref().unwrap_or(DEFAULT_ENV))?.to_owned();
        CidrList::parse(new.ip_allowlist.iter().map(String::as_str))
            .map_err(|error| MintError::Allowlist(error.to_string()))?;
        if new.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(MintError::Past);
        }
        let agent_id = self.default_agent(tenant, &new).await?;
        let scopes = new.wanted_scopes();
        let key = randomness::fresh_api_key(KeyKind::Live)?;
        let record = KeyRecord {
            key_id: KeyId(randomness::fresh_id()),
            tenant_id: tenant,
            name,
            prefix: key.prefix().to_owned(),
            env,
            env_override: new.env_override,
            agent_id,
            agent_override: new.agent_override,
            scopes,
            ip_allowlist: new.ip_allowlist,
            monitor: new.monitor,
            created_at: self.now(),
            created_by: actor.name.clone(),
            expires_at: new.expires_at,
            revoked_at: None,
            last_seen_at: None,
            blocked_attempts: 0,
            last_refusal: None,
            signing: new.signing,
            ephemeral: None,
        };
        let minted = self.store_key(tenant, key, record, actor).await?;
        self.reload(tenant).await?;
        Ok(minted)
    }

    /// A key beside the caller's own: same tenant, environment, agents, addresses and mode, and nothing that outlives it.
    pub async fn mint_ephemeral_key(
        &self,
        caller: &Caller,
        new: NewEphemeralKey,
    ) -> Result<MintedKey, MintError> {
        let parent = caller.key();
        if parent.ephemeral.is_some() {
            return Err(MintError::FromEphemeral);
        }
        in_range("ttl_seconds", new.ttl_seconds, LONGEST_TTL)?;
        in_range("max_uses", new.max_uses, MOST_USES)?;
        new.scope.check()?;
        let name = match &new.description {
            Some(description) => checked_name("description", description)?.to_owned(),
            None => format!("for one task of {}", parent.name).chars().take(LONGEST_NAME).collect(),
        };
        // Each leaves a row and an entry of the audit log, as a scan does.
        let tenant = self.tenant(caller.tenant());
        tenant.map_or(Ok(()), |tenant| tenant.take_scan()).map_err(MintError::RateLimited)?;
        let now = self.now();
        let end = now.saturating_add(Duration::from_secs(new.ttl_seconds.into()));
        let key = randomness::fresh_api_key(KeyKind::Ephemeral)?;
        let record = KeyRecord {
            key_id: KeyId(randomness::fresh_id()),
            name,
            prefix: key.prefix().to_owned(),
            scopes: BTreeSet::from([KeyScope::Scan]),
            created_at: now,
            created_by: caller.actor().name,
            expires_at: Some(parent.expires_at.map_or(end, |last| last.min(end))),
            last_seen_at: None,
            blocked_attempts: 0,
            last_refusal: None,
            signing: false,
            ephemeral: Some(Ephemeral {
                parent_key_id: parent.key_id,
                scope: new.scope,
                max_uses: new.max_uses,
                uses: 0,
            }),
            ..parent.clone()
        };
        self.store_key(caller.tenant(), key, record, &caller.actor()).await
    }

    /// Revokes a key, with all ephemeral keys that it made; none of them works any more when this returns.
    pub async fn revoke_key(&self, tenant: TenantId, key: KeyId, actor: &Actor) -> Result<(), MintError> {
        self.store.revoke_key(tenant, key, actor, self.now()).await?;
        self.reload(tenant).await?;
        Ok(())
    }

    async fn store_key(
        &self,
        tenant: TenantId,
        key: ApiKey,
        record: KeyRecord,
        actor: &Actor,
    ) -> Result<MintedKey, MintError> {
        let sealed_secret = match record.signing {
            true => Some(self.seal_signing_key(tenant, record.key_id, &key)?),
            false => None,
        };
        let new = NewKey { record, hash: self.hash_of(&key), sealed_secret };
        self.store.create_key(tenant, &new, actor).await?;
        Ok(MintedKey { key: key.reveal().to_owned(), record: new.record })
    }

    async fn default_agent(&self, tenant: TenantId, new: &NewKeyRequest) -> Result<AgentId, MintError> {
        let agent = match (new.agent_id, new.agent_name.as_deref()) {
            (Some(_), Some(_)) => return Err(MintError::TwoAgents),
            (Some(id), None) => self.store.agent(tenant, id).await?,
            (None, name) => {
                let name = checked_name("agent_name", name.unwrap_or(DEFAULT_AGENT))?;
                let claim = AgentClaim::Name(name.to_owned());
                self.store.ensure_agent(tenant, None, &claim, RuntimeType::Custom, self.now()).await?
            }
        };
        Ok(agent.agent_id)
    }
}

fn in_range(field: &'static str, value: u32, most: u32) -> Result<(), MintError> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(MintError::OutOfRange { field, most }) }
}

/// A name that people will read: trimmed, not empty, bounded, without control characters.
pub fn checked_name<'a>(field: &'static str, text: &'a str) -> Result<&'a str, MintError> {
    let name = text.trim();
    let problem = if name.is_empty() {
        "is empty"
    } else if name.chars().count() > LONGEST_NAME {
        "is longer than 200 characters"
    } else if name.chars().any(char::is_control) {
        "contains a control character"
    } else {
        return Ok(name);
    };
    Err(MintError::Name { field, problem })
}
