//! Agents: who they are, how far they are trusted, and the three things an analyst does about it.

use crate::{Telemetry, error::Answer, extract::Path, operator::Operator};
use axum::{Json, extract::State};
use interven_store::{AgentRecord, StoreResult, TrustEvent};
use interven_types::{AgentId, AgentStatus, ErrorBody, RuntimeType, Timestamp, TrustState};
use serde::Serialize;

/// Steps of the trust history that are shown.
const EVENTS_SHOWN: u32 = 100;

/// An agent as its page shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Agent {
    agent_id: AgentId,
    /// Unique in the tenant.
    name: String,
    #[schema(value_type = String)]
    runtime_type: RuntimeType,
    /// `active` or `suspended`.
    #[schema(value_type = String)]
    status: AgentStatus,
    created_at: Timestamp,
    last_seen_at: Option<Timestamp>,
    /// The row of `agent_trust_state`.
    #[schema(value_type = Object)]
    trust: TrustState,
    usual: Usual,
}

/// How much has been learned of what is usual for an agent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Usual {
    /// Allowed calls learned from.
    scans: u64,
    destinations: usize,
    operations: usize,
}

impl From<AgentRecord> for Agent {
    fn from(record: AgentRecord) -> Self {
        Self {
            agent_id: record.agent_id,
            name: record.name,
            runtime_type: record.runtime_type,
            status: record.status,
            created_at: record.created_at,
            last_seen_at: record.last_seen_at,
            trust: record.trust,
            usual: Usual {
                scans: record.baseline.scans,
                destinations: record.baseline.destinations.len(),
                operations: record.baseline.operations.len(),
            },
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AgentDetail {
    #[serde(flatten)]
    agent: Agent,
    /// What moved the trust, newest first.
    #[schema(value_type = Vec<Object>)]
    trust_events: Vec<TrustEvent>,
}

/// The agents of a tenant.
#[utoipa::path(
    get, path = "/api/telemetry/agents", tag = "agents", security(("operator" = [])),
    responses((status = 200, body = Vec<Agent>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Vec<Agent>> {
    let agents = telemetry.live.store.agents(operator.tenant).await?;
    Ok(Json(agents.into_iter().map(Agent::from).collect()))
}

/// One agent, with what moved its trust.
#[utoipa::path(
    get, path = "/api/telemetry/agents/{agent_id}", tag = "agents", security(("operator" = [])),
    params(("agent_id" = AgentId, Path)),
    responses((status = 200, body = AgentDetail), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn show(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<AgentId>,
) -> Answer<AgentDetail> {
    let store = &telemetry.live.store;
    let agent = store.agent(operator.tenant, id).await?.into();
    let trust_events = store.trust_events(operator.tenant, id, EVENTS_SHOWN).await?;
    Ok(Json(AgentDetail { agent, trust_events }))
}

/// Trust 1.0 again, no scrutiny, counters zero.
#[utoipa::path(
    post, path = "/api/telemetry/agents/{agent_id}/trust/reset", tag = "agents", security(("operator" = [])),
    params(("agent_id" = AgentId, Path)),
    responses((status = 200, body = Agent), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn reset_trust(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<AgentId>,
) -> Answer<Agent> {
    let live = &telemetry.live;
    let changed = live.store.reset_trust(operator.tenant, id, &operator.actor, live.now()).await;
    in_force(&telemetry, &operator, changed).await
}

/// Denies everything the agent asks.
#[utoipa::path(
    post, path = "/api/telemetry/agents/{agent_id}/suspend", tag = "agents", security(("operator" = [])),
    params(("agent_id" = AgentId, Path)),
    responses((status = 200, body = Agent), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn suspend(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<AgentId>,
) -> Answer<Agent> {
    set_status(&telemetry, &operator, id, AgentStatus::Suspended).await
}

/// Ends a suspension; trust and counters stay as they are.
#[utoipa::path(
    post, path = "/api/telemetry/agents/{agent_id}/reactivate", tag = "agents", security(("operator" = [])),
    params(("agent_id" = AgentId, Path)),
    responses((status = 200, body = Agent), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn reactivate(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<AgentId>,
) -> Answer<Agent> {
    set_status(&telemetry, &operator, id, AgentStatus::Active).await
}

async fn set_status(
    telemetry: &Telemetry,
    operator: &Operator,
    id: AgentId,
    status: AgentStatus,
) -> Answer<Agent> {
    let live = &telemetry.live;
    let changed = live.store.set_agent_status(operator.tenant, id, status, &operator.actor, live.now()).await;
    in_force(telemetry, operator, changed).await
}

async fn in_force(
    telemetry: &Telemetry,
    operator: &Operator,
    changed: StoreResult<AgentRecord>,
) -> Answer<Agent> {
    let agent = changed?;
    telemetry.live.reload(operator.tenant).await?;
    Ok(Json(agent.into()))
}
