//! Judging without a server: the pure core, the default policies or the packs named, an agent without a past.

use crate::{
    commands::policy::check,
    exit::{UsageError, tell},
};
use anyhow::{Result, anyhow};
use interven_classify::Classifier;
use interven_client::ScanAnswer;
use interven_engine::{
    AgentView, History, InvalidCall, Judgement, SettlementContext, Snapshot, decide, settle, shown_url,
};
use interven_normalize::OwnDomains;
use interven_policy::{PolicySet, PolicySource, default_policies};
use interven_types::{
    AgentId, AgentStatus, ApprovalId, Baseline, PolicyId, Precedent, RuntimeType, ScanRequest, TenantId,
    TenantSettings, Timestamp, TraceId, TrustState, Verdict,
};
use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::SystemTime,
};
use uuid::Uuid;

/// Environment of requests that name none.
const ENV: &str = "default";
const AGENT: &str = "default-agent";

pub(super) struct LocalJudge {
    settings: Arc<TenantSettings>,
    classifier: Arc<Classifier>,
    own_domains: Arc<OwnDomains>,
    policies: Policies,
}

/// Compiled once for each environment that a policy names, and once for all others.
struct Policies {
    by_env: HashMap<String, Arc<PolicySet>>,
    elsewhere: Arc<PolicySet>,
}

impl LocalJudge {
    pub(super) fn new(packs: &[PathBuf]) -> Result<Self> {
        Ok(Self {
            settings: Arc::default(),
            classifier: Classifier::builtin(),
            own_domains: Arc::new(OwnDomains::new::<&str>(&[])),
            policies: Policies::new(&sources(packs)?)?,
        })
    }

    pub(super) fn judge(&self, request: &ScanRequest) -> Result<ScanAnswer, InvalidCall> {
        let now = Timestamp::from(SystemTime::now());
        let snapshot = self.snapshot(request, now);
        let judgement = decide(request, &snapshot, now, &mut ())?;
        Ok(answer(settled(request, &snapshot, &judgement, now)))
    }

    fn snapshot(&self, request: &ScanRequest, now: Timestamp) -> Snapshot {
        let env = request.env.clone().unwrap_or_else(|| ENV.to_owned());
        let agent_id = request.agent_id.unwrap_or(AgentId(Uuid::nil()));
        Snapshot {
            tenant: TenantId(Uuid::nil()),
            policies: Arc::clone(self.policies.by_env.get(&env).unwrap_or(&self.policies.elsewhere)),
            env,
            settings: Arc::clone(&self.settings),
            classifier: Arc::clone(&self.classifier),
            own_domains: Arc::clone(&self.own_domains),
            agent: AgentView {
                agent_id,
                name: request.agent_name.clone().unwrap_or_else(|| AGENT.to_owned()),
                runtime_type: request.runtime_type.as_deref().map(RuntimeType::named).unwrap_or_default(),
                status: AgentStatus::Active,
                trust: TrustState::fresh(agent_id, now),
                history: History::Learned(Baseline::default()),
            },
        }
    }
}

fn sources(packs: &[PathBuf]) -> Result<Vec<PolicySource>> {
    if packs.is_empty() {
        return Ok(default_policies());
    }
    let checked = check(packs)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Err(UsageError("the packs have errors; nothing was judged".to_owned()).into());
    }
    Ok(checked.policies)
}

impl Policies {
    fn new(sources: &[PolicySource]) -> Result<Self> {
        let named: BTreeSet<&String> =
            sources.iter().filter_map(|source| source.env_names.as_ref()).flatten().collect();
        let by_env = named.into_iter().map(|env| Ok((env.clone(), compile(sources, Some(env))?)));
        Ok(Self { by_env: by_env.collect::<Result<_>>()?, elsewhere: compile(sources, None)? })
    }
}

/// What is in force in `env`; without one, in the environments that no policy names.
fn compile(sources: &[PolicySource], env: Option<&String>) -> Result<Arc<PolicySet>> {
    let is_in_force = |source: &PolicySource| {
        source.env_names.as_ref().is_none_or(|names| env.is_some_and(|env| names.contains(env)))
    };
    let installed: Vec<_> = (1..)
        .zip(sources)
        .filter(|(_, source)| is_in_force(source))
        .map(|(number, source)| source.install(PolicyId(Uuid::from_u128(number)), 1, env.cloned(), None))
        .collect();
    let compiled = PolicySet::compile(&installed).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        anyhow!(UsageError(first))
    })?;
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

/// The wire form, without what only a server has: a record and an approval.
fn answer(verdict: Verdict) -> ScanAnswer {
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
