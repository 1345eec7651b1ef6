//! The first and larger part of a decision: everything that the call itself and the snapshot say.

use crate::{
    combine::{self, Combined, Findings},
    reason::code,
    risk::{self, Evidence, Risk},
    snapshot::{AgentFacts, BaselineFacts, Snapshot},
    trust::{self, Scrutiny},
};
use interven_classify::{Classifier, ExceptedHit, Redacted, RedactionPlan, Subject};
use interven_normalize::{Normalized, UrlError, normalize, opened};
use interven_policy::{BudgetFact, Facts, Note, Outcome, PolicySet, RuleMatch};
use interven_types::{
    Action, Confidence, Coverage, DataClass, Decision, Factor, Hit, Place, RiskBand, RuleRef, ScanRequest,
    ScopeViolation, Signal, Skipped, Timestamp,
};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Called as each step of a decision ends, so that an edge with a clock can time them.
pub trait Steps {
    fn done(&mut self, step: &'static str);
}

/// Nobody is watching.
impl Steps for () {
    fn done(&mut self, _step: &'static str) {}
}

/// The call cannot be read, so it cannot be judged: an answer of 400, never an ALLOW.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`url` {0}")]
pub struct InvalidCall(UrlError);

/// What the call and the snapshot say, before the store is asked about identical calls.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub call: Normalized,
    pub hits: Vec<Hit>,
    /// What would be hits but for the tenant's exceptions.
    pub excepted: Vec<Hit>,
    pub classifications: Vec<DataClass>,
    pub risk_score: f64,
    pub risk_band: RiskBand,
    pub signals: Vec<Signal>,
    /// `REQUIRE_APPROVAL` may still become the answer that a human gave to an identical call.
    pub decision: Decision,
    /// What a granted approval yields: `ALLOW` or `SANITIZE`.
    pub when_granted: Decision,
    pub rule: Option<RuleRef>,
    pub modifiers: interven_policy::Modifiers,
    pub opens_incident: bool,
    pub reason_codes: Vec<String>,
    pub determined_by: Vec<Factor>,
    pub coverage: Coverage,
    /// Present when some rule asked for redaction and the call may go out.
    pub redacted: Option<Redacted>,
    /// What was known about the agent, for the record.
    pub facts: AgentFacts,
}

impl Judgement {
    /// Everything that was found, whether or not it counts: what is shown in clear holds none of it.
    pub fn all_hits(&self) -> Vec<Hit> {
        self.hits.iter().chain(&self.excepted).cloned().collect()
    }
}

/// Judges one call. The same arguments always give the same judgement.
pub fn decide(
    request: &ScanRequest,
    snapshot: &Snapshot,
    now: Timestamp,
    steps: &mut impl Steps,
) -> Result<Judgement, InvalidCall> {
    let examination = examine(request, snapshot, now, steps)?;
    let ruling = examination.rule(&snapshot.policies, steps);
    Ok(examination.conclude(ruling))
}

/// What one call is, carries and risks: all that is known of it before any policy speaks, and the larger part of the work.
#[derive(Debug)]
pub struct Examination<'a> {
    request: &'a ScanRequest,
    snapshot: &'a Snapshot,
    now: Timestamp,
    call: Normalized,
    classifier: Cow<'a, Classifier>,
    found: interven_classify::Findings<'a>,
    baseline: BaselineFacts,
    risk: Risk,
    scrutiny: Scrutiny,
}

/// What some policies make of an examined call.
#[derive(Clone, Debug)]
pub struct Ruling {
    pub decision: Decision,
    pub when_granted: Decision,
    /// The rule that decided.
    pub rule: Option<RuleRef>,
    /// The rule that spoke in each policy, and the shadow rules that matched before it.
    pub matches: Vec<RuleMatch>,
    /// Rules that did not come to speak though they were asked, and why.
    pub notes: Vec<Note>,
    pub modifiers: interven_policy::Modifiers,
    pub opens_incident: bool,
    pub reason_codes: Vec<String>,
    /// Present when some rule asked for redaction and the call may go out.
    pub redacted: Option<Redacted>,
    factors: Vec<Factor>,
    coverage: Coverage,
    budgets: Option<BTreeMap<String, BudgetFact>>,
}

/// Examines one call. The policies of the snapshot are not asked.
pub fn examine<'a>(
    request: &'a ScanRequest,
    snapshot: &'a Snapshot,
    now: Timestamp,
    steps: &mut impl Steps,
) -> Result<Examination<'a>, InvalidCall> {
    let call = normalize(request, &snapshot.own_domains).map_err(InvalidCall)?;
    let actions: Vec<&Action> = call.actions().collect();
    steps.done("normalize");

    let spoken_of: Vec<(&str, &str)> =
        actions.iter().map(|a| (a.tool.as_ref(), a.operation.as_ref())).collect();
    let classifier = snapshot.classifier.for_call(now, &spoken_of);
    let mut found = classifier.classify(&Subject {
        url: &request.url,
        host: call.primary.host.as_deref(),
        headers: &request.headers,
        body: &request.body,
    });
    let (assembled, excepted) = assembled_hits(&call, &found.hits, &classifier);
    found.hits.extend(assembled);
    found.excepted.extend(excepted);
    found.skipped.extend(count_excepted(&found.excepted));
    steps.done("classify");

    let baseline = snapshot.agent.history.about(&actions, now);
    let risk = risk::assess(
        &Evidence {
            hits: &found.hits,
            is_bomb: found.is_bomb,
            external_host: actions.iter().any(|a| a.external_host),
            baseline: &baseline,
        },
        snapshot,
    );
    steps.done("risk");

    let threshold = snapshot.settings.scrutiny_threshold(&snapshot.env);
    let scrutiny = trust::scrutiny(&snapshot.agent.trust, threshold, now);
    Ok(Examination { request, snapshot, now, call, classifier, found, baseline, risk, scrutiny })
}

