//! Approvals of the calls in a batch, and how many wait.

use interven_store::{ApprovalStatus, KnownApproval, PRECEDENTS, StoreError, StoreResult};
use interven_types::{AgentId, ApprovalId, NewApproval, PriorApproval, Timestamp};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Approvals by the exact call they are about.
#[derive(Debug, Default)]
pub(crate) struct Approvals {
    /// Newest first.
    by_call: HashMap<(AgentId, [u8; 32]), Vec<KnownApproval>>,
    /// Uses that were counted under an idempotency key.
    keyed: HashSet<(ApprovalId, String)>,
    used: BTreeMap<ApprovalId, Use>,
}

/// What the batch uses of one approval.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Use {
    pub times: u32,
    pub idempotency_keys: Vec<String>,
}

impl Approvals {
    /// One as stored; they come newest first.
    pub(crate) fn know(&mut self, agent: AgentId, signature: [u8; 32], approval: KnownApproval) {
        self.by_call.entry((agent, signature)).or_default().push(approval);
    }

    pub(crate) fn know_use(&mut self, approval: ApprovalId, idempotency_key: String) {
        self.keyed.insert((approval, idempotency_key));
    }

    /// What a human already said, or is still asked, about this exact call of this agent.
    pub(crate) fn prior(
        &self,
        agent: AgentId,
        signature: &[u8; 32],
        idempotency_key: Option<&str>,
        now: Timestamp,
    ) -> Option<PriorApproval> {
        let newest_first = self.by_call.get(&(agent, *signature))?;
        newest_first.iter().take(PRECEDENTS as usize).find_map(|approval| {
            let is_repeat = idempotency_key.is_some_and(|key| self.is_used_under(approval.approval_id, key));
            approval.about_retry(now, is_repeat)
        })
    }

    fn is_used_under(&self, approval: ApprovalId, idempotency_key: &str) -> bool {
        self.keyed.contains(&(approval, idempotency_key.to_owned()))
    }

    pub(crate) fn add(&mut self, new: &NewApproval) {
        let approvals = self.by_call.entry((new.agent_id, new.signature)).or_default();
        let place = approvals.iter().position(|known| known.created_at <= new.created_at);
        let approval = KnownApproval {
            approval_id: new.approval_id,
            status: ApprovalStatus::Pending,
            created_at: new.created_at,
            expires_at: new.expires_at,
            window_ends_at: None,
            uses: 0,
            max_uses: new.max_uses,
        };
        approvals.insert(place.unwrap_or(approvals.len()), approval);
    }

    /// Counts one use; a repeated idempotency key counts once. A grant that is used up is a conflict.
    pub(crate) fn use_once(&mut self, id: ApprovalId, idempotency_key: Option<&str>) -> StoreResult<()> {
        if idempotency_key.is_some_and(|key| self.is_used_under(id, key)) {
            return Ok(());
        }
        let approval = self.by_call.values_mut().flatten().find(|known| known.approval_id == id);
        let is_granted =
            |known: &&mut KnownApproval| known.status == ApprovalStatus::Approved && known.has_use_left();
        let approval = approval
            .filter(is_granted)
            .ok_or_else(|| StoreError::Conflict("the approval has no use left".to_owned()))?;
        approval.uses += 1;
        let used = self.used.entry(id).or_default();
        used.times += 1;
        if let Some(key) = idempotency_key {
            used.idempotency_keys.push(key.to_owned());
            self.keyed.insert((id, key.to_owned()));
        }
        Ok(())
    }

    /// To be written.
    pub(crate) fn used(&self) -> &BTreeMap<ApprovalId, Use> {
        &self.used
    }
}

/// Approvals that wait, counted by what tells them apart.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Vec<Group>);

#[derive(Debug)]
struct Group {
    /// Absent: of an agent that has no scan in the batch.
    agent: Option<AgentId>,
    /// Absent: later than every scan of the batch.
    expires_at: Option<Timestamp>,
    many: u32,
}

impl Waiting {
    pub(crate) fn know(&mut self, agent: Option<AgentId>, expires_at: Option<Timestamp>, many: u32) {
        self.0.push(Group { agent, expires_at, many });
    }

    pub(crate) fn add(&mut self, agent: AgentId, expires_at: Timestamp) {
        self.know(Some(agent), Some(expires_at), 1);
    }

    pub(crate) fn of_tenant(&self, now: Timestamp) -> u32 {
        self.count(now, |_| true)
    }

    pub(crate) fn of_agent(&self, agent: AgentId, now: Timestamp) -> u32 {
        self.count(now, |group| group.agent == Some(agent))
    }

    fn count(&self, now: Timestamp, is_meant: impl Fn(&Group) -> bool) -> u32 {
        let waits = |group: &&Group| group.expires_at.is_none_or(|end| now < end) && is_meant(group);
        self.0.iter().filter(waits).map(|group| group.many).sum()
    }
}
