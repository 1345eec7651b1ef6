//! How a caller learns what a human decided: at once, or as soon as it happens.

use crate::{Caller, Live};
use interven_http::ApiError;
use interven_spool::WaitingApproval;
use interven_store::{ApprovalRow, ApprovalStatus, StoreError};
use interven_types::{ApprovalId, Decision, ErrorCode, TenantId, Timestamp, TraceId};
use moka::ops::compute::Op;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Plain polls of one approval are answered once in this time.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// Longest time that a poll with `wait` is held.
const LONGEST_WAIT_SECONDS: u64 = 25;
/// Approvals whose last poll is remembered.
const MAX_REMEMBERED: u64 = 100_000;

/// How the caller wants to be told.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ApprovalPoll {
    /// Holds the answer until there is a decision, for at most this many seconds: 0–25, more counts as 25.
    /// Absent or 0: answer now.
    pub wait: Option<u64>,
}

/// Where an approval stands. Nothing in it says what the call was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApprovalStatusAnswer {
    pub approval_id: ApprovalId,
    pub status: ApprovalStatus,
    /// `ALLOW` or `DENY` once a human has decided.
    pub decision: Option<Decision>,
    pub decided_at: Option<Timestamp>,
    /// When waiting for a human ends.
    pub expires_at: Timestamp,
    /// Of that wait; 0 when it is over.
    pub remaining_seconds: u64,
    pub poll_guidance: String,
    /// What to do with the call in this status.
    pub retry_guidance: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// Unknown, or another tenant's.
    #[error("no such approval")]
    NotFound,
    #[error("this approval was asked for less than 2 s ago")]
    TooSoon { wait: Duration },
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for PollError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

impl From<PollError> for ApiError {
    fn from(error: PollError) -> Self {
        match error {
            PollError::NotFound => Self::not_found("approval"),
            PollError::TooSoon { wait } => {
                let sentence = "polled too soon; poll every 2 s or slower, or once with ?wait=25";
                Self::new(ErrorCode::RateLimited, sentence).retry_after(wait)
            }
            PollError::Store(cause) => {
                tracing::error!(%cause, "an approval could not be read");
                Self::new(ErrorCode::Unavailable, "the approval cannot be read now; try again")
            }
        }
    }
}

/// When each approval was last polled.
#[derive(Debug)]
pub(crate) struct Polls {
    last: moka::sync::Cache<ApprovalId, Timestamp>,
}

impl Polls {
    pub(crate) fn new() -> Self {
        Self { last: moka::sync::Cache::new(MAX_REMEMBERED) }
    }

    /// Lets one poll through per [`POLL_INTERVAL`]; says how long to wait otherwise.
    fn take(&self, id: ApprovalId, now: Timestamp) -> Result<(), Duration> {
        let mut outcome = Ok(());
        self.last.entry(id).and_compute_with(|last| {
            let since = last.map(|entry| now.since(entry.into_value()));
            match since.and_then(|since| POLL_INTERVAL.checked_sub(since)).filter(|wait| !wait.is_zero()) {
                Some(wait) => {
                    outcome = Err(wait);
                    Op::Nop
                }
                None => Op::Put(now),
            }
        });
        outcome
    }
}

impl Live {
    /// The state of one of the tenant's approvals; with `wait`, as soon as it changes.
    pub async fn approval_status(
        &self,
        tenant: TenantId,
        id: ApprovalId,
        poll: ApprovalPoll,
    ) -> Result<ApprovalStatusAnswer, PollError> {
        self.poll_approval(Some(tenant), id, poll).await
    }

    /// The same for an agent: only of what its key asked for, or its key's own agent did.
    pub async fn own_approval_status(
        &self,
        caller: &Caller,
        id: ApprovalId,
        poll: ApprovalPoll,
    ) -> Result<ApprovalStatusAnswer, PollError> {
        let is_own = match self.read_approval(Some(caller.tenant()), id).await? {
            Standing::Stored(approval) => self.is_own_trace(caller, approval.trace_id).await?,
            Standing::Spooled(approval) => caller.is_asker(approval.key_id, approval.agent_id),
        };
        if !is_own {
            return Err(PollError::NotFound);
        }
        self.approval_status(caller.tenant(), id, poll).await
    }

