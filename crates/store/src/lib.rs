//! Storage as narrow traits, with the row models they exchange.
//!
//! Every method that touches a tenant's data takes the tenant id first, and a tenant id comes only from authentication.
//! Every method that changes the control plane takes an [`Actor`], and writes the change and its `audit_log` row in
//! one transaction. A backend implements all of [`Store`]; one conformance suite runs against each backend.

mod activity;
mod agents;
mod approvals;
mod audit;
mod backup;
mod change;
mod copy;
mod credentials;
mod data_keys;
mod error;
mod keys;
mod known;
mod ledger;
mod policies;
mod rate;
mod retention;
mod schema;
mod tenants;

pub use activity::{
    ActivityExtent, ActivityFilter, ActivityRow, ActivityStore, KeyUse, Receipt, ScanEntry, ScanResponseRow,
    SealedRow, Settle, Settled,
};
pub use agents::{AgentClaim, AgentRecord, AgentStore};
pub use approvals::{ApprovalDecision, ApprovalFilter, ApprovalRow, ApprovalStatus, ApprovalStore};
pub use audit::{Actor, AuditEntry, AuditRow, AuditStore, IncidentRow};
pub use backup::{Backup, BackupStore};
pub use change::Change;
pub use copy::{COPIED_TABLES, CopiedRows, CopiedTable};
pub use credentials::{CredentialKind, ToolCredentialRow, ToolCredentialStore};
pub use data_keys::{DataKeyRow, DataKeyStore, KeysChange, StoredKeys};
pub use error::StoreError;
pub use interven_types::{
    ApprovalEffect, Baseline, IncidentEffect, Lesson, NewApproval, Precedent, PriorApproval, RateWindow,
    TrustEvent, TrustEventKind, WINDOW_SECONDS,
};
pub use keys::{
    AgentOverride, EPHEMERAL_KEPT, Environments, Ephemeral, KeyHash, KeyRecord, KeyScope, KeyStore,
    MOST_EPHEMERAL, NewKey, SigningKey,
};
pub use known::{
    DAY, HOUR, KnownApproval, LastHour, PRECEDENTS, RECENT_EVENTS, TRUST_COUNTERS, TrustCounter,
};
pub use ledger::{
    CHECKPOINTS_KEPT, Cell, ColumnKind, LedgerStore, Log, LogTable, Seal, SignedCheckpoint, activity_cells,
    audit_cells,
};
pub use policies::{PolicyRow, PolicyStore, PolicyUpsert, PolicyVersion};
pub use rate::{RateLimit, RateTime};
pub use retention::{PRUNED_AT_ONCE, Pruned, RetentionRun, RetentionStore};
pub use schema::SchemaStep;
pub use tenants::{Role, SettingsRow, SettingsVersion, TenantRow, TenantStore, UserRow};

use tokio::sync::broadcast;

pub type StoreResult<T> = Result<T, StoreError>;

/// A complete backend.
pub trait Store:
    TenantStore
    + KeyStore
    + AgentStore
    + PolicyStore
    + ApprovalStore
    + ActivityStore
    + AuditStore
    + DataKeyStore
    + ToolCredentialStore
    + LedgerStore
    + RetentionStore
    + BackupStore
    + std::fmt::Debug
{
    /// Control-plane changes as they become visible, by whomever they were made. A receiver that lags must reload all.
    fn changes(&self) -> broadcast::Receiver<Change>;

    /// A name for health and build answers: `sqlite` or `postgres`.
    fn backend(&self) -> &'static str;
}
