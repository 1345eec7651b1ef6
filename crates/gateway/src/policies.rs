//! Policies over the gateway, for keys that were given the scope to write them.

use crate::{Gateway, caller::AgentKey, scan::read_json};
use axum::{Json, body::Body, extract::State, http::HeaderMap};
use interven_http::{ApiError, ApiResult, Path, Query};
use interven_live::{AppliedPolicy, NewPolicies};
use interven_policy::{PolicySource, parse_json};
use interven_store::{KeyScope, StoreError};
use interven_types::{ErrorBody, ErrorCode, PolicyId};
use serde::{Deserialize, Serialize};

/// Which environment.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct InEnv {
    /// Absent: as the policy itself says; every environment when it names none.
    env: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApplyQuery {
    /// In place of the environments that the policies name.
    env: Option<String>,
    /// Each policy must be at this version now; 0: must not exist.
    if_version: Option<u32>,
}

/// One policy answers as an object, several as a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum ApplyAnswer {
    One(AppliedPolicy),
    Several { policies: Vec<AppliedPolicy> },
}

/// Creates or replaces policies by name and environment; all or none. Every apply makes a version.
#[utoipa::path(
    post, path = "/v1/policies/apply", tag = "policies", security(("api_key" = ["policies:write"])),
    params(ApplyQuery),
    request_body(content = Object, description = "A policy, or `{policies: […]}`; match and condition nested or flat"),
    responses(
        (status = 200, body = ApplyAnswer),
        (status = 400, description = "`INVALID_POLICY` with diagnostics", body = ErrorBody),
        (status = 403, description = "`SCOPE_MISSING`", body = ErrorBody),
        (status = 409, description = "`CONFLICT`: not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn apply(
    key: AgentKey,
    State(gateway): State<Gateway>,
    Query(ApplyQuery { env, if_version }): Query<ApplyQuery>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ApplyAnswer>> {
    let caller = key.require(KeyScope::PoliciesWrite)?;
    let sources = parse_json(read_json(&gateway, caller.tenant(), &headers, body).await?)
        .map_err(|found| interven_live::ApplyError::Invalid(found.0))?;
    let new = NewPolicies { env, if_version, ..NewPolicies::from(sources) };
    let applied = gateway.live.apply_policies(caller.tenant(), &new, &caller.actor()).await?;
    let mut policies = applied.policies;
    Ok(Json(match (policies.len(), policies.pop()) {
        (1, Some(one)) => ApplyAnswer::One(one),
        (_, last) => {
            policies.extend(last);
            ApplyAnswer::Several { policies }
        }
    }))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoredPolicy {
    policy_id: PolicyId,
    name: String,
    /// Absent: every environment.
    env_name: Option<String>,
    version: u32,
    #[schema(value_type = Object)]
    policy: PolicySource,
}

/// One policy as it is in force.
#[utoipa::path(
    get, path = "/v1/policies/by-name/{name}", tag = "policies", security(("api_key" = ["policies:write"])),
    params(("name" = String, Path), InEnv),
    responses((status = 200, body = StoredPolicy), (status = 404, body = ErrorBody))
)]
pub(crate) async fn by_name(
    key: AgentKey,
    State(gateway): State<Gateway>,
    Path(name): Path<String>,
    Query(place): Query<InEnv>,
) -> ApiResult<Json<StoredPolicy>> {
    let caller = key.require(KeyScope::PoliciesWrite)?;
    let row = gateway.live.store.policy_by_name(caller.tenant(), &name, place.env.as_deref()).await.map_err(
        |error| match error {
            StoreError::NotFound(_) => ApiError::not_found("policy of that name in that environment"),
            cause => {
                tracing::error!(%cause, "a policy could not be read");
                ApiError::new(ErrorCode::Unavailable, "the policy cannot be read now; try again")
            }
        },
    )?;
    let policy = serde_json::from_value(row.source).map_err(|cause| {
        tracing::error!(%cause, policy = row.name, "a stored policy does not decode");
        ApiError::new(ErrorCode::Internal, "the stored policy cannot be read")
    })?;
    let (policy_id, name, env_name, version) = (row.policy_id, row.name, row.env_name, row.version);
    Ok(Json(StoredPolicy { policy_id, name, env_name, version, policy }))
}
