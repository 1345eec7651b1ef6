//! What is known when a call is judged.

use crate::{budget::BudgetView, risk::burst};
use interven_classify::Classifier;
use interven_normalize::OwnDomains;
use interven_policy::{BudgetFact, McpFacts, PolicySet};
use interven_types::{
    Action, AgentId, AgentStatus, Baseline, CallScope, RuntimeType, TenantId, TenantSettings, Timestamp,
    TrustState,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Everything a decision depends on beside the request and the time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub tenant: TenantId,
    pub env: String,
    pub settings: Arc<TenantSettings>,
    /// Policies in force in `env`.
    pub policies: Arc<PolicySet>,
    pub classifier: Arc<Classifier>,
    pub own_domains: Arc<OwnDomains>,
    pub agent: AgentView,
    /// What the calling key is for.
    pub call_scope: CallScope,
    pub engines: EngineFacts,
}

/// What engines beside this core say of the call; `None`: the engine did not run.
#[derive(Clone, Debug, Default)]
pub struct EngineFacts {
    pub threat_intel_match: Option<bool>,
    pub semantic_categories: Option<Vec<String>>,
    pub correlation_patterns: Option<Vec<String>>,
    pub budgets: BudgetView,
    pub mcp: Option<McpFacts>,
}

impl EngineFacts {
    /// What was recorded of them.
    pub fn recorded(facts: &AgentFacts) -> Self {
        let budgets = facts.budgets.clone().map_or(BudgetView::NotCounted, BudgetView::Known);
        Self { budgets, ..Self::default() }
    }
}

/// The calling agent.
#[derive(Clone, Debug)]
pub struct AgentView {
    pub agent_id: AgentId,
    pub name: String,
    pub runtime_type: RuntimeType,
    pub status: AgentStatus,
    pub trust: TrustState,
    pub history: History,
}

/// The agent's past: as learned so far, or as it stood when a recorded decision was made.
#[derive(Clone, Debug)]
pub enum History {
    Learned(Baseline),
    Recorded(BaselineFacts),
}

/// What the agent's past says about one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BaselineFacts {
    pub is_new_destination: bool,
    pub is_new_operation: bool,
    pub is_volume_burst: bool,
    /// Allowed calls learned from.
    pub learned_scans: u64,
    /// Calls in the current ten minutes, this one included.
    pub recent_calls: u64,
    /// Usual calls per ten minutes.
    pub usual_calls: f64,
}

/// What was known about the agent, its key and the tenant's budgets, as recorded for replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentFacts {
    pub agent_id: AgentId,
    pub name: String,
    pub runtime_type: RuntimeType,
    pub status: AgentStatus,
    pub trust: TrustState,
    pub baseline: BaselineFacts,
    /// The tenant's budgets by name; absent where they were not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budgets: Option<BTreeMap<String, BudgetFact>>,
    /// What the calling key was for.
    #[serde(default, skip_serializing_if = "CallScope::is_unlimited")]
    pub call_scope: CallScope,
}

impl AgentView {
    /// Puts the agent back as a recorded decision knew it.
    pub fn recorded(facts: AgentFacts) -> Self {
        Self {
            agent_id: facts.agent_id,
            name: facts.name,
            runtime_type: facts.runtime_type,
            status: facts.status,
            trust: facts.trust,
            history: History::Recorded(facts.baseline),
        }
    }

    pub(crate) fn facts(
        &self,
        baseline: BaselineFacts,
        budgets: Option<BTreeMap<String, BudgetFact>>,
        call_scope: CallScope,
    ) -> AgentFacts {
        AgentFacts {
            agent_id: self.agent_id,
            name: self.name.clone(),
            runtime_type: self.runtime_type,
            status: self.status,
            trust: self.trust.clone(),
            baseline,
            budgets,
            call_scope,
        }
    }
}

impl History {
    /// What the past says about a call that does all of `actions`.
    pub(crate) fn about(&self, actions: &[&Action], now: Timestamp) -> BaselineFacts {
        match self {
            Self::Recorded(facts) => *facts,
            Self::Learned(baseline) => {
                let rate = burst::measure(baseline, now);
                BaselineFacts {
                    is_new_destination: actions
                        .iter()
                        .any(|a| !baseline.destinations.contains(&destination(a))),
                    is_new_operation: actions.iter().any(|a| !baseline.operations.contains(&operation(a))),
                    is_volume_burst: rate.is_burst,
                    learned_scans: baseline.scans,
                    recent_calls: rate.recent,
                    usual_calls: rate.usual,
                }
            }
        }
    }
}

/// Where a call goes, as the baseline remembers it: the host, or the scheme of a local call.
pub(crate) fn destination(action: &Action) -> String {
    action.host.clone().unwrap_or_else(|| {
        let scheme = action.url.split(':').next().unwrap_or_default();
        format!("{scheme}:")
    })
}

/// What a call does, as the baseline remembers it.
pub(crate) fn operation(action: &Action) -> String {
    format!("{}.{}", action.tool, action.operation)
}
