//! What is known without the store: of the scans that wait in the file, and of what the store last said.

use crate::entry::Entry;
use interven_store::Settled;
use interven_types::{
    AgentId, ApprovalEffect, ApprovalId, Decision, KeyId, Precedent, PriorApproval, TenantId, Timestamp,
    TraceId, TrustState,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Agents of which it is remembered what the store last said.
const MAX_REMEMBERED: u64 = 100_000;

/// What the store knew of an agent when it last settled a scan of it.
#[derive(Clone, Copy, Debug)]
struct LastKnown {
    pending_of_agent: u32,
    pending_of_tenant: u32,
    denials_1h: u32,
    highest_trust_1h: f64,
}

/// Of all agents.
#[derive(Debug)]
pub(crate) struct Memory(moka::sync::Cache<(TenantId, AgentId), LastKnown>);

impl Memory {
    pub(crate) fn new() -> Self {
        Self(moka::sync::Cache::new(MAX_REMEMBERED))
    }

    pub(crate) fn note(&self, tenant: TenantId, agent: AgentId, precedent: &Precedent) {
        let own = u32::from(matches!(precedent.prior, Some(PriorApproval::Pending { .. })));
        let known = LastKnown {
            pending_of_agent: precedent.pending_of_agent + own,
            pending_of_tenant: precedent.pending_of_tenant + own,
            denials_1h: precedent.denials_1h,
            highest_trust_1h: precedent.highest_trust_1h,
        };
        self.0.insert((tenant, agent), known);
    }
}

/// An approval that the store has not heard of: nobody can have decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingApproval {
    pub approval_id: ApprovalId,
    pub tenant: TenantId,
    pub agent_id: AgentId,
    /// The key of the scan that asked.
    pub key_id: Option<KeyId>,
    pub trace_id: TraceId,
    pub expires_at: Timestamp,
    signature: [u8; 32],
}

/// Which exact call a scan is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) tenant: TenantId,
    pub(crate) agent: AgentId,
    pub(crate) signature: [u8; 32],
    pub(crate) now: Timestamp,
}

/// The scans in the file, as far as later ones and other questions depend on them.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    traces: HashSet<(TenantId, TraceId)>,
    approvals: HashMap<ApprovalId, WaitingApproval>,
    /// Where trust stands after them.
    trust: HashMap<(TenantId, AgentId), TrustState>,
    denials: HashMap<(TenantId, AgentId), u32>,
}

impl Waiting {
    /// What a scan is settled on without the store: no earlier decision but what is asked for in the file, queues and
    /// denials as last known with those of the file, trust as it stands after them, or else as `last_known`.
    pub(crate) fn precedent(&self, call: &Identity, last_known: TrustState, memory: &Memory) -> Precedent {
        let agent = (call.tenant, call.agent);
        let trust = self.trust.get(&agent).cloned().unwrap_or(last_known);
        let open = || self.approvals.values().filter(|a| a.tenant == call.tenant && call.now < a.expires_at);
        let of_agent = || open().filter(|a| a.agent_id == call.agent);
        let prior = of_agent().find(|a| a.signature == call.signature).map(|approval| {
            PriorApproval::Pending { approval_id: approval.approval_id, expires_at: approval.expires_at }
        });
        let own = u32::from(prior.is_some());
        let known = memory.0.get(&agent);
        let queue = |waiting: usize, before: u32| {
            u32::try_from(waiting).unwrap_or(u32::MAX).saturating_add(before).saturating_sub(own)
        };
        Precedent {
            prior,
            pending_of_agent: queue(of_agent().count(), known.map_or(0, |known| known.pending_of_agent)),
            pending_of_tenant: queue(open().count(), known.map_or(0, |known| known.pending_of_tenant)),
            denials_1h: known.map_or(0, |known| known.denials_1h)
                + self.denials.get(&agent).copied().unwrap_or_default(),
            highest_trust_1h: known
                .map_or(trust.trust_score, |known| known.highest_trust_1h.max(trust.trust_score)),
            budgets_used: BTreeMap::new(),
            trust,
        }
    }

    /// Takes in a scan on its way into the file, so that the next one is settled on it.
    pub(crate) fn add(&mut self, entry: &Entry) {
        let Entry { tenant, settled } = entry;
        let row = &settled.row;
        let agent = (*tenant, row.agent_id);
        self.traces.insert((*tenant, row.trace_id));
        self.trust.insert(agent, settled.trust.clone());
        if row.decision == Some(Decision::Deny) {
            *self.denials.entry(agent).or_default() += 1;
        }
        if let ApprovalEffect::Create(new) = &settled.approval {
            let approval = WaitingApproval {
                approval_id: new.approval_id,
                tenant: *tenant,
                agent_id: new.agent_id,
                key_id: row.key_id,
                trace_id: new.trace_id,
                expires_at: new.expires_at,
                signature: new.signature,
            };
            self.approvals.insert(new.approval_id, approval);
        }
    }

    /// The scan did not get into the file.
    pub(crate) fn remove(&mut self, tenant: TenantId, settled: &Settled) {
        self.traces.remove(&(tenant, settled.row.trace_id));
        if let ApprovalEffect::Create(new) = &settled.approval {
            self.approvals.remove(&new.approval_id);
        }
    }

    /// The store has these now. What they did still counts for scans that are settled without it.
    pub(crate) fn hand_over(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.traces.remove(&(entry.tenant, entry.settled.row.trace_id));
        }
    }

    /// The file is empty: from now on the store knows better. A scan that is on its way into the file stays.
    pub(crate) fn file_is_empty(&mut self) {
        let Self { traces, approvals, trust, denials } = self;
        approvals.retain(|_, approval| traces.contains(&(approval.tenant, approval.trace_id)));
        if traces.is_empty() {
            trust.clear();
            denials.clear();
        }
    }

    pub(crate) fn has_trace(&self, tenant: TenantId, trace: TraceId) -> bool {
        self.traces.contains(&(tenant, trace))
    }

    pub(crate) fn approval(&self, id: ApprovalId) -> Option<WaitingApproval> {
        self.approvals.get(&id).cloned()
    }
}
