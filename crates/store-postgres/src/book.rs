//! What a batch of scans of one tenant needs to know, kept up to date while one after the other is settled. Pure.
//!
//! A transaction reads what is known into a [`Book`], once for the whole batch. Each scan is settled on it in turn and taken
//! in, so that the next one sees it, exactly as if each had been a transaction of its own. What came of it all is then
//! written at once.

mod approvals;
mod trust;

pub(crate) use approvals::{Approvals, Use, Waiting};
pub(crate) use trust::{KnownAgent, StoredTrust};

use interven_store::{KeyUse, LastHour, RateTime, Receipt, ScanEntry, Settled, StoreError, StoreResult};
use interven_types::{
    AgentId, ApprovalEffect, BudgetKey, KeyId, Millionths, Precedent, PriorApproval, Spending, Timestamp,
    TraceId,
};
use std::{
    collections::{BTreeMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The tenant's row of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub ledger_seq: u64,
    /// `2026-11`
    pub month: String,
    pub scans_this_month: u64,
    pub rate_time: RateTime,
}

impl Counters {
    /// Takes the next position and counts the scan. A clock that steps back over the turn of a month counts into the
    /// later one.
    fn count(&mut self, at: Timestamp) {
        self.ledger_seq += 1;
        let month = month_of(at);
        if self.month >= month {
            self.scans_this_month += 1;
        } else {
            (self.month, self.scans_this_month) = (month, 1);
        }
    }
}

/// `2026-11`: the calendar month, UTC.
pub(crate) fn month_of(at: Timestamp) -> String {
    at.to_string().chars().take(7).collect()
}

/// As read at the beginning of the transaction: everything that the batch's scans may ask for.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub counters: Counters,
    /// Those of the batch; one that is absent is no agent of this tenant.
    pub agents: BTreeMap<AgentId, KnownAgent>,
    pub approvals: Approvals,
    pub waiting: Waiting,
    pub budgets: BTreeMap<BudgetKey, Millionths>,
    /// Uses that are gone of the batch's ephemeral keys.
    pub key_uses: BTreeMap<KeyId, u32>,
    /// Traces of the batch that the log holds already.
    pub recorded: HashSet<TraceId>,
}

impl Book {
    /// Settles one scan and takes it in. An error leaves the book as it was.
    pub(crate) fn record(&mut self, scan: ScanEntry) -> StoreResult<Receipt> {
        let precedent = self.precedent(&scan)?;
        let rate_time = match scan.rate_limit {
            Some(limit) => limit.take(self.counters.rate_time, scan.now).map_err(StoreError::RateLimited)?,
            None => self.counters.rate_time,
        };
        let settled = catch_unwind(AssertUnwindSafe(|| (scan.settle)(&precedent)))
            .map_err(|_| StoreError::Unavailable("a step of the write failed unexpectedly".to_owned()))?
            .ok_or(StoreError::Outdated)?;
        let gone = self.uses_after(scan.use_of, &settled)?;
        let receipt = self.take_in(settled)?;
        self.counters.rate_time = rate_time;
        self.key_uses.extend(gone);
        Ok(receipt)
    }

    /// What the scan leaves of its ephemeral key, if it has one.
    fn uses_after(&self, taken: Option<KeyUse>, settled: &Settled) -> StoreResult<Option<(KeyId, u32)>> {
        let Some(taken) = taken else { return Ok(None) };
        let gone = self.key_uses.get(&taken.key_id).ok_or(StoreError::KeyExhausted)?;
        Ok(Some((taken.key_id, taken.take(*gone, settled)?)))
    }

    /// Takes in a scan that was settled and answered elsewhere; `None` when the log holds it already.
    pub(crate) fn append(&mut self, scan: &Settled) -> StoreResult<Option<Receipt>> {
        if self.recorded.contains(&scan.row.trace_id) {
            return Ok(None);
        }
        let trust = self.agent(scan.row.agent_id)?.trust.at(scan.row.agent_id, scan.row.created_at);
        self.take_in(scan.clone().onto(&trust)).map(Some)
    }

    fn agent(&self, agent: AgentId) -> StoreResult<&KnownAgent> {
        self.agents.get(&agent).ok_or(StoreError::NotFound("agent"))
    }

    fn precedent(&self, scan: &ScanEntry) -> StoreResult<Precedent> {
        let (agent, now) = (scan.agent_id, scan.now);
        let known = self.agent(agent)?;
        let trust = known.trust.at(agent, now);
        let prior = self.approvals.prior(agent, &scan.signature, scan.idempotency_key.as_deref(), now);
        let own = u32::from(matches!(prior, Some(PriorApproval::Pending { .. })));
        let last_hour: LastHour = known.last_hour(trust.trust_score, now);
        let used = |key: &BudgetKey| Some((key.clone(), *self.budgets.get(key)?));
        Ok(Precedent {
            prior,
            pending_of_agent: self.waiting.of_agent(agent, now).saturating_sub(own),
            pending_of_tenant: self.waiting.of_tenant(now).saturating_sub(own),
            denials_1h: last_hour.denials,
            highest_trust_1h: last_hour.highest_trust,
            budgets_used: scan.budgets.iter().filter_map(used).collect(),
            trust,
        })
    }

    /// Everything that can fail comes before anything that changes.
    fn take_in(&mut self, mut settled: Settled) -> StoreResult<Receipt> {
        let (agent, at, trace) = (settled.row.agent_id, settled.row.created_at, settled.row.trace_id);
        if self.recorded.contains(&trace) {
            return Err(StoreError::Conflict(format!("trace `{trace}` is recorded already")));
        }
        let known = self.agents.get_mut(&agent).ok_or(StoreError::NotFound("agent"))?;
        match &settled.approval {
            ApprovalEffect::None => {}
            ApprovalEffect::Create(approval) => {
                self.approvals.add(approval);
                self.waiting.add(approval.agent_id, approval.expires_at);
            }
            ApprovalEffect::Use { approval_id, idempotency_key } => {
                self.approvals.use_once(*approval_id, idempotency_key.as_deref())?;
            }
        }
        known.take_in(&settled.trust, &settled.trust_events, at);
        for Spending { key, amount } in &settled.spendings {
            let used = self.budgets.entry(key.clone()).or_default();
            *used = used.saturating_add(*amount);
        }
        self.recorded.insert(trace);
        self.counters.count(at);
        settled.row.ledger_seq = self.counters.ledger_seq;
        Ok(Receipt {
            ledger_seq: self.counters.ledger_seq,
            scans_this_month: self.counters.scans_this_month,
            settled,
        })
    }
}
