//! How long the past is kept: what is older goes, in small steps, and leaves its hashes in the ledger.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// How much a run has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pruned {
    pub scans: u64,
    pub responses: u64,
    pub approvals: u64,
    pub trust_events: u64,
    /// Days of budgets.
    pub budget_days: u64,
}

impl Pruned {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A run of retention: the newest of a tenant is kept in `retention_runs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetentionRun {
    pub started_at: Timestamp,
    /// What is older goes.
    pub older_than: Timestamp,
    /// Scans up to this position go: older, under a signed checkpoint, and whole runs of 256.
    pub through: u64,
    pub pruned: Pruned,
    /// Absent while it runs, or when it was cut off.
    pub ended_at: Option<Timestamp>,
}

/// Positions go in whole runs of so many: a tile of the ledger.
pub const PRUNED_AT_ONCE: u64 = 256;

/// What hangs on a scan goes with it: its responses. Approvals that are decided and whose window has passed, events of trust and
/// days of budgets go by their own time. The audit log, incidents, agents with their trust, and every version of policies
/// and settings stay.
#[async_trait]
pub trait RetentionStore: Send + Sync {
    /// The newest run.
    async fn retention_run(&self, tenant: TenantId) -> StoreResult<Option<RetentionRun>>;
    /// Begins a run, and says so in the audit log (`retention.prune`). None when another began after `unless_since`.
    async fn begin_retention(
        &self,
        tenant: TenantId,
        older_than: Timestamp,
        unless_since: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<RetentionRun>>;
    /// Takes at most `limit` rows of each kind, and adds them to the newest run. Returns what it took.
    async fn prune(&self, tenant: TenantId, limit: u32, now: Timestamp) -> StoreResult<Pruned>;
    /// Ends the newest run, and says in the audit log what it took (`retention.done`).
    async fn end_retention(
        &self,
        tenant: TenantId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<RetentionRun>;
}