    /// Whether the scan was asked with the caller's key, or for its key's own agent.
    pub(crate) async fn is_own_trace(&self, caller: &Caller, trace: TraceId) -> Result<bool, StoreError> {
        let row = self.store.trace(caller.tenant(), trace).await;
        let is_spooled = || self.spool.as_ref().is_some_and(|spool| spool.has_trace(caller.tenant(), trace));
        match row {
            Ok(row) => Ok(caller.is_asker(row.key_id, row.agent_id)),
            Err(StoreError::NotFound(_)) if is_spooled() => {
                Err(StoreError::Unavailable("the scan waits in the spool".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// The same of any tenant's, for the internal endpoint, whose legacy client sends no key: the id is all it knows, and
    /// the answer says nothing about the call.
    pub async fn approval_status_anywhere(
        &self,
        id: ApprovalId,
        poll: ApprovalPoll,
    ) -> Result<ApprovalStatusAnswer, PollError> {
        self.poll_approval(None, id, poll).await
    }

    async fn poll_approval(
        &self,
        tenant: Option<TenantId>,
        id: ApprovalId,
        poll: ApprovalPoll,
    ) -> Result<ApprovalStatusAnswer, PollError> {
        let wait = Duration::from_secs(poll.wait.unwrap_or(0).min(LONGEST_WAIT_SECONDS));
        // Read first: what a stranger asks for must not use up the agent's polls, nor tell that it exists.
        let mut standing = self.read_approval(tenant, id).await?;
        if wait.is_zero() {
            self.polls.take(id, self.now()).map_err(|wait| PollError::TooSoon { wait })?;
        }
        if !wait.is_zero() && standing.status(self.now()) == ApprovalStatus::Pending {
            let deadline = Instant::now() + wait;
            let mut changes = self.watch_approval(id);
            loop {
                standing = self.read_approval(tenant, id).await?;
                let is_over = standing.status(self.now()) != ApprovalStatus::Pending || self.is_stopping();
                if is_over || !matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(()))) {
                    break;
                }
            }
        }
        Ok(match &standing {
            Standing::Stored(row) => status_of(row, self.now()),
            Standing::Spooled(approval) => status_in_spool(approval, self.now()),
        })
    }

    /// As stored; or else as it waits in the spool.
    async fn read_approval(&self, tenant: Option<TenantId>, id: ApprovalId) -> Result<Standing, StoreError> {
        let stored = match tenant {
            Some(tenant) => self.store.approval(tenant, id, self.now()).await,
            None => self.store.approval_anywhere(id, self.now()).await,
        };
        match stored {
            Ok(row) => Ok(Standing::Stored(Box::new(row))),
            Err(error @ (StoreError::NotFound(_) | StoreError::Unavailable(_))) => {
                let spooled = self.spool.as_ref().and_then(|spool| spool.approval(id));
                let of_tenant =
                    spooled.filter(|approval| tenant.is_none_or(|tenant| approval.tenant == tenant));
                of_tenant.map(Standing::Spooled).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

/// Where an approval was found.
enum Standing {
    Stored(Box<ApprovalRow>),
    /// The store has not heard of it, so nobody can have decided it.
    Spooled(WaitingApproval),
}

impl Standing {
    fn status(&self, now: Timestamp) -> ApprovalStatus {
        match self {
            Self::Stored(row) => row.status,
            Self::Spooled(approval) if now < approval.expires_at => ApprovalStatus::Pending,
            Self::Spooled(_) => ApprovalStatus::Expired,
        }
    }
}

fn status_in_spool(approval: &WaitingApproval, now: Timestamp) -> ApprovalStatusAnswer {
    let remaining = approval.expires_at.since(now);
    let (status, poll_guidance, retry_guidance) = match remaining.is_zero() {
        false => (ApprovalStatus::Pending, POLL_ON, "wait; people are asked as soon as the store is back"),
        true => (ApprovalStatus::Expired, FINAL, ASK_ANEW),
    };
    ApprovalStatusAnswer {
        approval_id: approval.approval_id,
        status,
        decision: None,
        decided_at: None,
        expires_at: approval.expires_at,
        remaining_seconds: remaining.as_secs_f64().ceil() as u64,
        poll_guidance: poll_guidance.to_owned(),
        retry_guidance: retry_guidance.to_owned(),
    }
}

const POLL_ON: &str = "poll every 3 s, or ask once with ?wait=25";
const FINAL: &str = "no need to poll: this is final";
const ASK_ANEW: &str = "nobody decided in time; the identical request asks for a new approval";

fn status_of(row: &ApprovalRow, now: Timestamp) -> ApprovalStatusAnswer {
    let is_pending = row.status == ApprovalStatus::Pending;
    let remaining = if is_pending { row.expires_at.since(now) } else { Duration::ZERO };
    ApprovalStatusAnswer {
        approval_id: row.approval_id,
        status: row.status,
        decision: match row.status {
            ApprovalStatus::Approved | ApprovalStatus::Executed => Some(Decision::Allow),
            ApprovalStatus::Denied => Some(Decision::Deny),
            ApprovalStatus::Pending | ApprovalStatus::Expired => None,
        },
        decided_at: row.decided_at,
        expires_at: row.expires_at,
        remaining_seconds: remaining.as_secs_f64().ceil() as u64,
        poll_guidance: if is_pending { POLL_ON } else { FINAL }.to_owned(),
        retry_guidance: retry_guidance(row, now),
    }
}

fn retry_guidance(row: &ApprovalRow, now: Timestamp) -> String {
    let window = row.window_ends_at.filter(|end| now < *end);
    let is_used_up = row.max_uses.is_some_and(|most| row.uses >= most);
    match (row.status, window) {
        (ApprovalStatus::Pending, _) => {
            "wait; do not send the call to its destination before a human approves it".to_owned()
        }
        (ApprovalStatus::Approved, _) if is_used_up => {
            "the approval has been used; the identical request now asks for a new one".to_owned()
        }
        (ApprovalStatus::Approved, Some(end)) => {
            format!("send the identical request again before {end}; {}", passes(row))
        }
        (ApprovalStatus::Approved, None) => {
            "the approval's window is over; the identical request now asks for a new one".to_owned()
        }
        (ApprovalStatus::Denied, Some(end)) => {
            format!("drop the call; the identical request is denied until {end}")
        }
        (ApprovalStatus::Denied, None) => {
            "drop the call; the denial's window is over, the identical request asks for a new approval"
                .to_owned()
        }
        (ApprovalStatus::Expired, _) => ASK_ANEW.to_owned(),
        (ApprovalStatus::Executed, _) => "the call has been made; do not send it again".to_owned(),
    }
}

fn passes(row: &ApprovalRow) -> String {
    match row.max_uses.map(|most| most.saturating_sub(row.uses)) {
        None => "it passes as often as it is sent".to_owned(),
        Some(1) => "it passes once".to_owned(),
        Some(left) => format!("it passes {left} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::{AgentId, RiskBand, Verb};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1_000)
    }

    fn row(status: ApprovalStatus) -> ApprovalRow {
        let is_decided = matches!(status, ApprovalStatus::Approved | ApprovalStatus::Denied);
        ApprovalRow {
            approval_id: ApprovalId(Default::default()),
            trace_id: TraceId(Default::default()),
            agent_id: AgentId(Default::default()),
            agent_name: "bot".into(),
            env: "default".into(),
            status,
            created_at: at(0),
            expires_at: at(600),
            tool_name: "stripe".into(),
            operation: "create_transfer".into(),
            verb: Verb::Write,
            method: "POST".into(),
            url: "https://api.stripe.com/v1/transfers".into(),
            risk_score: 0.4,
            risk_band: RiskBand::Medium,
            reason_codes: vec!["MONEY_MOVEMENT".into()],
            rule: None,
            escalate_to: Vec::new(),
            approvers: Vec::new(),
            decided_at: is_decided.then(|| at(60)),
            decided_by: is_decided.then(|| "operator".into()),
            decided_from: is_decided.then(|| "cli".into()),
            note: None,
            window_ends_at: is_decided.then(|| at(660)),
            uses: 0,
            max_uses: Some(1),
        }
    }

    #[test]
    fn each_status_says_what_to_do_with_the_call() {
        use ApprovalStatus::*;
        let used = ApprovalRow { uses: 1, ..row(Approved) };
        let thrice = ApprovalRow { max_uses: Some(3), ..row(Approved) };
        let cases = [
            (row(Pending), 100, None, 500, "wait"),
            (row(Approved), 100, Some(Decision::Allow), 0, "before 1970-01-01T00:11:00.000Z; it passes once"),
            (thrice, 100, Some(Decision::Allow), 0, "it passes 3 times"),
            (used, 100, Some(Decision::Allow), 0, "has been used"),
            (row(Approved), 660, Some(Decision::Allow), 0, "window is over"),
            (row(Denied), 100, Some(Decision::Deny), 0, "denied until 1970-01-01T00:11:00.000Z"),
            (row(Denied), 700, Some(Decision::Deny), 0, "asks for a new approval"),
            (row(Expired), 700, None, 0, "nobody decided in time"),
            (row(Executed), 700, Some(Decision::Allow), 0, "do not send it again"),
        ];
        for (row, now, decision, remaining, guidance) in cases {
            let answer = status_of(&row, at(now));
            assert_eq!((answer.decision, answer.remaining_seconds), (decision, remaining), "{row:?}");
            assert!(answer.retry_guidance.contains(guidance), "{}", answer.retry_guidance);
        }
    }

    #[test]
    fn a_plain_poll_passes_once_in_two_seconds_per_approval() {
        let polls = Polls::new();
        let [one, other] = [1, 2].map(|n| ApprovalId(uuid::Uuid::from_u128(n)));
        assert_eq!(polls.take(one, at(10)), Ok(()));
        assert_eq!(polls.take(one, at(11)), Err(Duration::from_secs(1)));
        assert_eq!(polls.take(other, at(11)), Ok(()));
        assert_eq!(polls.take(one, at(12)), Ok(()));
        assert_eq!(polls.take(one, at(13)), Err(Duration::from_secs(1)));
    }
}
