//! The record of scans: filtered, paged, followed.

use crate::{
    ControlError, Telemetry, approvals::checked_limit, error::Answer, extract::Query, operator::Operator,
};
use axum::{Json, extract::State};
use interven_live::Live;
use interven_store::{ActivityFilter, ActivityRow, Change, StoreResult};
use interven_types::{AgentId, DataClass, Decision, ErrorBody, RiskBand, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};

const MOST_LISTED: u32 = 1_000;
const LISTED_BY_DEFAULT: u32 = 50;
/// Longest time that a request for what comes next is held.
const LONGEST_WAIT_SECONDS: u64 = 25;

/// Which scans; all that is given must hold.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActivityQuery {
    agent_id: Option<AgentId>,
    tool: Option<String>,
    operation: Option<String>,
    decision: Option<Decision>,
    band: Option<RiskBand>,
    class: Option<DataClass>,
    env: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// The page before this position, newest first.
    before_seq: Option<u64>,
    /// What came after this position, oldest first.
    after_seq: Option<u64>,
    /// 1–1,000; 50 when absent.
    limit: Option<u32>,
    /// With `after_seq`: holds the answer until there is a row, for at most this many seconds: 0–25.
    wait: Option<u64>,
}

impl ActivityQuery {
    fn filter(self) -> Result<ActivityFilter, ControlError> {
        Ok(ActivityFilter {
            agent_id: self.agent_id,
            tool_name: self.tool,
            operation: self.operation,
            decision: self.decision,
            risk_band: self.band,
            class: self.class,
            envs: self.env.into_iter().collect(),
            since: self.since,
            until: self.until,
            before_seq: self.before_seq,
            after_seq: self.after_seq,
            limit: checked_limit(self.limit, LISTED_BY_DEFAULT, MOST_LISTED)?,
        })
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ActivityPage {
    /// Rows of `activity_log`, without the request.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<ActivityRow>,
    /// Where the next page begins, when there may be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before_seq: Option<u64>,
}

/// Scans, newest first; with `after_seq`, what came after it, oldest first.
#[utoipa::path(
    get, path = "/api/telemetry/activity", tag = "activity", security(("operator" = [])), params(ActivityQuery),
    responses((status = 200, body = ActivityPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<ActivityQuery>,
) -> Answer<ActivityPage> {
    let wait = Duration::from_secs(query.wait.unwrap_or(0).min(LONGEST_WAIT_SECONDS));
    if !wait.is_zero() && query.after_seq.is_none() {
        return Err(ControlError::invalid("`wait` needs `after_seq`: the position to follow from"));
    }
    let filter = query.filter()?;
    let rows = rows_within(&telemetry.live, operator.tenant, &filter, wait).await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count == filter.limit);
    let next_before_seq =
        rows.last().filter(|_| is_full && filter.after_seq.is_none()).map(|row| row.ledger_seq);
    Ok(Json(ActivityPage { rows, next_before_seq }))
}

/// Reads; while there is nothing and time is left, reads again whenever something was recorded.
async fn rows_within(
    live: &Live,
    tenant: TenantId,
    filter: &ActivityFilter,
    wait: Duration,
) -> StoreResult<Vec<ActivityRow>> {
    let deadline = Instant::now() + wait;
    // Listen first, then read: nothing is missed between.
    let mut changes = live.store.changes();
    loop {
        let rows = live.store.activity(tenant, filter).await?;
        let is_settled = !rows.is_empty() || wait.is_zero();
        if is_settled || timeout_at(deadline, recorded(&mut changes, tenant)).await.is_err() {
            return Ok(rows);
        }
    }
}

/// Resolves when something of the tenant may have been recorded; never, when nothing will be any more.
async fn recorded(changes: &mut Receiver<Change>, tenant: TenantId) {
    loop {
        match changes.recv().await {
            Ok(Change::Activity(of, _)) if of == tenant => return,
            Ok(Change::Everything) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