impl Examination<'_> {
    /// What `policies` make of the call, in place of those of the snapshot. A call that the key is not for is not put to them.
    pub fn rule(&self, policies: &PolicySet, steps: &mut impl Steps) -> Ruling {
        let violations = self.snapshot.call_scope.violations(self.call.actions());
        if !violations.is_empty() {
            return self.refuse(violations);
        }
        let Self { request, snapshot, found, baseline, risk, scrutiny, .. } = self;
        let actions: Vec<&Action> = self.call.actions().collect();
        let texts = found.texts();
        let engines = &snapshot.engines;
        // The same bytes may be sent as a text: a rule's path leads through both.
        let body = opened(&request.body);
        let mut facts = Facts {
            method: &request.method,
            actions: &actions,
            env: &snapshot.env,
            agent_id: snapshot.agent.agent_id,
            agent_name: &snapshot.agent.name,
            runtime_type: snapshot.agent.runtime_type,
            body: &body,
            body_bytes: body_bytes(&texts),
            texts: &texts,
            hits: &found.hits,
            is_new_destination: baseline.is_new_destination,
            is_volume_burst: baseline.is_volume_burst,
            risk_score: risk.score,
            trust_score: scrutiny.trust_score,
            agent_in_scrutiny: scrutiny.is_active,
            threat_intel_match: engines.threat_intel_match,
            semantic_categories: engines.semantic_categories.as_deref(),
            correlation_patterns: engines.correlation_patterns.as_deref(),
            budgets: None,
            mcp: engines.mcp,
            now: self.now,
        };
        let budgets = engines.budgets.about(&facts);
        facts.budgets = budgets.as_ref();
        let outcome = policies.evaluate(&facts);
        steps.done("policy");

        let redacted = redact(&outcome, found, request.body.is_string(), &self.classifier);
        steps.done("redact");

        let Combined { decision, when_granted, rule, modifiers, opens_incident, reason_codes, factors } =
            combine::combine(&Findings {
                actions: &actions,
                hits: &found.hits,
                baseline,
                risk,
                scrutiny,
                outcome: &outcome,
                is_redacted: redacted.as_ref().is_some_and(|r| !r.redactions.is_empty()),
                has_policies: !policies.is_empty(),
                snapshot,
            });
        steps.done("combine");
        Ruling {
            decision,
            when_granted,
            rule,
            modifiers,
            opens_incident,
            reason_codes,
            redacted: redacted.filter(|_| decision != Decision::Deny),
            factors,
            coverage: self.cover(&outcome, policies),
            matches: outcome.matches,
            notes: outcome.notes,
            budgets,
        }
    }

    fn refuse(&self, violations: Vec<ScopeViolation>) -> Ruling {
        let mut coverage = self.examined();
        coverage.skipped.push(Skipped::new("policies", "the call is outside what the key is for"));
        Ruling {
            decision: Decision::Deny,
            when_granted: Decision::Deny,
            rule: None,
            matches: Vec::new(),
            notes: Vec::new(),
            modifiers: interven_policy::Modifiers::default(),
            opens_incident: false,
            reason_codes: vec![code::EPHEMERAL_SCOPE_VIOLATION.to_owned()],
            redacted: None,
            factors: vec![Factor::OutsideKeyScope { violations }],
            coverage,
            budgets: None,
        }
    }

    /// What was looked at before the policies.
    fn examined(&self) -> Coverage {
        let mut coverage = Coverage {
            evaluated: vec!["normalizer".to_owned(), "detectors".to_owned()],
            skipped: self.found.skipped.clone(),
        };
        coverage.evaluated.extend(self.risk.evaluated.iter().cloned());
        coverage.skipped.extend(self.risk.skipped.iter().cloned());
        coverage
    }

    fn cover(&self, outcome: &Outcome, policies: &PolicySet) -> Coverage {
        let mut coverage = self.examined();
        if policies.is_empty() {
            coverage.skipped.push(Skipped::new("policies", "the tenant has no policies in this environment"));
        } else {
            coverage.evaluated.push("policies".to_owned());
        }
        for detector in &self.snapshot.settings.disabled_detectors {
            coverage
                .skipped
                .push(Skipped::new(format!("detector:{detector}"), "switched off in the tenant's settings"));
        }
        for note in &outcome.notes {
            coverage.skipped.push(Skipped::new(format!("rule:{}", note.rule.rule_id), note.text.clone()));
        }
        coverage
    }

    /// The judgement that the ruling makes of the examination.
    pub fn conclude(self, ruling: Ruling) -> Judgement {
        let Self { snapshot, call, found, baseline, risk, .. } = self;
        let mut determined_by = detector_factors(&found.hits);
        determined_by.extend(risk.floors);
        determined_by.extend(ruling.factors);
        Judgement {
            classifications: classes(&found.hits),
            hits: found.hits,
            excepted: found.excepted.into_iter().map(|excepted| excepted.hit).collect(),
            risk_score: risk.score,
            risk_band: risk.band,
            signals: risk.signals,
            facts: snapshot.agent.facts(baseline, ruling.budgets, snapshot.call_scope.clone()),
            call,
            decision: ruling.decision,
            when_granted: ruling.when_granted,
            rule: ruling.rule,
            modifiers: ruling.modifiers,
            opens_incident: ruling.opens_incident,
            reason_codes: ruling.reason_codes,
            redacted: ruling.redacted,
            coverage: ruling.coverage,
            determined_by,
        }
    }
}

