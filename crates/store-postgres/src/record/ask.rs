//! What a batch has to know, gathered before anything is read.

use interven_store::{ScanEntry, Settled};
use interven_types::{AgentId, BudgetKey, KeyId, Timestamp, TraceId};
use std::collections::BTreeSet;

type Call = (AgentId, [u8; 32]);

/// Each thing once.
#[derive(Debug, Default)]
pub(super) struct Ask {
    pub agents: BTreeSet<AgentId>,
    pub calls: BTreeSet<Call>,
    pub keyed_calls: BTreeSet<(Call, String)>,
    pub budgets: BTreeSet<BudgetKey>,
    /// Ephemeral ones.
    pub keys: BTreeSet<KeyId>,
    pub traces: Vec<(TraceId, Timestamp)>,
    /// When the batch's scans were made.
    pub earliest: Option<Timestamp>,
    pub latest: Option<Timestamp>,
}

impl Ask {
    pub(super) fn of_scans<'a>(scans: impl Iterator<Item = &'a ScanEntry>) -> Self {
        let mut ask = Self::default();
        for scan in scans {
            let call = (scan.agent_id, scan.signature);
            ask.add(scan.agent_id, scan.trace_id, scan.now);
            ask.keyed_calls.extend(scan.idempotency_key.clone().map(|key| (call, key)));
            ask.calls.insert(call);
            ask.budgets.extend(scan.budgets.iter().cloned());
            ask.keys.extend(scan.use_of.map(|taken| taken.key_id));
        }
        ask
    }

    pub(super) fn of_settled(scans: &[Settled]) -> Self {
        let mut ask = Self::default();
        for Settled { row, .. } in scans {
            ask.add(row.agent_id, row.trace_id, row.created_at);
        }
        ask
    }

    fn add(&mut self, agent: AgentId, trace: TraceId, at: Timestamp) {
        self.agents.insert(agent);
        self.traces.push((trace, at));
        self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
    }
}
