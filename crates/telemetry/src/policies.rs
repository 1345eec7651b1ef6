//! Policies: listed, applied, seeded, restored, deleted.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{Document, Path, Query, json_of},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_http::ApiResult;
use interven_live::{Applied, AppliedPolicy, ApplyError, Live, NewPolicies};
use interven_policy::{default_policies, parse_json, parse_yaml};
use interven_store::{Actor, PolicyRow, PolicyVersion};
use interven_types::{AgentId, ErrorBody, PolicyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The current version of a policy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoredPolicy {
    policy_id: PolicyId,
    name: String,
    /// Absent: every environment.
    env_name: Option<String>,
    /// The agent whose own policy it is; absent: it is for all.
    agent_id: Option<AgentId>,
    /// That agent's name.
    agent: Option<String>,
    version: u32,
    /// How many rules it has.
    rules: usize,
    /// The canonical source.
    #[schema(value_type = Object)]
    policy: Value,
    updated_at: Timestamp,
    updated_by: String,
    /// `cli`, `api`, `console`, `start`; empty when not known.
    updated_from: String,
    /// Present: the policy takes no part in decisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
}

impl From<PolicyRow> for StoredPolicy {
    fn from(row: PolicyRow) -> Self {
        Self {
            policy_id: row.policy_id,
            name: row.name,
            env_name: row.env_name,
            agent_id: row.agent_id,
            agent: row.source.get("agent").and_then(Value::as_str).map(str::to_owned),
            version: row.version,
            rules: row.source.get("rules").and_then(Value::as_array).map_or(0, Vec::len),
            policy: row.source,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
            updated_from: row.updated_from,
            deleted_at: row.deleted_at,
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// With the last versions of deleted policies.
    #[serde(default)]
    deleted: bool,
}

/// The policies in force, by name, environment and agent.
#[utoipa::path(
    get, path = "/api/telemetry/policies", tag = "policies", security(("operator" = [])), params(ListQuery),
    responses((status = 200, body = Vec<StoredPolicy>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<ListQuery>,
) -> Answer<Vec<StoredPolicy>> {
    let store = &telemetry.live.store;
    let rows = match query.deleted {
        true => store.policies_with_deleted(operator.tenant).await?,
        false => store.policies(operator.tenant).await?,
    };
    Ok(Json(rows.into_iter().map(StoredPolicy::from).collect()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyQuery {
    /// In place of the environments that the policies name.
    env: Option<String>,
    /// Name or id of an agent, in place of those that the policies name: they become its own.
    agent: Option<String>,
    /// Says what would be applied, and applies nothing.
    #[serde(default)]
    dry_run: bool,
    /// Each policy must be at this version now; 0: must not exist. `if_versions` beside `policies` in the body says the same of
    /// policies by their names.
    if_version: Option<u32>,
}

/// Creates or replaces policies by name and environment; all or none. Every apply makes a version.
#[utoipa::path(
    post, path = "/api/telemetry/policies/apply", tag = "policies", security(("operator" = [])), params(ApplyQuery),
    request_body(content(
        (Object = "application/json"),
        (String = "text/yaml")
    ), description = "A policy, or `{policies: […], if_versions?: {name: version}}`; match and condition nested or flat"),
    responses(
        (status = 200, body = Vec<AppliedPolicy>),
        (status = 400, description = "`INVALID_POLICY` with `diagnostics`", body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 409, description = "Not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn apply(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<ApplyQuery>,
    document: Document,
) -> ApiResult<Json<Vec<AppliedPolicy>>> {
    let ApplyQuery { env, agent, dry_run, if_version } = query;
    let new = NewPolicies { env, agent, if_version, ..parse(&document)? };
    let Applied { policies } = match dry_run {
        true => telemetry.live.try_policies(operator.tenant, &new).await?,
        false => telemetry.live.apply_policies(operator.tenant, &new, &operator.actor).await?,
    };
    Ok(Json(policies))
}

pub(crate) fn parse(document: &Document) -> ApiResult<NewPolicies> {
    let mut if_versions = BTreeMap::new();
    let parsed = if document.is_yaml {
        let text = std::str::from_utf8(&document.bytes)
            .map_err(|_| ControlError::invalid("the body is not UTF-8"))?;
        parse_yaml(text, "policy.yaml")
    } else {
        let mut json = json_of(&document.bytes)?;
        if let Some(expected) = json.as_object_mut().and_then(|fields| fields.remove("if_versions")) {
            if_versions = serde_json::from_value(expected).map_err(|error| {
                ControlError::invalid(format!("`if_versions` maps names of policies to versions: {error}"))
            })?;
        }
        parse_json(json)
    };
    let sources = parsed.map_err(|found| ApplyError::Invalid(found.0))?;
    Ok(NewPolicies { if_versions, ..NewPolicies::from(sources) })
}

/// Applies the default policies, again where they are already.
#[utoipa::path(
    post, path = "/api/telemetry/policies/seed-defaults", tag = "policies", security(("operator" = [])),
    responses((status = 200, body = Vec<AppliedPolicy>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn seed_defaults(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<Vec<AppliedPolicy>> {
    Ok(Json(seed_default_policies(&telemetry.live, operator.tenant, &operator.actor).await?))
}

/// Puts the default policies in force beside what the tenant has; those of the same name are replaced.
pub async fn seed_default_policies(
    live: &Live,
    tenant: TenantId,
    actor: &Actor,
) -> Result<Vec<AppliedPolicy>, ControlError> {
    Ok(live.apply_policies(tenant, &default_policies().into(), actor).await?.policies)
}

/// Versions that are listed; older ones can still be read and restored.
const VERSIONS_LISTED: u32 = 200;

/// The newest 200 versions of a policy, newest first, also of a deleted one.
#[utoipa::path(
    get, path = "/api/telemetry/policies/{policy_id}/versions", tag = "policies", security(("operator" = [])),
    params(("policy_id" = PolicyId, Path)),
    responses(
        (status = 200, body = Vec<PolicyVersion>),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn versions(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<PolicyId>,
) -> Answer<Vec<PolicyVersion>> {
    Ok(Json(telemetry.live.store.policy_versions(operator.tenant, id, VERSIONS_LISTED).await?))
}

/// A policy as it was at a version.
#[utoipa::path(
    get, path = "/api/telemetry/policies/{policy_id}/versions/{version}", tag = "policies",
    security(("operator" = [])), params(("policy_id" = PolicyId, Path), ("version" = u32, Path)),
    responses((status = 200, body = StoredPolicy), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn show_version(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path((id, version)): Path<(PolicyId, u32)>,
) -> Answer<StoredPolicy> {
    Ok(Json(telemetry.live.store.policy_version(operator.tenant, id, version).await?.into()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct IfVersion {
    /// The policy must be at this version now; 0: must have been deleted.
    if_version: Option<u32>,
}

/// Puts an earlier version in force again, as the next one. It brings a deleted policy back.
#[utoipa::path(
    post, path = "/api/telemetry/policies/{policy_id}/versions/{version}/restore", tag = "policies",
    security(("operator" = [])), params(("policy_id" = PolicyId, Path), ("version" = u32, Path), IfVersion),
    responses(
        (status = 200, body = AppliedPolicy),
        (status = 400, description = "It can no longer be applied: `INVALID_POLICY` with `diagnostics`", body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn restore(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path((id, version)): Path<(PolicyId, u32)>,
    Query(query): Query<IfVersion>,
) -> ApiResult<Json<AppliedPolicy>> {
    let live = &telemetry.live;
    Ok(Json(live.restore_policy(operator.tenant, id, version, query.if_version, &operator.actor).await?))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeletedPolicy {
    policy_id: PolicyId,
}

/// Takes a policy out of decisions; its versions stay.
#[utoipa::path(
    delete, path = "/api/telemetry/policies/{policy_id}", tag = "policies", security(("operator" = [])),
    params(("policy_id" = PolicyId, Path), IfVersion),
    responses(
        (status = 200, body = DeletedPolicy),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<PolicyId>,
    Query(query): Query<IfVersion>,
) -> Answer<DeletedPolicy> {
    let live = &telemetry.live;
    live.store.delete_policy(operator.tenant, id, query.if_version, &operator.actor, live.now()).await?;
    live.reload(operator.tenant).await?;
    Ok(Json(DeletedPolicy { policy_id: id }))
}
