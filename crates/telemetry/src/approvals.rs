//! Decisions that wait for a human: listed, looked at, made.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{JsonBody, Path, Query},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_live::{ApprovalPoll, ApprovalStatusAnswer};
use interven_store::{ApprovalDecision, ApprovalFilter, ApprovalRow, ApprovalStatus};
use interven_types::{AgentId, ApprovalId, ErrorBody};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const MOST_LISTED: u32 = 500;
const LISTED_BY_DEFAULT: u32 = 100;
const LONGEST_NOTE: usize = 2_000;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalQuery {
    status: Option<ApprovalStatus>,
    agent_id: Option<AgentId>,
    /// 1–500; 100 when absent.
    limit: Option<u32>,
}

/// Approvals, newest first.
#[utoipa::path(
    get, path = "/api/telemetry/approvals", tag = "approvals", security(("operator" = [])), params(ApprovalQuery),
    responses((status = 200, body = Vec<ApprovalRow>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<ApprovalQuery>,
) -> Answer<Vec<ApprovalRow>> {
    let live = &telemetry.live;
    let limit = checked_limit(query.limit, LISTED_BY_DEFAULT, MOST_LISTED)?;
    let filter = ApprovalFilter { status: query.status, agent_id: query.agent_id, limit };
    Ok(Json(live.store.approvals(operator.tenant, &filter, live.now()).await?))
}

/// A page size within its bounds.
pub(crate) fn checked_limit(asked: Option<u32>, default: u32, most: u32) -> Result<u32, ControlError> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ControlError::Invalid(format!("`limit` must be 1 to {most}")))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ApprovalDetail {
    #[serde(flatten)]
    approval: ApprovalRow,
    /// What the agent asked, with everything found in it redacted.
    #[schema(value_type = Object)]
    request: Value,
}

/// One approval, with the request that it is about.
#[utoipa::path(
    get, path = "/api/telemetry/approvals/{approval_id}", tag = "approvals", security(("operator" = [])),
    params(("approval_id" = ApprovalId, Path)),
    responses((status = 200, body = ApprovalDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn show(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<ApprovalId>,
) -> Answer<ApprovalDetail> {
    let live = &telemetry.live;
    let approval = live.store.approval(operator.tenant, id, live.now()).await?;
    let row = live.store.trace(operator.tenant, approval.trace_id).await?;
    let request = live.shown_request(operator.tenant, &row).await?;
    Ok(Json(ApprovalDetail { approval, request }))
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ruling {
    /// Why, for those who read it later: at most 2,000 characters.
    note: Option<String>,
}

/// Lets the identical retry pass.
#[utoipa::path(
    post, path = "/api/telemetry/approvals/{approval_id}/approve", tag = "approvals", security(("operator" = [])),
    params(("approval_id" = ApprovalId, Path)), request_body = Ruling,
    responses(
        (status = 200, body = ApprovalRow),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Decided already, by whom is said, or expired", body = ErrorBody),
    )
)]
pub(crate) async fn approve(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<ApprovalId>,
    JsonBody(ruling): JsonBody<Ruling>,
) -> Answer<ApprovalRow> {
    decide(&telemetry, &operator, id, ApprovalDecision::Approve, &ruling).await
}

/// Denies the call and, for a while, its identical retries.
#[utoipa::path(
    post, path = "/api/telemetry/approvals/{approval_id}/deny", tag = "approvals", security(("operator" = [])),
    params(("approval_id" = ApprovalId, Path)), request_body = Ruling,
    responses(
        (status = 200, body = ApprovalRow),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Decided already, by whom is said, or expired", body = ErrorBody),
    )
)]
pub(crate) async fn deny(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<ApprovalId>,
    JsonBody(ruling): JsonBody<Ruling>,
) -> Answer<ApprovalRow> {
    decide(&telemetry, &operator, id, ApprovalDecision::Deny, &ruling).await
}

/// The operator may decide whatever the approval's `approvers` say; they bind people, by role or name.
async fn decide(
    telemetry: &Telemetry,
    operator: &Operator,
    id: ApprovalId,
    decision: ApprovalDecision,
    ruling: &Ruling,
) -> Answer<ApprovalRow> {
    let live = &telemetry.live;
    let note = ruling.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > LONGEST_NOTE) {
        return Err(ControlError::Invalid(format!("`note` is longer than {LONGEST_NOTE} characters")));
    }
    let decided =
        live.store.decide_approval(operator.tenant, id, decision, note, &operator.actor, live.now()).await?;
    // A denial has lowered the agent's trust.
    live.forget_agent(operator.tenant, decided.agent_id);
    Ok(Json(decided))
}

/// Where an approval stands. Needs no token, because the legacy client sends none: status alone.
#[utoipa::path(
    get, path = "/approvals/{approval_id}/status", tag = "approvals",
    params(("approval_id" = ApprovalId, Path), ApprovalPoll),
    responses(
        (status = 200, body = ApprovalStatusAnswer),
        (status = 404, body = ErrorBody),
        (status = 429, description = "More than one plain poll in 2 s", body = ErrorBody),
    )
)]
pub(crate) async fn status(
    State(telemetry): State<Telemetry>,
    Path(id): Path<ApprovalId>,
    Query(poll): Query<ApprovalPoll>,
) -> Answer<ApprovalStatusAnswer> {
    Ok(Json(telemetry.live.approval_status_anywhere(id, poll).await?))
}

/// Where an answer's `approval_url` leads: what the status is and how a person decides. It says nothing of the call.
#[utoipa::path(
    get, path = "/approvals/{approval_id}", tag = "approvals",
    params(("approval_id" = ApprovalId, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 404, body = ErrorBody),
        (status = 429, description = "Asked more than once in 2 s", body = ErrorBody),
    )
)]
pub(crate) async fn page(
    State(telemetry): State<Telemetry>,
    Path(id): Path<ApprovalId>,
) -> Result<String, ControlError> {
    let answer = telemetry.live.approval_status_anywhere(id, ApprovalPoll::default()).await?;
    let status = answer.status.as_str();
    Ok(format!(
        "Approval {id}: {status} (waits until {}).\n\nSee the call:  interven approvals show {id}\nDecide it:     interven approvals approve {id}\n               interven approvals deny {id}\n",
        answer.expires_at
    ))
}