/// What a command puts together before it sends it: `https://host/ghp_ab''cd…` holds a token that its text does not.
/// Such a hit has no span of its own in the request; it stands for the whole body.
fn assembled_hits(call: &Normalized, known: &[Hit], classifier: &Classifier) -> (Vec<Hit>, Vec<ExceptedHit>) {
    let no_headers = BTreeMap::new();
    let is_known =
        |hit: &Hit| known.iter().any(|k| k.detector == hit.detector && k.confidence >= hit.confidence);
    let assembled = call.actions().filter(|action| action.host.is_some() && action.url != call.url.as_str());
    let (mut hits, mut excepted) = (Vec::new(), Vec::new());
    for action in assembled {
        let (url, host) = (action.url.as_str(), action.host.as_deref());
        let found = classifier.classify(&Subject { url, host, headers: &no_headers, body: &Value::Null });
        let new = found.hits.into_iter().filter(|hit| !is_known(hit));
        hits.extend(new.map(|hit| Hit { place: Place::Body, path: String::new(), start: 0, end: 0, ..hit }));
        excepted.extend(found.excepted);
    }
    (hits, excepted)
}

/// Says how many findings of each detector do not count, and why.
fn count_excepted(excepted: &[ExceptedHit]) -> Vec<Skipped> {
    const MOST_NAMED: usize = 32;
    let mut counts = BTreeMap::<(&str, &str), usize>::new();
    for ExceptedHit { note, hit } in excepted {
        *counts.entry((&hit.detector, note)).or_default() += 1;
    }
    let say = |what: String, why: &str, count: usize| {
        let findings = if count == 1 { "finding" } else { "findings" };
        Skipped::new(what, format!("finding exception: {why} ({count} {findings})"))
    };
    let named = counts.iter().take(MOST_NAMED);
    let mut told: Vec<Skipped> =
        named.map(|((id, note), count)| say(format!("detector:{id}"), note, *count)).collect();
    let rest: usize = counts.values().skip(MOST_NAMED).sum();
    if rest > 0 {
        told.push(say("detectors".to_owned(), "further ones", rest));
    }
    told
}

/// Size of the body as policies see it: all its text, decoded layers included.
fn body_bytes(texts: &[std::borrow::Cow<'_, str>]) -> usize {
    texts.iter().map(|text| text.len()).sum()
}

/// What the caller is told of: classes with a hit of MEDIUM confidence or above.
fn classes(hits: &[Hit]) -> Vec<DataClass> {
    let telling =
        |class: &DataClass| hits.iter().any(|h| h.class == *class && h.confidence >= Confidence::Medium);
    DataClass::ALL.into_iter().filter(telling).collect()
}

fn detector_factors(hits: &[Hit]) -> Vec<Factor> {
    let mut counts: BTreeMap<(&str, DataClass, Confidence), usize> = BTreeMap::new();
    for hit in hits {
        *counts.entry((&hit.detector, hit.class, hit.confidence)).or_default() += 1;
    }
    let factor = |((detector, class, confidence), count): ((&str, _, _), _)| Factor::Detector {
        detector: detector.to_owned(),
        class,
        confidence,
        count,
    };
    counts.into_iter().map(factor).collect()
}

fn redact(
    outcome: &Outcome,
    found: &interven_classify::Findings<'_>,
    is_text: bool,
    classifier: &Classifier,
) -> Option<Redacted> {
    let wanted = &outcome.redaction;
    // A SANITIZE that finds nothing to replace still owes the caller a body to send.
    if wanted.is_empty() && outcome.decision != Some(Decision::Sanitize) {
        return None;
    }
    let whole = [String::new()];
    let plan = RedactionPlan {
        classes: &wanted.classes,
        min_confidence: wanted.min_confidence,
        // A field of what a text says is no field of the body: the text goes as a whole.
        fields: if is_text && !wanted.fields.is_empty() { &whole } else { &wanted.fields },
    };
    Some(classifier.redact_found(found, &plan))
}
