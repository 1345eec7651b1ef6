//! API keys: minted, listed, revoked.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{JsonBody, Path},
    operator::Operator,
    tenants::checked_name,
};
use axum::{Json, extract::State};
use interven_http::CidrList;
use interven_live::{Live, fresh_api_key, fresh_id};
use interven_store::{Actor, AgentClaim, AgentOverride, KeyRecord, KeyScope, NewKey, StoreError};
use interven_types::{AgentId, ErrorBody, KeyId, KeyKind, RuntimeType, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who calls with a key that names nobody.
const DEFAULT_AGENT: &str = "default-agent";
const DEFAULT_ENV: &str = "default";

/// The keys of a tenant, without the keys themselves.
#[utoipa::path(
    get, path = "/api/telemetry/keys", tag = "keys", security(("operator" = [])),
    responses((status = 200, body = Vec<KeyRecord>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Vec<KeyRecord>> {
    Ok(Json(telemetry.live.store.keys(operator.tenant).await?))
}

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
    pub expires_at: Option<Timestamp>,
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

/// Mints a key.
#[utoipa::path(
    post, path = "/api/telemetry/keys", tag = "keys", security(("operator" = [])), request_body = NewKeyRequest,
    responses((status = 200, body = MintedKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody))
)]
pub(crate) async fn create(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewKeyRequest>,
) -> Answer<MintedKey> {
    Ok(Json(create_key(&telemetry.live, operator.tenant, new, &operator.actor).await?))
}

/// Mints a key and loads the tenant again, so that the key works when this returns.
pub async fn create_key(
    live: &Live,
    tenant: TenantId,
    new: NewKeyRequest,
    actor: &Actor,
) -> Result<MintedKey, ControlError> {
    let name = checked_name("name", &new.name)?.to_owned();
    let env = checked_name("env", new.env.as_deref().unwrap_or(DEFAULT_ENV))?.to_owned();
    CidrList::parse(new.ip_allowlist.iter().map(String::as_str))
        .map_err(|error| ControlError::Invalid(format!("`ip_allowlist`: {error}")))?;
    if new.expires_at.is_some_and(|end| end <= live.now()) {
        return Err(ControlError::invalid("`expires_at` is in the past"));
    }
    let agent_id = default_agent(live, tenant, &new).await?;
    let key = fresh_api_key(KeyKind::Live)?;
    let record = KeyRecord {
        key_id: KeyId(fresh_id()),
        tenant_id: tenant,
        name,
        prefix: key.prefix().to_owned(),
        env,
        env_override: new.env_override,
        agent_id,
        agent_override: new.agent_override,
        ip_allowlist: new.ip_allowlist,
        scopes: new.scopes.unwrap_or_else(|| BTreeSet::from([KeyScope::Scan])),
        monitor: new.monitor,
        created_at: live.now(),
        created_by: actor.name.clone(),
        expires_at: new.expires_at,
        revoked_at: None,
        last_seen_at: None,
        blocked_attempts: 0,
        last_refusal: None,
    };
    let stored = NewKey { record, hash: live.hash_of(&key) };
    live.store.create_key(tenant, &stored, actor).await?;
    live.reload(tenant).await?;
    Ok(MintedKey { key: key.reveal().to_owned(), record: stored.record })
}

async fn default_agent(live: &Live, tenant: TenantId, new: &NewKeyRequest) -> Result<AgentId, ControlError> {
    let agent = match (new.agent_id, new.agent_name.as_deref()) {
        (Some(_), Some(_)) => return Err(ControlError::invalid("give `agent_id` or `agent_name`, not both")),
        (Some(id), None) => live.store.agent(tenant, id).await?,
        (None, name) => {
            let claim =
                AgentClaim::Name(checked_name("agent_name", name.unwrap_or(DEFAULT_AGENT))?.to_owned());
            live.store.ensure_agent(tenant, None, &claim, RuntimeType::Custom, live.now()).await?
        }
    };
    Ok(agent.agent_id)
}

/// Revokes a key, by id or by its first 12 characters. Revoking twice is no error.
#[utoipa::path(
    delete, path = "/api/telemetry/keys/{key}", tag = "keys", security(("operator" = [])),
    params(("key" = String, Path, description = "Id, or the first 12 characters where they are one key's alone")),
    responses(
        (status = 200, body = KeyRecord),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Several keys begin so", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(key): Path<String>,
) -> Answer<KeyRecord> {
    let live = &telemetry.live;
    let key_id = find(live, operator.tenant, &key).await?.key_id;
    live.store.revoke_key(operator.tenant, key_id, &operator.actor, live.now()).await?;
    live.reload(operator.tenant).await?;
    Ok(Json(find(live, operator.tenant, &key_id.to_string()).await?))
}

async fn find(live: &Live, tenant: TenantId, named: &str) -> Result<KeyRecord, ControlError> {
    let id = named.parse::<KeyId>().ok();
    let keys = live.store.keys(tenant).await?;
    let mut found = keys.into_iter().filter(|key| Some(key.key_id) == id || key.prefix == named);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(StoreError::NotFound("key").into()),
        (Some(_), Some(_)) => {
            Err(StoreError::Conflict(format!("several keys begin with {named}; name one by its id")).into())
        }
    }
}
