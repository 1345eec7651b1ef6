//! Judging without a server: the pure core and some policies.

use interven_classify::Classifier;
use interven_client::ScanAnswer;
use interven_engine::{
    AgentView, BaselineFacts, BudgetView, EngineFacts, History, InvalidCall, Judgement, SettlementContext,
    Snapshot, decide, settle, shown_url,
};
use interven_normalize::OwnDomains;
use interven_policy::{BudgetFact, Given, PolicySet, PolicySource};
use interven_types::{
    AgentId, AgentStatus, ApprovalId, Baseline, CallScope, PolicyId, Precedent, RuntimeType, ScanRequest,
    TenantId, TenantSettings, Timestamp, TraceId, TrustState, Verdict,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// Environment of requests that name none.
const ENV: &str = "default";
const AGENT: &str = "default-agent";

#[derive(Debug)]
pub struct LocalJudge {
    settings: Arc<TenantSettings>,
    classifier: Arc<Classifier>,
    policies: Policies,
    /// Those that rules ask about.
    budgets: BTreeSet<String>,
}

/// Compiled once for each environment that a policy names, and once for all others.
#[derive(Debug)]
struct Policies {
    by_env: HashMap<String, Arc<PolicySet>>,
    elsewhere: Arc<PolicySet>,
}

/// What a decision depends on beside the request and the policies.
#[derive(Debug)]
pub struct Circumstances {
    now: Timestamp,
    env: Option<String>,
    own_domains: OwnDomains,
    trust_score: f64,
    is_in_scrutiny: bool,
    history: History,
    engines: EngineFacts,
}

impl Circumstances {
    /// A trusted agent without a past; no domain is the tenant's own, and no other engine runs.
    pub fn of_a_stranger(request: &ScanRequest, now: Timestamp) -> Self {
        Self {
            now,
            env: request.env.clone(),
            own_domains: OwnDomains::default(),
            trust_score: 1.0,
            is_in_scrutiny: false,
            history: History::Learned(Baseline::default()),
            engines: EngineFacts::default(),
        }
    }
}

impl From<&Given> for Circumstances {
    fn from(given: &Given) -> Self {
        Self {
            now: given.now.unwrap_or_else(|| Timestamp::from_unix_ms(USUAL_TIME_MS)),
            env: given.env.clone(),
            own_domains: OwnDomains::new(&given.own_domains),
            trust_score: given.trust_score.unwrap_or(1.0),
            is_in_scrutiny: given.agent_in_scrutiny,
            history: History::Recorded(BaselineFacts {
                is_new_destination: given.is_new_destination,
                is_volume_burst: given.is_volume_burst,
                ..BaselineFacts::default()
            }),
            engines: EngineFacts {
                threat_intel_match: given.threat_intel_match,
                semantic_categories: given.semantic_category.clone(),
                correlation_patterns: given.correlation_pattern.clone(),
                budgets: given.daily_budget_exceeded.as_deref().map_or(BudgetView::NotCounted, assumed),
                mcp: given.mcp(),
            },
        }
    }
}

/// These budgets are exceeded; of all others that rules ask about, [`LocalJudge`] assumes that they are not.
fn assumed(exceeded: &[String]) -> BudgetView {
    BudgetView::Known(exceeded.iter().map(|name| (name.clone(), BudgetFact::assumed(name, true))).collect())
}

/// A test gives the same answer on every day: Wednesday, 14 January 2026, 12:00 UTC, when it does not say.
const USUAL_TIME_MS: i64 = 1_768_392_000_000;

/// Policies that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyProblem(String);

impl LocalJudge {
    /// # Errors
    /// Policies that do not compile: the first problem.
    pub fn new(policies: &[PolicySource]) -> Result<Self, PolicyProblem> {
        Ok(Self {
            settings: Arc::default(),
            classifier: Classifier::builtin(),
            policies: Policies::new(policies)?,
            budgets: policies.iter().flat_map(PolicySource::budget_names).map(str::to_owned).collect(),
        })
    }

    /// # Errors
    /// A call that cannot be understood, such as one whose URL is none.
    pub fn judge(&self, request: &ScanRequest, circumstances: Circumstances) -> Result<Verdict, InvalidCall> {
        let now = circumstances.now;
        let snapshot = self.snapshot(request, circumstances);
        let judgement = decide(request, &snapshot, now, &mut ())?;
        Ok(settled(request, &snapshot, &judgement, now))
    }

    /// The wire form, without what only a server has: a record and an approval.
    pub fn answer(verdict: Verdict) -> ScanAnswer {
        let (policy_name, rule_id) = verdict.rule.map(|rule| (rule.policy_name, rule.rule_id)).unzip();
        ScanAnswer {
            decision: verdict.decision,
            would_be: verdict.would_be,
            risk_score: verdict.risk_score,
            risk_band: verdict.risk_band,
            reason_codes: verdict.reason_codes,
            tool_name: verdict.tool_name,
            operation: verdict.operation,
            verb: verdict.verb,
            classifications: verdict.classifications,
            signals: verdict.signals,
            policy_name,
            rule_id,
            redactions: verdict.sanitized_body.is_some().then_some(verdict.redactions),
            sanitized_body: verdict.sanitized_body,
            approval_id: None,
            approval_url: None,
            expires_at: None,
            coverage: verdict.coverage,
            receipt: None,
            more: serde_json::Map::new(),
        }
    }

    fn snapshot(&self, request: &ScanRequest, circumstances: Circumstances) -> Snapshot {
        let Circumstances { now, env, own_domains, trust_score, is_in_scrutiny, history, mut engines } =
            circumstances;
        if let BudgetView::Known(known) = &mut engines.budgets {
            for name in &self.budgets {
                known.entry(name.clone()).or_insert_with(|| BudgetFact::assumed(name, false));
            }
        }
        let env = env.unwrap_or_else(|| ENV.to_owned());
        let name = request.agent_name.clone().unwrap_or_else(|| AGENT.to_owned());
        let agent_id = request.agent_id.unwrap_or_else(|| agent_id(&name));
        let scrutiny_until = is_in_scrutiny.then(|| now.saturating_add(Duration::from_secs(3_600)));
        Snapshot {
            tenant: TenantId(Uuid::nil()),
            policies: Arc::clone(self.policies.by_env.get(&env).unwrap_or(&self.policies.elsewhere)),
            env,
            settings: Arc::clone(&self.settings),
            classifier: Arc::clone(&self.classifier),
            own_domains: Arc::new(own_domains),
            agent: AgentView {
                agent_id,
                name,
                runtime_type: request.runtime_type.as_deref().map(RuntimeType::named).unwrap_or_default(),
                status: AgentStatus::Active,
                trust: TrustState { trust_score, scrutiny_until, ..TrustState::fresh(agent_id, now) },
                history,
            },
            call_scope: CallScope::default(),
            engines,
        }
    }
}

impl Policies {
    fn new(sources: &[PolicySource]) -> Result<Self, PolicyProblem> {
        let named: BTreeSet<&String> =
            sources.iter().filter_map(|source| source.env_names.as_ref()).flatten().collect();
        let by_env = named.into_iter().map(|env| Ok((env.clone(), compile(sources, Some(env))?)));
        Ok(Self { by_env: by_env.collect::<Result<_, PolicyProblem>>()?, elsewhere: compile(sources, None)? })
    }
}

/// Who is meant: an agent by its id or, here where nobody gives out ids, an id that stands for the name.
fn agent_id(agent: &str) -> AgentId {
    agent.parse().unwrap_or_else(|_| {
        let mut hasher = DefaultHasher::new();
        agent.hash(&mut hasher);
        AgentId(Uuid::from_u128(hasher.finish().into()))
    })
}

/// What is in force in `env`; without one, in the environments that no policy names.
fn compile(sources: &[PolicySource], env: Option<&String>) -> Result<Arc<PolicySet>, PolicyProblem> {
    let is_in_force = |source: &PolicySource| {
        source.env_names.as_ref().is_none_or(|names| env.is_some_and(|env| names.contains(env)))
    };
    let installed: Vec<_> = (1..)
        .zip(sources)
        .filter(|(_, source)| is_in_force(source))
        .map(|(number, source)| {
            let agent = source.agent.as_deref().map(agent_id);
            source.install(PolicyId(Uuid::from_u128(number)), 1, env.cloned(), agent)
        })
        .collect();
    let compiled = PolicySet::compile(&installed)
        .map_err(|problems| PolicyProblem(problems.first().map(ToString::to_string).unwrap_or_default()))?;
    Ok(Arc::new(compiled))
}

/// Nobody has decided an identical call, and nothing waits.
fn settled(request: &ScanRequest, snapshot: &Snapshot, judgement: &Judgement, now: Timestamp) -> Verdict {
    let trust = snapshot.agent.trust.clone();
    let precedent = Precedent {
        prior: None,
        pending_of_agent: 0,
        pending_of_tenant: 0,
        denials_1h: 0,
        highest_trust_1h: trust.trust_score,
        budgets_used: BTreeMap::new(),
        trust,
    };
    let context = SettlementContext {
        trace_id: TraceId(Uuid::nil()),
        approval_id: ApprovalId(Uuid::nil()),
        signature: [0; 32],
        idempotency_key: None,
        env: &snapshot.env,
        settings: &snapshot.settings,
        is_monitored: false,
        shown_url: &shown_url(request, &judgement.all_hits()),
        baseline: &Baseline::default(),
        now,
    };
    settle(judgement, &precedent, &context).verdict
}
