//! Agents, their trust and what is usual for them.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{AgentId, AgentStatus, KeyId, RuntimeType, TenantId, Timestamp, TraceId, TrustState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentRecord {
    pub agent_id: AgentId,
    /// Unique in the tenant.
    pub name: String,
    pub runtime_type: RuntimeType,
    pub status: AgentStatus,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    pub trust: TrustState,
    pub baseline: Baseline,
}

/// What an agent's allowed calls have taught so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Allowed calls learned from.
    pub scans: u64,
    /// Windows of [`crate::WINDOW_SECONDS`] in which there was at least one.
    pub windows: u64,
    pub current: crate::RateWindow,
    /// Hosts, or `scheme:` for local calls, of allowed calls.
    pub destinations: BTreeSet<String>,
    /// `tool.operation` of allowed calls.
    pub operations: BTreeSet<String>,
}

/// What one allowed call teaches. Values already known cost no write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lesson {
    pub new_destination: Option<String>,
    pub new_operation: Option<String>,
}

/// How a request names its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentClaim {
    /// An id: must exist in the tenant, or be new, in which case it is created under `name` or a name made of the id.
    Id { agent_id: AgentId, name: Option<String> },
    /// A name: found, or created.
    Name(String),
}

/// Why trust moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEventKind {
    Deny,
    CriticalDeny,
    HighRisk,
    ThreatMatch,
    SemanticMatch,
    Anomaly,
    ApprovalRequested,
    ApprovalDenied,
    ApprovedRetry,
    CleanStreak,
    Inherited,
    Reset,
}

/// One step of an agent's trust history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustEvent {
    pub at: Timestamp,
    pub kind: TrustEventKind,
    pub delta: f64,
    pub score_after: f64,
    pub trace_id: Option<TraceId>,
}

#[async_trait]
pub trait AgentStore: Send + Sync {
    /// Finds or creates. A new agent starts at the lowest trust that agents of this key had in the last 24 h.
    /// An id that belongs to another tenant is `NotFound`.
    async fn ensure_agent(
        &self,
        tenant: TenantId,
        key: Option<KeyId>,
        claim: &AgentClaim,
        runtime_type: RuntimeType,
        now: Timestamp,
    ) -> StoreResult<AgentRecord>;
    async fn agent(&self, tenant: TenantId, agent: AgentId) -> StoreResult<AgentRecord>;
    async fn agents(&self, tenant: TenantId) -> StoreResult<Vec<AgentRecord>>;
    async fn set_agent_status(
        &self,
        tenant: TenantId,
        agent: AgentId,
        status: AgentStatus,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord>;
    /// Trust 1.0, no scrutiny, counters zero; the events that fed the counters no longer count.
    async fn reset_trust(
        &self,
        tenant: TenantId,
        agent: AgentId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord>;
    async fn trust_events(
        &self,
        tenant: TenantId,
        agent: AgentId,
        limit: u32,
    ) -> StoreResult<Vec<TrustEvent>>;
    /// Takes events that left their window (1 h, 24 h) out of the counters. Returns how many agents changed.
    async fn age_trust_counters(&self, now: Timestamp) -> StoreResult<u64>;
}
