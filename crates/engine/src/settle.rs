//! The last part of a decision: what a human said of an identical call, and what the record changes.
//!
//! Runs inside the transaction that writes the record, so two identical retries cannot both use one grant.

use crate::{
    decide::Judgement,
    monitor::monitored,
    reason::code,
    snapshot::{destination, operation},
    trust,
};
use interven_types::{
    Action, ApprovalEffect, ApprovalId, ApprovalTicket, Baseline, Decision, Factor, IncidentEffect, Lesson,
    MAX_REMEMBERED, NewApproval, Precedent, PriorApproval, RiskBand, Spending, TenantSettings, Timestamp,
    TraceId, TrustEvent, TrustState, Verdict,
};
use std::{collections::BTreeSet, time::Duration};

/// This many DENYs of one agent within an hour open an incident.
const DENY_BURST: u32 = 5;
/// A drop of trust by more than this within an hour opens an incident.
const TRUST_COLLAPSE: f64 = 0.3;

/// What the edge adds to a judgement to settle it.
#[derive(Clone, Debug)]
pub struct SettlementContext<'a> {
    pub trace_id: TraceId,
    /// The id of the approval, should one be created.
    pub approval_id: ApprovalId,
    pub signature: [u8; 32],
    pub idempotency_key: Option<&'a str>,
    pub env: &'a str,
    pub settings: &'a TenantSettings,
    /// The key, environment or tenant only monitors.
    pub is_monitored: bool,
    /// Origin and path, redacted.
    pub shown_url: &'a str,
    /// What the agent's past has taught, so that only news is written.
    pub baseline: &'a Baseline,
    pub now: Timestamp,
}

/// The verdict, and all that changes with its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    pub verdict: Verdict,
    pub approval: ApprovalEffect,
    pub trust: TrustState,
    pub trust_events: Vec<TrustEvent>,
    /// Present when an allowed call teaches.
    pub lesson: Option<Lesson>,
    pub incidents: Vec<IncidentEffect>,
    /// What a call that is let through uses of the budgets.
    pub spendings: Vec<Spending>,
}

/// Turns a judgement into the verdict. The same arguments always give the same settlement.
pub fn settle(judgement: &Judgement, precedent: &Precedent, context: &SettlementContext<'_>) -> Settlement {
    let mut verdict = verdict_of(judgement, context.trace_id);
    if context.is_monitored {
        let verdict = monitored(verdict);
        let trust = precedent.trust.clone();
        // What would have been held or denied passes, but teaches nothing.
        let lesson = teaches(judgement.decision).then(|| lesson(judgement, context));
        let spendings = judgement.spendings(verdict.decision);
        let (approval, trust_events, incidents) = (ApprovalEffect::None, Vec::new(), Vec::new());
        return Settlement { verdict, approval, trust, trust_events, lesson, incidents, spendings };
    }
    let approval = consult(&mut verdict, judgement, precedent, context);
    if verdict.decision == Decision::Sanitize
        && let Some(redacted) = &judgement.redacted
    {
        verdict.sanitized_body = Some(redacted.body.clone());
        verdict.redactions = redacted.redactions.clone();
    }
    let (trust, trust_events) = trust::after(&precedent.trust, &verdict, context.trace_id, context.now);
    let incidents = incidents(judgement, &verdict, precedent, &trust);
    let lesson = teaches(verdict.decision).then(|| lesson(judgement, context));
    let spendings = judgement.spendings(verdict.decision);
    Settlement { verdict, approval, trust, trust_events, lesson, incidents, spendings }
}

fn verdict_of(judgement: &Judgement, trace_id: TraceId) -> Verdict {
    let call = &judgement.call.primary;
    Verdict {
        trace_id,
        decision: judgement.decision,
        would_be: None,
        risk_score: judgement.risk_score,
        risk_band: judgement.risk_band,
        reason_codes: judgement.reason_codes.clone(),
        tool_name: call.tool.to_string(),
        operation: call.operation.to_string(),
        verb: call.verb,
        classifications: judgement.classifications.clone(),
        signals: judgement.signals.clone(),
        rule: judgement.rule.clone(),
        sanitized_body: None,
        redactions: Vec::new(),
        approval: None,
        coverage: judgement.coverage.clone(),
        determined_by: judgement.determined_by.clone(),
    }
}

/// Applies what a human said, or will say, of the identical call.
fn consult(
    verdict: &mut Verdict,
    judgement: &Judgement,
    precedent: &Precedent,
    context: &SettlementContext<'_>,
) -> ApprovalEffect {
    if verdict.decision == Decision::Deny {
        return ApprovalEffect::None;
    }
    if let Some(PriorApproval::Denied { approval_id }) = precedent.prior {
        answer(verdict, Decision::Deny, code::RECENT_APPROVAL_DENIED, Factor::DenyWindow { approval_id });
        return ApprovalEffect::None;
    }
    if verdict.decision != Decision::RequireApproval {
        return ApprovalEffect::None;
    }
    match precedent.prior {
        Some(PriorApproval::Granted { approval_id }) => {
            answer(
                verdict,
                judgement.when_granted,
                code::RECENT_APPROVAL_GRANT,
                Factor::Grant { approval_id },
            );
            let idempotency_key = context.idempotency_key.map(str::to_owned);
            ApprovalEffect::Use { approval_id, idempotency_key }
        }
        Some(PriorApproval::Pending { approval_id, expires_at }) => {
            verdict.approval = Some(ApprovalTicket { approval_id, expires_at });
            verdict.reason_codes.push(code::APPROVAL_PENDING.to_owned());
            verdict.determined_by.push(Factor::PendingApproval { approval_id });
            ApprovalEffect::None
        }
        Some(PriorApproval::Denied { .. }) | None => request_approval(verdict, judgement, precedent, context),
    }
}

