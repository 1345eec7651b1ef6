//! Agents, their trust and what is usual for them.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{
    AgentId, AgentStatus, Baseline, KeyId, RuntimeType, TenantId, Timestamp, TrustEvent, TrustState,
};
use serde::{Deserialize, Serialize};

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

/// How a request names its agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentClaim {
    /// An id: must exist in the tenant, or be new, in which case it is created under `name` or a name made of the id.
    Id { agent_id: AgentId, name: Option<String> },
    /// A name: found, or created.
    Name(String),
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
