//! The record of scans.

use crate::{RateLimit, StoreError, StoreResult};
use async_trait::async_trait;
use interven_types::{
    AgentId, ApprovalEffect, ApprovalId, BudgetKey, DataClass, Decision, IncidentEffect, KeyId, Lesson,
    Millionths, PolicyId, Precedent, RiskBand, Spending, TenantId, Timestamp, TraceId, TrustEvent,
    TrustState, Verb, Verdict,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One row of `activity_log`: what was asked, what was answered, and why. Append-only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityRow {
    pub trace_id: TraceId,
    /// Position in the tenant's log, from 1, without gaps. Assigned by the store.
    pub ledger_seq: u64,
    pub created_at: Timestamp,
    pub env: String,
    pub key_id: Option<KeyId>,
    pub client_addr: Option<String>,
    pub agent_id: AgentId,
    pub agent_name: String,
    /// Absent when nothing was evaluated (quota).
    pub decision: Option<Decision>,
    pub would_be: Option<Decision>,
    pub risk_score: f64,
    pub risk_band: RiskBand,
    pub reason_codes: Vec<String>,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub method: String,
    /// Origin and path, redacted; the query is in the sealed request alone.
    pub url: String,
    pub host: Option<String>,
    pub classifications: Vec<DataClass>,
    pub policy_id: Option<PolicyId>,
    pub policy_name: Option<String>,
    pub rule_id: Option<String>,
    pub approval_id: Option<ApprovalId>,
    pub trust_score: f64,
    /// Versions that replay needs.
    pub engine_version: String,
    pub detectors_hash: String,
    pub policy_set: String,
    pub settings_version: u32,
    /// Absent when nothing was evaluated (quota).
    pub verdict: Option<Verdict>,
    /// What was known about the agent: replay reads it in place of the live state.
    pub facts: Value,
    /// Microseconds per step.
    pub timings: Value,
    /// The request, encrypted. What is shown of it is redacted when it is read.
    #[serde(skip)]
    pub sealed_request: Vec<u8>,
}

/// What settling a scan writes, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// `ledger_seq` is ignored: the store assigns it.
    pub row: ActivityRow,
    pub approval: ApprovalEffect,
    pub trust: TrustState,
    pub trust_events: Vec<TrustEvent>,
    /// Present when an allowed call teaches.
    pub lesson: Option<Lesson>,
    pub incidents: Vec<IncidentEffect>,
    /// Added to what the budgets were used for.
    pub spendings: Vec<Spending>,
}

impl Settled {
    /// The same scan, with what it does to trust done to what is `stored` by now: others may have moved it since the scan was settled.
    #[must_use]
    pub fn onto(mut self, stored: &TrustState) -> Self {
        let row = &self.row;
        let has_no_effect = row.decision.is_none() || row.would_be.is_some();
        let (settled, at) = (std::mem::replace(&mut self.trust, stored.clone()), row.created_at);
        if has_no_effect {
            return self;
        }
        let trust = &mut self.trust;
        trust.trust_score = stored.recovered(at);
        for event in &mut self.trust_events {
            *event = trust.take_in(event.kind, event.trace_id, event.at);
        }
        trust.clean_streak =
            if settled.clean_streak == 0 { 0 } else { stored.clean_streak.saturating_add(1) };
        if !self.trust_events.is_empty() || trust.trust_score != stored.trust_score {
            trust.updated_at = stored.updated_at.max(at);
        }
        self
    }
}

/// The last, pure step of a decision, run inside the transaction that records it, so that two identical retries
/// cannot both use one grant. `None`: the scan was judged on what is no longer so; nothing is written.
pub type Settle = Box<dyn FnOnce(&Precedent) -> Option<Settled> + Send>;

/// An ephemeral key, which is good for so many calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    pub key_id: KeyId,
    pub max_uses: u32,
}

impl KeyUse {
    /// How many uses are gone after a scan that found `uses` gone and was settled so. Waiting for a human takes none.
    pub fn take(self, uses: u32, settled: &Settled) -> StoreResult<u32> {
        if uses >= self.max_uses {
            return Err(StoreError::KeyExhausted);
        }
        let is_answered = settled.row.decision.is_some_and(|decision| decision != Decision::RequireApproval);
        Ok(uses + u32::from(is_answered))
    }
}

/// A scan to record.
pub struct ScanEntry {
    pub trace_id: TraceId,
    pub agent_id: AgentId,
    pub env: String,
    /// Identity of the exact call (see [`interven_types::NewApproval::signature`]).
    pub signature: [u8; 32],
    pub idempotency_key: Option<String>,
    /// The budgets that settling must know of.
    pub budgets: Vec<BudgetKey>,
    /// The tenant's rate, which this scan takes from; absent: none is set.
    pub rate_limit: Option<RateLimit>,
    /// The ephemeral key that this scan takes a use of; absent: the key is none.
    pub use_of: Option<KeyUse>,
    pub now: Timestamp,
    pub settle: Settle,
}

