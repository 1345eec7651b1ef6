//! Who changed what, and what an analyst should look at.

use crate::StoreResult;
use async_trait::async_trait;
use interven_types::{AgentId, IncidentId, RiskBand, TenantId, Timestamp, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who makes a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `operator`, a mail address, `key:<prefix>`, `system`.
    pub name: String,
    /// `cli`, `api`, `console`, `slack`, `start`.
    pub origin: String,
    pub client_addr: Option<String>,
}

impl Actor {
    /// The running service itself.
    pub fn system() -> Self {
        Self { name: "system".to_owned(), origin: "start".to_owned(), client_addr: None }
    }
}

/// One control-plane change to record on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// `policy.apply`, `key.revoke`, `body.reveal`, …
    pub action: String,
    pub target: String,
    pub details: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Position in the tenant's audit log, from 1.
    pub seq: u64,
    pub at: Timestamp,
    pub actor: Actor,
    pub action: String,
    pub target: String,
    pub details: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentRow {
    pub incident_id: IncidentId,
    pub agent_id: AgentId,
    pub trigger: String,
    pub severity: RiskBand,
    pub title: String,
    /// `open`, `investigating`, `closed`.
    pub status: String,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub trace_ids: Vec<TraceId>,
}

#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Records something that changes no other table, such as revealing a body.
    async fn audit(
        &self,
        tenant: TenantId,
        entry: &AuditEntry,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Newest first.
    async fn audit_log(
        &self,
        tenant: TenantId,
        before_seq: Option<u64>,
        limit: u32,
    ) -> StoreResult<Vec<AuditRow>>;
    /// Newest first.
    async fn incidents(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<IncidentRow>>;
    /// Fails when the store could not record a scan now: used by the health check.
    async fn ping(&self) -> StoreResult<()>;
}
