//! One scan: limits → agent → the pure core → settle and record → answer.

use crate::{
    Live,
    at_rest::KeyError,
    keys::Caller,
    randomness,
    record::Recorded,
    tenants::{InForce, Tenant},
};
use interven_engine::{
    AgentView, BudgetView, ENGINE_VERSION, EngineFacts, History, InvalidCall, Judgement, Settlement,
    SettlementContext, Snapshot, Steps, decide, settle, shown_host, shown_url, signature,
};
use interven_spool::Kept;
use interven_store::{ActivityRow, KeyUse, ScanEntry, Settled, StoreError};
use interven_types::{
    AgentId, ApprovalEffect, ApprovalId, Baseline, BudgetKey, KeyId, Precedent, RiskBand, ScanRequest,
    TenantId, Timestamp, TraceId, TrustState, Verb, Verdict,
};
use interven_vault::Place;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinError;

/// What a request brings beside its body.
#[derive(Clone, Debug, Default)]
pub struct ScanRequestContext {
    /// The client's `Idempotency-Key`: its own retries of one use count once.
    pub idempotency_key: Option<String>,
}

/// Why there is no verdict. None of these is ever an ALLOW.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    InvalidCall(#[from] InvalidCall),
    #[error("the key may not speak for this agent")]
    AgentNotAllowed,
    #[error("the key is bound to environment `{key_env}` and may not use `{wanted}`")]
    EnvNotAllowed { key_env: String, wanted: String },
    #[error("the agent belongs to another tenant")]
    ForeignAgent,
    #[error("the ephemeral key has no use left")]
    KeyExhausted,
    #[error("too many scans; wait {0:?}")]
    RateLimited(Duration),
    #[error("the monthly quota is used up")]
    QuotaExceeded { trace_id: Option<TraceId> },
    #[error("the tenant could not be loaded")]
    TenantUnavailable,
    #[error("the call was not judged to the end: {0}")]
    Abandoned(#[from] JoinError),
    #[error("the record could not be made durable: {0}")]
    AuditUnavailable(#[source] StoreError),
    #[error("the request could not be sealed: {0}")]
    NotSealed(#[from] KeyError),
}

impl Live {
    /// Judges and records one call. An `Ok` is durable.
    pub async fn scan(
        &self,
        caller: &Caller,
        request: ScanRequest,
        context: ScanRequestContext,
    ) -> Result<Recorded, ScanError> {
        let now = self.now();
        let mut timings = Timings::start();
        let tenant = self.tenant(caller.tenant()).ok_or(ScanError::TenantUnavailable)?;
        if !caller.key().has_use_left() {
            return Err(ScanError::KeyExhausted);
        }
        let env = env_of(caller, &request)?;
        tenant.take_scan().map_err(ScanError::RateLimited)?;
        let mut agent = self.calling_agent(caller, &tenant, &request, now).await?;
        let view = agent.view();
        if tenant.is_over_quota(now) {
            let (attempt, _) = self.attempt(caller, &tenant, env, &request, &view, now)?;
            return Err(self.record_over_quota(attempt, &view.trust).await);
        }
        let mut call = Arrived { request: Arc::new(request), context, tenant, env, view, now };
        timings.done("limits");
        for _ in 0..MOST_JUDGEMENTS {
            match self.judge_and_record(caller, &call, timings.clone()).await {
                Err(ScanError::AuditUnavailable(StoreError::Outdated)) => {
                    // While scans wait in the spool, what they left of trust is known here alone.
                    if self.spool_state().is_none_or(|spool| spool.waiting == 0) {
                        self.forget_agent(call.tenant.id, call.view.agent_id);
                        agent = self.calling_agent(caller, &call.tenant, &call.request, now).await?;
                    }
                    call.view = agent.view();
                }
                Err(error) => {
                    if matches!(error, ScanError::KeyExhausted) {
                        self.forget_key(caller.key().key_id);
                    }
                    return Err(error);
                }
                Ok(kept) => {
                    agent.note(kept.settled(), now);
                    return Recorded::of(kept).map_err(ScanError::AuditUnavailable);
                }
            }
        }
        Err(ScanError::AuditUnavailable(StoreError::Outdated))
    }

    async fn judge_and_record(
        &self,
        caller: &Caller,
        call: &Arrived,
        mut timings: Timings,
    ) -> Result<Kept, ScanError> {
        let Arrived { request, context, tenant, env, view, now } = call;
        let now = *now;
        let (attempt, bytes) = self.attempt(caller, tenant, env.clone(), request, view, now)?;
        let in_force = tenant.in_force(env).ok_or(ScanError::TenantUnavailable)?.clone();
        let baseline = match &view.history {
            History::Learned(baseline) => baseline.clone(),
            History::Recorded(_) => Baseline::default(),
        };
        let budgets = tenant.budgets.keys(view.agent_id, now);
        let snapshot = Snapshot {
            tenant: tenant.id,
            env: env.clone(),
            settings: Arc::clone(&tenant.settings),
            policies: Arc::clone(&in_force.policies),
            classifier: Arc::clone(&tenant.classifier),
            own_domains: Arc::clone(&tenant.own_domains),
            agent: view.clone(),
            call_scope: caller.call_scope(),
            engines: EngineFacts { budgets: self.budgets(tenant, &budgets).await?, ..EngineFacts::default() },
        };
        timings.done("budgets");
        let signing_key = *self.secrets.signing_key();
        let request = Arc::clone(request);
        let judged = self.lanes.run(bytes, move || {
            let judgement = decide(&request, &snapshot, now, &mut timings)?;
            let signature = signature(&signing_key, snapshot.tenant, &snapshot.env, &request, &judgement);
            let shown_url = shown_url(&request, &judgement.all_hits());
            Ok::<_, InvalidCall>((judgement, signature, shown_url, timings))
        });
        let (judgement, signature, shown_url, timings) = judged.await??;
        let scan = Scan {
            approval_id: ApprovalId(randomness::fresh_id()),
            signature,
            shown_url,
            is_monitored: caller.key().monitor || tenant.settings.is_monitored(env),
            idempotency_key: context.idempotency_key.clone(),
            budgets,
            attempt,
            in_force,
            baseline,
            judgement,
            timings,
        };
        self.record(scan, &view.trust).await
    }

    /// The tenant's budgets with what they have been used for.
    async fn budgets(&self, tenant: &Tenant, keys: &[BudgetKey]) -> Result<BudgetView, ScanError> {
        let used = match keys.is_empty() {
            true => BTreeMap::new(),
            false => self.store.budgets_used(tenant.id, keys).await.map_err(ScanError::AuditUnavailable)?,
        };
        Ok(BudgetView::Counted { budgets: Arc::clone(&tenant.budgets), used })
    }

    async fn record(&self, scan: Scan, trust: &TrustState) -> Result<Kept, ScanError> {
        let (tenant, now) = (Arc::clone(&scan.attempt.tenant), scan.attempt.now);
        let entry = ScanEntry {
            trace_id: scan.attempt.trace_id,
            agent_id: scan.attempt.agent_id,
            env: scan.attempt.env.clone(),
            signature: scan.signature,
            idempotency_key: scan.idempotency_key.clone(),
            budgets: scan.budgets.clone(),
            rate_limit: tenant.rate_limit(),
            use_of: scan.attempt.use_of,
            now,
            settle: Box::new(move |precedent| scan.settle(precedent)),
        };
        let kept = self.keep(tenant.id, entry, trust).await.map_err(not_recorded)?;
        match &kept {
            Kept::Recorded(receipt) => tenant.note_usage(receipt.scans_this_month, now),
            Kept::Spooled(_) => tenant.note_one_more(now),
        }
        Ok(kept)
    }

    /// Over quota nothing is evaluated, but the attempt leaves its row.
    async fn record_over_quota(&self, attempt: Attempt, trust: &TrustState) -> ScanError {
        let (tenant, trace_id) = (Arc::clone(&attempt.tenant), attempt.trace_id);
        let entry = ScanEntry {
            trace_id,
            agent_id: attempt.agent_id,
            env: attempt.env.clone(),
            signature: [0; 32],
            idempotency_key: None,
            budgets: Vec::new(),
            rate_limit: tenant.rate_limit(),
            use_of: attempt.use_of,
            now: attempt.now,
            settle: Box::new(move |precedent| {
                Some(Settled {
                    row: ActivityRow { reason_codes: vec!["QUOTA_EXCEEDED".to_owned()], ..attempt.row() },
                    approval: ApprovalEffect::None,
                    trust: precedent.trust.clone(),
                    trust_events: Vec::new(),
                    lesson: None,
                    incidents: Vec::new(),
                    spendings: Vec::new(),
                })
            }),
        };
        match self.keep(tenant.id, entry, trust).await {
            Ok(_) => ScanError::QuotaExceeded { trace_id: Some(trace_id) },
            Err(error) => not_recorded(error),
        }
    }

    /// Names a call and seals what was asked; with it, how many bytes that is.
    fn attempt(
        &self,
        caller: &Caller,
        tenant: &Arc<Tenant>,
        env: String,
        request: &ScanRequest,
        agent: &AgentView,
        now: Timestamp,
    ) -> Result<(Attempt, usize), ScanError> {
        let trace_id = TraceId(randomness::fresh_id());
        let plaintext = serde_json::to_vec(request).unwrap_or_default();
        let attempt = Attempt {
            trace_id,
            env,
            key_id: caller.key().key_id,
            use_of: caller.key_use(),
            client_addr: caller.client_addr().to_string(),
            agent_id: agent.agent_id,
            agent_name: agent.name.clone(),
            trust_score: agent.trust.trust_score,
            method: request.method.clone(),
            sealed_request: self
                .at_rest
                .seal(&request_place(tenant.id, &trace_id.to_string()), &plaintext)?,
            tenant: Arc::clone(tenant),
            now,
        };
        Ok((attempt, plaintext.len()))
    }
}

/// The limiter in memory lets pass what this process has room for; the store knows of all the others.
fn not_recorded(error: StoreError) -> ScanError {
    match error {
        StoreError::RateLimited(wait) => ScanError::RateLimited(wait),
        StoreError::KeyExhausted => ScanError::KeyExhausted,
        other => ScanError::AuditUnavailable(other),
    }
}

/// What a sealed request is bound to.
pub(crate) fn request_place(tenant: TenantId, trace: &str) -> Place<'_> {
    Place { tenant: Some(tenant), table: "activity_log", row: trace }
}

/// The environment of a scan: the key's, or the request's where the key allows it.
fn env_of(caller: &Caller, request: &ScanRequest) -> Result<String, ScanError> {
    let key = caller.key();
    match &request.env {
        Some(wanted) if *wanted != key.env && !key.env_override => {
            Err(ScanError::EnvNotAllowed { key_env: key.env.clone(), wanted: wanted.clone() })
        }
        Some(wanted) => Ok(wanted.clone()),
        None => Ok(key.env.clone()),
    }
}

/// How often a call is judged at most. Once more is needed when a budget went over its limit while the call was judged, and
/// within a day each does so once; or when the agent's trust moved, and it has twenty steps from the top to the bottom.
const MOST_JUDGEMENTS: usize = 64;

/// A call that passed the limits.
struct Arrived {
    request: Arc<ScanRequest>,
    context: ScanRequestContext,
    tenant: Arc<Tenant>,
    env: String,
    view: AgentView,
    now: Timestamp,
}

/// A call before it is judged.
struct Attempt {
    trace_id: TraceId,
    env: String,
    key_id: KeyId,
    use_of: Option<KeyUse>,
    client_addr: String,
    agent_id: AgentId,
    agent_name: String,
    trust_score: f64,
    method: String,
    sealed_request: Vec<u8>,
    tenant: Arc<Tenant>,
    now: Timestamp,
}

impl Attempt {
    /// Its record as long as nothing was evaluated.
    fn row(self) -> ActivityRow {
        ActivityRow {
            trace_id: self.trace_id,
            ledger_seq: 0,
            created_at: self.now,
            env: self.env,
            key_id: Some(self.key_id),
            client_addr: Some(self.client_addr),
            agent_id: self.agent_id,
            agent_name: self.agent_name,
            decision: None,
            would_be: None,
            risk_score: 0.0,
            risk_band: RiskBand::Low,
            reason_codes: Vec::new(),
            tool_name: String::new(),
            operation: String::new(),
            verb: Verb::Read,
            method: self.method,
            url: String::new(),
            host: None,
            classifications: Vec::new(),
            policy_id: None,
            policy_name: None,
            rule_id: None,
            approval_id: None,
            trust_score: self.trust_score,
            engine_version: ENGINE_VERSION.to_owned(),
            detectors_hash: self.tenant.classifier.patterns_hash().to_owned(),
            policy_set: String::new(),
            settings_version: self.tenant.settings_version,
            verdict: None,
            facts: Value::Null,
            timings: Value::Null,
            sealed_request: self.sealed_request,
        }
    }
}

/// A judged call on its way into the record.
struct Scan {
    attempt: Attempt,
    approval_id: ApprovalId,
    signature: [u8; 32],
    shown_url: String,
    is_monitored: bool,
    idempotency_key: Option<String>,
    budgets: Vec<BudgetKey>,
    in_force: InForce,
    baseline: Baseline,
    judgement: Judgement,
    timings: Timings,
}

impl Scan {
    /// Nothing, when the budgets or the agent's trust are no longer what the call was judged by.
    fn settle(mut self, precedent: &Precedent) -> Option<Settled> {
        let tenant = &self.attempt.tenant;
        let threshold = tenant.settings.scrutiny_threshold(&self.attempt.env);
        if !self.judgement.stands_with(&precedent.budgets_used)
            || !self.judgement.stands_on(&precedent.trust, threshold, self.attempt.now)
        {
            return None;
        }
        let context = SettlementContext {
            trace_id: self.attempt.trace_id,
            approval_id: self.approval_id,
            signature: self.signature,
            idempotency_key: self.idempotency_key.as_deref(),
            env: &self.attempt.env,
            settings: &self.attempt.tenant.settings,
            is_monitored: self.is_monitored,
            shown_url: &self.shown_url,
            baseline: &self.baseline,
            now: self.attempt.now,
        };
        let Settlement { verdict, approval, trust, trust_events, lesson, incidents, spendings } =
            settle(&self.judgement, precedent, &context);
        let row = self.row(verdict);
        Some(Settled { row, approval, trust, trust_events, lesson, incidents, spendings })
    }

    fn row(self, verdict: Verdict) -> ActivityRow {
        let call = &self.judgement.call.primary;
        ActivityRow {
            decision: Some(verdict.decision),
            would_be: verdict.would_be,
            risk_score: verdict.risk_score,
            risk_band: verdict.risk_band,
            reason_codes: verdict.reason_codes.clone(),
            tool_name: verdict.tool_name.clone(),
            operation: verdict.operation.clone(),
            verb: verdict.verb,
            method: call.method.clone(),
            host: shown_host(call.host.as_deref(), &self.shown_url).map(str::to_owned),
            url: self.shown_url,
            classifications: verdict.classifications.clone(),
            policy_id: verdict.rule.as_ref().map(|rule| rule.policy_id),
            policy_name: verdict.rule.as_ref().map(|rule| rule.policy_name.clone()),
            rule_id: verdict.rule.as_ref().map(|rule| rule.rule_id.clone()),
            approval_id: verdict.approval.as_ref().map(|ticket| ticket.approval_id),
            policy_set: self.in_force.hash.to_string(),
            facts: json!(self.judgement.facts),
            timings: self.timings.into_json(),
            verdict: Some(verdict),
            ..self.attempt.row()
        }
    }
}

/// Microseconds per step, for the trace.
#[derive(Clone)]
struct Timings {
    last: Instant,
    steps: serde_json::Map<String, Value>,
}

impl Timings {
    fn start() -> Self {
        Self { last: Instant::now(), steps: serde_json::Map::new() }
    }

    fn into_json(self) -> Value {
        Value::Object(self.steps)
    }
}

impl Steps for Timings {
    fn done(&mut self, step: &'static str) {
        let micros = u64::try_from(self.last.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.steps.insert(format!("{step}_us"), micros.into());
        self.last = Instant::now();
    }
}
