//! Announcements of change, so that snapshots and waiting polls follow the store.

use interven_types::{AgentId, ApprovalId, TenantId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Keys, policies, settings or trust counters of this tenant.
    Tenant(TenantId),
    /// One agent's status or trust, by someone other than the scan whose receipt tells it.
    Agent(TenantId, AgentId),
    /// One approval was created, decided, used or expired.
    Approval(TenantId, ApprovalId),
    /// A scan was recorded at this position.
    Activity(TenantId, u64),
    /// Another process wrote: anything may have changed.
    Everything,
}