impl std::fmt::Debug for ScanEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanEntry").field("trace_id", &self.trace_id).finish_non_exhaustive()
    }
}

/// Proof that a scan is durable.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    pub ledger_seq: u64,
    /// Scans recorded for the tenant in the current calendar month (UTC), this one included.
    pub scans_this_month: u64,
    /// What was settled, as recorded.
    pub settled: Settled,
}

/// What came back to the agent, attached to its scan. No content is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanResponseRow {
    pub trace_id: TraceId,
    pub at: Timestamp,
    pub response_status: Option<u16>,
    pub data_classes: Vec<DataClass>,
    pub fields_redacted_count: u32,
    /// Keyed hash of the whole content, in hexadecimal.
    pub content_fingerprint: String,
    /// Keyed marks of its passages and of what was found in it, for telling where they turn up again.
    #[serde(skip)]
    pub content_marks: Vec<u8>,
    pub injection: Value,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActivityFilter {
    pub agent_id: Option<AgentId>,
    pub tool_name: Option<String>,
    pub operation: Option<String>,
    pub decision: Option<Decision>,
    pub risk_band: Option<RiskBand>,
    pub class: Option<DataClass>,
    /// Any of these; none is every environment.
    pub envs: Vec<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only rows before this position, newest first (keyset pagination).
    pub before_seq: Option<u64>,
    /// Only rows after this position, oldest first (following the log).
    pub after_seq: Option<u64>,
    /// 1–1,000.
    pub limit: u32,
}

/// How much of the log a filter admits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActivityExtent {
    pub rows: u64,
    /// Position of the newest of them; absent when there is none.
    pub newest: Option<u64>,
}

/// A row to look into, with its sealed request; or what keeps it from being read.
pub type SealedRow = Result<ActivityRow, StoreError>;

#[async_trait]
pub trait ActivityStore: Send + Sync {
    /// Settles and records one scan; returns only once the record is durable. Concurrent scans share a commit.
    /// [`StoreError::Outdated`] when settling it gave nothing, [`StoreError::RateLimited`] when the tenant's rate is used up,
    /// [`StoreError::Conflict`] when its trace is recorded already.
    async fn record_scan(&self, tenant: TenantId, scan: ScanEntry) -> StoreResult<Receipt>;
    /// Records scans that were settled and answered while the store was away, in their order and in one transaction, with
    /// their effects; trust moves from where it is stored now ([`Settled::onto`]). One whose trace is there already is
    /// left out, so that sending the same again changes nothing. Says how many were new.
    async fn append_spooled(&self, tenant: TenantId, scans: &[Settled]) -> StoreResult<u64>;
    async fn activity(&self, tenant: TenantId, filter: &ActivityFilter) -> StoreResult<Vec<ActivityRow>>;
    /// How many rows there are for [`ActivityStore::activity`] to give, whatever the filter's `limit`.
    async fn activity_extent(&self, tenant: TenantId, filter: &ActivityFilter)
    -> StoreResult<ActivityExtent>;
    /// As [`ActivityStore::activity`], with the sealed requests, each row under its position: one that cannot be read does
    /// not hide the others.
    async fn sealed_activity(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> StoreResult<Vec<(u64, SealedRow)>>;
    /// One row with its sealed request.
    async fn trace(&self, tenant: TenantId, trace: TraceId) -> StoreResult<ActivityRow>;
    /// Scans recorded in the calendar month (UTC) of `now`.
    async fn scans_in_month(&self, tenant: TenantId, now: Timestamp) -> StoreResult<u64>;
    /// What budgets have been used for; absent: nothing yet.
    async fn budgets_used(
        &self,
        tenant: TenantId,
        keys: &[BudgetKey],
    ) -> StoreResult<BTreeMap<BudgetKey, Millionths>>;
    /// What one budget has been used for on a day, by agent where each has its own.
    async fn budget_of_day(
        &self,
        tenant: TenantId,
        name: &str,
        day: &str,
    ) -> StoreResult<Vec<(Option<AgentId>, Millionths)>>;
    /// Attaches a response; an unknown or foreign trace is `NotFound`. Several may be attached.
    async fn attach_response(&self, tenant: TenantId, response: &ScanResponseRow) -> StoreResult<()>;
    async fn responses(&self, tenant: TenantId, trace: TraceId) -> StoreResult<Vec<ScanResponseRow>>;
}
