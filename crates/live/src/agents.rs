//! Agents in memory: who they are, their trust, what is usual for them.

use crate::{Live, keys::Caller, scan::ScanError, tenants::Tenant};
use interven_engine::{AgentView, History};
use interven_store::{AgentClaim, AgentOverride, AgentRecord, Settled, StoreError};
use interven_types::{AgentId, RuntimeType, ScanRequest, TenantId, Timestamp};
use std::sync::{Arc, PoisonError, RwLock};

/// Agents remembered at once; others are read when they call.
const MAX_CACHED_AGENTS: u64 = 100_000;

#[derive(Debug)]
pub(crate) struct Agents {
    by_id: moka::sync::Cache<(TenantId, AgentId), Arc<CachedAgent>>,
    ids_by_name: moka::sync::Cache<(TenantId, String), AgentId>,
}

#[derive(Debug)]
pub(crate) struct CachedAgent {
    record: RwLock<AgentRecord>,
    /// The tenant's generation when the agent was read.
    generation: u64,
}

impl Agents {
    pub(crate) fn new() -> Self {
        Self {
            by_id: moka::sync::Cache::new(MAX_CACHED_AGENTS),
            ids_by_name: moka::sync::Cache::new(MAX_CACHED_AGENTS),
        }
    }
}

impl CachedAgent {
    pub(crate) fn view(&self) -> AgentView {
        let record = self.record.read().unwrap_or_else(PoisonError::into_inner);
        AgentView {
            agent_id: record.agent_id,
            name: record.name.clone(),
            runtime_type: record.runtime_type,
            status: record.status,
            trust: record.trust.clone(),
            history: History::Learned(record.baseline.clone()),
        }
    }

    /// Takes in what a recorded scan changed.
    pub(crate) fn note(&self, settled: &Settled, now: Timestamp) {
        let mut record = self.record.write().unwrap_or_else(PoisonError::into_inner);
        record.trust = settled.trust.clone();
        if let Some(lesson) = &settled.lesson {
            record.baseline.learn(lesson, now);
        }
    }
}

impl Live {
    /// The agent that a request speaks for: found, or created when the key may.
    pub(crate) async fn calling_agent(
        &self,
        caller: &Caller,
        tenant: &Tenant,
        request: &ScanRequest,
        now: Timestamp,
    ) -> Result<Arc<CachedAgent>, ScanError> {
        let key = caller.key();
        let claim = claim_of(key.agent_id, request);
        if let Some(agent) = self.cached(tenant, &claim) {
            check_override(&key.agent_override, key.agent_id, agent.id())?;
            return Ok(agent);
        }
        // A key bound to certain agents may not make new ones by naming them.
        if let (AgentClaim::Id { agent_id, .. }, true) = (&claim, key.agent_override != AgentOverride::Any) {
            check_override(&key.agent_override, key.agent_id, *agent_id)?;
        } else if key.agent_override != AgentOverride::Any {
            return Err(ScanError::AgentNotAllowed);
        }
        let runtime_type = request.runtime_type.as_deref().map(RuntimeType::named).unwrap_or_default();
        let record = self
            .store
            .ensure_agent(caller.tenant(), Some(key.lasting_id()), &claim, runtime_type, now)
            .await
            .map_err(|error| match error {
                StoreError::NotFound(_) => ScanError::ForeignAgent,
                other => ScanError::AuditUnavailable(other),
            })?;
        Ok(self.remember(tenant, record, &claim))
    }

    /// The agent is read again when it next calls.
    pub fn forget_agent(&self, tenant: TenantId, agent: AgentId) {
        self.agents.by_id.invalidate(&(tenant, agent));
    }

    fn cached(&self, tenant: &Tenant, claim: &AgentClaim) -> Option<Arc<CachedAgent>> {
        let agent_id = match claim {
            AgentClaim::Id { agent_id, .. } => *agent_id,
            AgentClaim::Name(name) => self.agents.ids_by_name.get(&(tenant.id, name.clone()))?,
        };
        let agent = self.agents.by_id.get(&(tenant.id, agent_id))?;
        (agent.generation == tenant.generation).then_some(agent)
    }

    fn remember(&self, tenant: &Tenant, record: AgentRecord, claim: &AgentClaim) -> Arc<CachedAgent> {
        let agent_id = record.agent_id;
        if let AgentClaim::Name(name) = claim {
            self.agents.ids_by_name.insert((tenant.id, name.clone()), agent_id);
        }
        let agent = Arc::new(CachedAgent { record: RwLock::new(record), generation: tenant.generation });
        self.agents.by_id.insert((tenant.id, agent_id), Arc::clone(&agent));
        agent
    }
}

impl CachedAgent {
    fn id(&self) -> AgentId {
        self.record.read().unwrap_or_else(PoisonError::into_inner).agent_id
    }
}

fn claim_of(default: AgentId, request: &ScanRequest) -> AgentClaim {
    match (request.agent_id, &request.agent_name) {
        (Some(agent_id), name) => AgentClaim::Id { agent_id, name: name.clone() },
        (None, Some(name)) => AgentClaim::Name(name.clone()),
        (None, None) => AgentClaim::Id { agent_id: default, name: None },
    }
}

fn check_override(rule: &AgentOverride, default: AgentId, wanted: AgentId) -> Result<(), ScanError> {
    let is_allowed = wanted == default
        || match rule {
            AgentOverride::Any => true,
            AgentOverride::Listed(agents) => agents.contains(&wanted),
            AgentOverride::None => false,
        };
    if is_allowed { Ok(()) } else { Err(ScanError::AgentNotAllowed) }
}
