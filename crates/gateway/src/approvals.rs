//! How an agent learns what a human decided.

use crate::{Gateway, caller::AgentKey};
use axum::{Json, extract::State};
use interven_http::{ApiResult, Path, Query};
use interven_live::{ApprovalPoll, ApprovalStatusAnswer};
use interven_store::KeyScope;
use interven_types::{ApprovalId, ErrorBody};

/// The state of an approval; with `wait`, as soon as it changes.
#[utoipa::path(
    get, path = "/v1/approvals/{id}/status", tag = "approvals", security(("api_key" = [])),
    params(("id" = ApprovalId, Path), ApprovalPoll),
    responses(
        (status = 200, body = ApprovalStatusAnswer),
        (status = 404, description = "Unknown, or of another tenant", body = ErrorBody),
        (status = 429, description = "More than one plain poll in 2 s", body = ErrorBody),
    )
)]
pub(crate) async fn status(
    key: AgentKey,
    State(gateway): State<Gateway>,
    Path(id): Path<ApprovalId>,
    Query(poll): Query<ApprovalPoll>,
) -> ApiResult<Json<ApprovalStatusAnswer>> {
    let caller = key.require(KeyScope::Scan)?;
    Ok(Json(gateway.live.own_approval_status(caller, id, poll).await?))
}

/// The same under the path that older clients use.
#[utoipa::path(
    get, path = "/approvals/{id}/status", tag = "approvals", security(("api_key" = [])),
    params(("id" = ApprovalId, Path), ApprovalPoll),
    responses((status = 200, body = ApprovalStatusAnswer))
)]
pub(crate) async fn status_alias(
    key: AgentKey,
    state: State<Gateway>,
    path: Path<ApprovalId>,
    query: Query<ApprovalPoll>,
) -> ApiResult<Json<ApprovalStatusAnswer>> {
    status(key, state, path, query).await
}