fn request_approval(
    verdict: &mut Verdict,
    judgement: &Judgement,
    precedent: &Precedent,
    context: &SettlementContext<'_>,
) -> ApprovalEffect {
    let settings = &context.settings.approvals;
    let queues = [
        (precedent.pending_of_agent, settings.max_pending_per_agent),
        (precedent.pending_of_tenant, settings.max_pending_per_tenant),
    ];
    if let Some((pending, limit)) = queues.into_iter().find(|(pending, limit)| pending >= limit) {
        answer(verdict, Decision::Deny, code::APPROVAL_QUEUE_FULL, Factor::QueueFull { pending, limit });
        return ApprovalEffect::None;
    }
    let modifiers = &judgement.modifiers;
    let ttl = Duration::from_secs(modifiers.approval_ttl_seconds.unwrap_or(settings.default_ttl_seconds));
    let expires_at = context.now.saturating_add(ttl);
    let (call, agent) = (&judgement.call.primary, &judgement.facts);
    verdict.approval = Some(ApprovalTicket { approval_id: context.approval_id, expires_at });
    ApprovalEffect::Create(Box::new(NewApproval {
        approval_id: context.approval_id,
        signature: context.signature,
        trace_id: context.trace_id,
        agent_id: agent.agent_id,
        agent_name: agent.name.clone(),
        env: context.env.to_owned(),
        created_at: context.now,
        expires_at,
        tool_name: call.tool.to_string(),
        operation: call.operation.to_string(),
        verb: call.verb,
        method: call.method.clone(),
        url: context.shown_url.to_owned(),
        risk_score: judgement.risk_score,
        risk_band: judgement.risk_band,
        reason_codes: verdict.reason_codes.clone(),
        rule: judgement.rule.clone(),
        escalate_to: modifiers.escalate_to.clone(),
        approvers: modifiers.approvers.clone(),
        max_uses: modifiers.grant_max_uses.unwrap_or(settings.grant_max_uses).bound(),
        grant_window_seconds: settings.grant_window_seconds,
        deny_window_seconds: settings.deny_window_seconds,
    }))
}

/// An earlier decision, or the queue, answers in place of the rule.
fn answer(verdict: &mut Verdict, decision: Decision, reason_code: &str, factor: Factor) {
    verdict.decision = decision;
    verdict.reason_codes.insert(0, reason_code.to_owned());
    verdict.determined_by.push(factor);
}

fn teaches(decision: Decision) -> bool {
    matches!(decision, Decision::Allow | Decision::Sanitize)
}

fn lesson(judgement: &Judgement, context: &SettlementContext<'_>) -> Lesson {
    let news = |known: &BTreeSet<String>, name: fn(&Action) -> String| {
        let names: BTreeSet<String> = judgement.call.actions().map(name).collect();
        names.difference(known).take(MAX_REMEMBERED.saturating_sub(known.len())).cloned().collect()
    };
    Lesson {
        new_destinations: news(&context.baseline.destinations, destination),
        new_operations: news(&context.baseline.operations, operation),
    }
}

fn is_outside_scope(verdict: &Verdict) -> bool {
    verdict.determined_by.iter().any(|factor| matches!(factor, Factor::OutsideKeyScope { .. }))
}

fn incidents(
    judgement: &Judgement,
    verdict: &Verdict,
    precedent: &Precedent,
    trust: &TrustState,
) -> Vec<IncidentEffect> {
    let call = format!("{}.{}", verdict.tool_name, verdict.operation);
    let agent = &judgement.facts.name;
    let is_deny = verdict.decision == Decision::Deny;
    let denials = precedent.denials_1h + u32::from(is_deny);
    let drop = precedent.highest_trust_1h - trust.trust_score;
    let triggers = [
        (
            judgement.opens_incident,
            "RULE",
            judgement.modifiers.incident_severity.unwrap_or(judgement.risk_band),
            format!("a rule opened an incident on {call} by {agent}"),
        ),
        (
            is_deny && verdict.risk_band == RiskBand::Critical,
            "CRITICAL_DENY",
            RiskBand::Critical,
            format!("{agent} was denied {call} at critical risk"),
        ),
        (
            is_deny && denials >= DENY_BURST,
            "DENY_BURST",
            RiskBand::High,
            format!("{agent} was denied {denials} calls within an hour"),
        ),
        (
            is_outside_scope(verdict),
            code::EPHEMERAL_SCOPE_VIOLATION,
            RiskBand::High,
            format!("{agent} asked for {call} with a key that is not for it"),
        ),
        (
            drop > TRUST_COLLAPSE,
            "TRUST_COLLAPSE",
            RiskBand::High,
            format!("trust of {agent} fell by {drop:.2} within an hour"),
        ),
    ];
    triggers
        .into_iter()
        .filter(|(is_met, ..)| *is_met)
        .map(|(_, trigger, severity, title)| IncidentEffect { trigger: trigger.to_owned(), severity, title })
        .collect()
}
