//! From rules, risk and scrutiny to one decision that says why.

use crate::{
    reason::code,
    risk::Risk,
    snapshot::{BaselineFacts, Snapshot},
    trust::Scrutiny,
};
use interven_policy::{Modifiers, Outcome, PolicyAction};
use interven_types::{Action, AgentStatus, Decision, Factor, Hit, Place, RuleRef, Verb};

/// Everything the decision is made of.
pub(crate) struct Findings<'a> {
    pub actions: &'a [&'a Action],
    pub hits: &'a [Hit],
    pub baseline: &'a BaselineFacts,
    pub risk: &'a Risk,
    pub scrutiny: &'a Scrutiny,
    pub outcome: &'a Outcome,
    /// Redaction was asked for and replaced something.
    pub is_redacted: bool,
    /// The policies hold a rule at all.
    pub has_policies: bool,
    pub snapshot: &'a Snapshot,
}

pub(crate) struct Combined {
    pub decision: Decision,
    pub when_granted: Decision,
    pub rule: Option<RuleRef>,
    pub modifiers: Modifiers,
    pub opens_incident: bool,
    pub reason_codes: Vec<String>,
    pub factors: Vec<Factor>,
}

pub(crate) fn combine(findings: &Findings<'_>) -> Combined {
    let mut combined = from_policy(findings);
    if findings.snapshot.agent.status == AgentStatus::Suspended {
        combined.decide(Decision::Deny, code::AGENT_SUSPENDED, Factor::AgentSuspended);
    }
    hold_critical_risk(&mut combined, findings);
    hold_what_cannot_be_sanitized(&mut combined, findings);
    hold_under_scrutiny(&mut combined, findings);
    for signal in by_score(findings.risk) {
        combined.reason_codes.extend(signal.reason_codes.iter().cloned());
    }
    keep_first_of_each(&mut combined.reason_codes);
    combined
}

impl Combined {
    /// Something other than a rule decides, and says why first.
    fn decide(&mut self, decision: Decision, reason_code: &str, factor: Factor) {
        self.decision = decision;
        self.rule = None;
        self.reason_codes.insert(0, reason_code.to_owned());
        self.factors.push(factor);
    }
}

fn from_policy(findings: &Findings<'_>) -> Combined {
    let outcome = findings.outcome;
    let decisive = outcome.decisive.as_ref();
    let mut speaking: Vec<_> = outcome.matches.iter().filter(|m| !m.shadow).collect();
    speaking.sort_by_key(|m| std::cmp::Reverse(m.action.decision()));
    let mut factors: Vec<Factor> = outcome
        .matches
        .iter()
        .map(|m| Factor::Rule {
            rule: m.rule.clone(),
            action: m.action.as_str().to_owned(),
            decisive: decisive.is_some_and(|d| d.rule == m.rule),
            shadow: m.shadow,
        })
        .collect();
    factors.extend(outcome.matches.iter().filter_map(|m| {
        let what = m.failed_closed.clone()?;
        Some(Factor::FailClosed { reason_code: m.reason_code.clone(), what })
    }));
    let mut reason_codes: Vec<String> =
        decisive.into_iter().chain(speaking.iter().copied()).map(|m| m.reason_code.clone()).collect();
    if !findings.has_policies {
        reason_codes.push(code::NO_POLICY.to_owned());
        factors.push(Factor::NoPolicy);
    }
    Combined {
        decision: outcome.decision.unwrap_or(Decision::Allow),
        when_granted: if findings.is_redacted { Decision::Sanitize } else { Decision::Allow },
        rule: decisive.map(|m| m.rule.clone()),
        modifiers: decisive.map(|m| m.modifiers.clone()).unwrap_or_default(),
        opens_incident: speaking.iter().any(|m| m.action == PolicyAction::OpenIncident),
        reason_codes,
        factors,
    }
}

/// Where no rule speaks about something that the call does, critical risk needs a human.
fn hold_critical_risk(combined: &mut Combined, findings: &Findings<'_>) {
    let is_critical = findings.risk.band == interven_types::RiskBand::Critical;
    let may_hold = findings.snapshot.settings.risk.critical_requires_approval;
    let is_unspoken = findings.outcome.leaves_unspoken && findings.has_policies;
    if is_critical && may_hold && is_unspoken && combined.decision == Decision::Allow {
        let factor = Factor::RiskCritical { score: findings.risk.score };
        combined.decide(Decision::RequireApproval, code::RISK_CRITICAL, factor);
    }
}

/// Only a body can be rewritten. What a SANITIZE rule wants gone from a URL or header is held for a human.
fn hold_what_cannot_be_sanitized(combined: &mut Combined, findings: &Findings<'_>) {
    let wanted = &findings.outcome.redaction;
    // A hit without a span is what a command puts together; its text does not hold it.
    let stays = findings.hits.iter().find(|h| {
        (h.place != Place::Body || h.start == h.end)
            && wanted.classes.contains(&h.class)
            && h.confidence >= wanted.min_confidence
    });
    if let (Decision::Sanitize, Some(hit)) = (combined.decision, stays) {
        let what = match &hit.place {
            Place::Header(name) => format!("{} in header `{name}` cannot be redacted", hit.detector),
            Place::Url => format!("{} in the URL cannot be redacted", hit.detector),
            Place::Body => format!("{} that the command puts together cannot be redacted", hit.detector),
        };
        let factor = Factor::FailClosed { reason_code: code::CANNOT_SANITIZE.to_owned(), what };
        combined.decide(Decision::RequireApproval, code::CANNOT_SANITIZE, factor);
    }
}

/// An agent under scrutiny may read where it has read before; the rest waits for a human.
fn hold_under_scrutiny(combined: &mut Combined, findings: &Findings<'_>) {
    let changes_something = findings.actions.iter().any(|a| a.verb != Verb::Read);
    let may_pass = matches!(combined.decision, Decision::Allow | Decision::Sanitize);
    if findings.scrutiny.is_active && may_pass && (changes_something || findings.baseline.is_new_destination)
    {
        let factor = Factor::Scrutiny {
            trust_score: findings.scrutiny.trust_score,
            threshold: findings.scrutiny.threshold,
        };
        combined.decide(Decision::RequireApproval, code::AGENT_UNDER_SCRUTINY, factor);
    }
}

fn by_score(risk: &Risk) -> Vec<&interven_types::Signal> {
    let mut signals: Vec<_> = risk.signals.iter().collect();
    signals.sort_by(|a, b| b.score.total_cmp(&a.score));
    signals
}

fn keep_first_of_each(codes: &mut Vec<String>) {
    let mut seen = std::collections::BTreeSet::new();
    codes.retain(|code| seen.insert(code.clone()));
}
