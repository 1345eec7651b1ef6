//! Policies: listed, applied, deleted, seeded.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{Document, Path, Query, json_of},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_http::ApiResult;
use interven_live::{Applied, AppliedPolicy, ApplyError, Live};
use interven_policy::{PolicySource, default_policies, parse_json, parse_yaml};
use interven_store::{Actor, PolicyRow};
use interven_types::{ErrorBody, PolicyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The current version of a policy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoredPolicy {
    policy_id: PolicyId,
    name: String,
    /// Absent: every environment.
    env_name: Option<String>,
    version: u32,
    /// How many rules it has.
    rules: usize,
    /// The canonical source.
    #[schema(value_type = Object)]
    policy: Value,
    updated_at: Timestamp,
    updated_by: String,
}

impl From<PolicyRow> for StoredPolicy {
    fn from(row: PolicyRow) -> Self {
        Self {
            policy_id: row.policy_id,
            name: row.name,
            env_name: row.env_name,
            version: row.version,
            rules: row.source.get("rules").and_then(Value::as_array).map_or(0, Vec::len),
            policy: row.source,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}

/// The policies in force, by name and environment.
#[utoipa::path(
    get, path = "/api/telemetry/policies", tag = "policies", security(("operator" = [])),
    responses((status = 200, body = Vec<StoredPolicy>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<Vec<StoredPolicy>> {
    let rows = telemetry.live.store.policies(operator.tenant).await?;
    Ok(Json(rows.into_iter().map(StoredPolicy::from).collect()))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyQuery {
    /// In place of the environments that the policies name.
    env: Option<String>,
    /// Says what would be applied, and applies nothing.
    #[serde(default)]
    dry_run: bool,
    /// Each policy must be at this version now.
    if_version: Option<u32>,
}

/// Creates or replaces policies by name and environment; all or none. Every apply makes a version.
#[utoipa::path(
    post, path = "/api/telemetry/policies/apply", tag = "policies", security(("operator" = [])), params(ApplyQuery),
    request_body(content(
        (Object = "application/json"),
        (String = "text/yaml")
    ), description = "A policy, or `{policies: […]}`; match and condition nested or flat"),
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
    let sources = parse(&document)?;
    let (live, env) = (&telemetry.live, query.env.as_deref());
    let Applied { policies } = if query.dry_run {
        live.try_policies(operator.tenant, sources, env).await?
    } else {
        live.apply_policies(operator.tenant, sources, env, query.if_version, &operator.actor).await?
    };
    Ok(Json(policies))
}

pub(crate) fn parse(document: &Document) -> ApiResult<Vec<PolicySource>> {
    let parsed = if document.is_yaml {
        let text = std::str::from_utf8(&document.bytes)
            .map_err(|_| ControlError::invalid("the body is not UTF-8"))?;
        parse_yaml(text, "policy.yaml")
    } else {
        parse_json(json_of(&document.bytes)?)
    };
    Ok(parsed.map_err(|found| ApplyError::Invalid(found.0))?)
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
    Ok(live.apply_policies(tenant, default_policies(), None, None, actor).await?.policies)
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeletedPolicy {
    policy_id: PolicyId,
}

/// Takes a policy out of decisions; its versions stay.
#[utoipa::path(
    delete, path = "/api/telemetry/policies/{policy_id}", tag = "policies", security(("operator" = [])),
    params(("policy_id" = PolicyId, Path)),
    responses((status = 200, body = DeletedPolicy), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn delete(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<PolicyId>,
) -> Answer<DeletedPolicy> {
    let live = &telemetry.live;
    live.store.delete_policy(operator.tenant, id, &operator.actor, live.now()).await?;
    live.reload(operator.tenant).await?;
    Ok(Json(DeletedPolicy { policy_id: id }))
}
