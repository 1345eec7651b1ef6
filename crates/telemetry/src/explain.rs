//! A verdict in sentences that a security analyst understands. Pure; no sentence holds a value that was found.

mod code;
#[cfg(test)]
mod tests;

use code::meaning;
use interven_store::ActivityRow;
use interven_types::{
    Confidence, DataClass, Decision, EngineName, Factor, RiskBand, RuleRef, ScopeViolation, Signal, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a hash that tell it apart from others.
const HASH_SHOWN: usize = 12;
/// Places that one sentence names before it counts the rest.
const PLACES_NAMED: usize = 5;

/// Says what the call was, what was decided, what was found, which rules spoke, what the risk was made of, what was not
/// judged, which versions judged it, and what the caller should do, in that order.
pub fn explain(row: &ActivityRow, verdict: &Verdict) -> Vec<String> {
    let mut sentences = vec![call(row, verdict), decision(verdict)];
    sentences.extend(found(verdict));
    sentences.extend(rules(verdict));
    sentences.extend(circumstances(verdict));
    sentences.extend(risk(verdict));
    sentences.extend(not_judged(verdict));
    sentences.push(versions(row));
    sentences.push(advice(verdict));
    sentences
}

fn call(row: &ActivityRow, verdict: &Verdict) -> String {
    format!(
        "Agent `{}` in environment `{}` asked to call {}.{} ({}): {} {}.",
        row.agent_name, row.env, verdict.tool_name, verdict.operation, verdict.verb, row.method, row.url
    )
}

fn decision(verdict: &Verdict) -> String {
    let reasons = match verdict.reason_codes.first() {
        None => String::new(),
        Some(code) => match meaning(code) {
            Some(meaning) => format!(", first of all because {meaning} (`{code}`)"),
            None => format!(", first of all for the reason `{code}`"),
        },
    };
    match verdict.would_be {
        Some(would_be) => format!(
            "It was answered {} because only monitoring is on; otherwise it would have been {would_be}{reasons}.",
            verdict.decision
        ),
        None => format!("It was answered {}{reasons}.", verdict.decision),
    }
}

/// Detections by class, with the places that were redacted.
fn found(verdict: &Verdict) -> Vec<String> {
    let mut by_class: BTreeMap<DataClass, Vec<String>> = BTreeMap::new();
    for factor in &verdict.determined_by {
        if let Factor::Detector { detector, class, confidence, count } = factor {
            let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
            let words = format!("`{detector}` {times} with {} confidence", confidence_word(*confidence));
            by_class.entry(*class).or_default().push(words);
        }
    }
    if by_class.is_empty() {
        return vec!["No sensitive data was found in body, URL or headers.".to_owned()];
    }
    let sentence = |(class, detections): (DataClass, Vec<String>)| {
        let told =
            if verdict.classifications.contains(&class) { "" } else { ", too uncertain to count as found" };
        format!("Found of class {class}: {}{told}.", listed(&detections))
    };
    let mut sentences: Vec<String> = by_class.into_iter().map(sentence).collect();
    sentences.extend(redactions(verdict));
    sentences
}

fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn redactions(verdict: &Verdict) -> Option<String> {
    let places: BTreeSet<String> = verdict
        .redactions
        .iter()
        .map(|r| format!("`{}` ({})", if r.path.is_empty() { "the whole body" } else { &r.path }, r.detector))
        .collect();
    if places.is_empty() {
        return None;
    }
    let mut named: Vec<String> = places.iter().take(PLACES_NAMED).cloned().collect();
    if places.len() > PLACES_NAMED {
        named.push(format!("{} more places", places.len() - PLACES_NAMED));
    }
    Some(format!("The sanitized body has these places replaced: {}.", listed(&named)))
}

/// The rule that decided, and why each other rule that matched did not.
fn rules(verdict: &Verdict) -> Vec<String> {
    let matched = || {
        verdict.determined_by.iter().filter_map(|factor| match factor {
            Factor::Rule { rule, action, decisive, shadow } => {
                Some((rule, action.as_str(), *decisive, *shadow))
            }
            _ => None,
        })
    };
    let strictest = matched().find(|(_, _, is_decisive, is_shadow)| *is_decisive && !is_shadow);
    let sentence = |(rule, action, is_decisive, is_shadow): (&RuleRef, &str, bool, bool)| {
        let name = name_of(rule);
        match strictest {
            _ if is_shadow => {
                format!("{name} matched and would say {action}; it is in shadow mode and has no effect.")
            }
            _ if is_decisive => format!("{name} {}.", standing(verdict, rule, action)),
            Some((_, said, ..)) if said == action => {
                format!("{name} matched and says {action} too; another rule had said so before it.")
            }
            Some((winner, said, ..)) => {
                format!("{name} matched and says {action}; {said} of rule `{}` is stricter.", winner.rule_id)
            }
            None => format!("{name} matched and says {action}."),
        }
    };
    let sentences: Vec<String> = matched().map(sentence).collect();
    let has_policies = !verdict.determined_by.contains(&Factor::NoPolicy);
    if sentences.is_empty() && has_policies {
        return vec!["No rule of any policy matched.".to_owned()];
    }
    sentences
}

/// What became of the strictest rule: it need not have had the last word.
fn standing(verdict: &Verdict, rule: &RuleRef, action: &str) -> String {
    let is_verdicts_rule = verdict.rule.as_ref() == Some(rule);
    let answer = verdict.would_be.unwrap_or(verdict.decision);
    let is_answer = action == answer.as_str() || (action == "OPEN_INCIDENT" && answer == Decision::Deny);
    if is_verdicts_rule && action == Decision::RequireApproval.as_str() {
        format!(
            "decided that a human is asked: its action is {action}, and no other rule that matched is stricter"
        )
    } else if is_verdicts_rule && is_answer {
        format!("decided: its action is {action}, and no other rule that matched is stricter")
    } else {
        format!("matched and says {action}; something stricter than the rules decided")
    }
}

fn outside(violation: &ScopeViolation) -> String {
    let ScopeViolation { kind, asked, allowed } = violation;
    format!("{} `{asked}` is not among `{}`", kind.as_str(), allowed.join("`, `"))
}

fn name_of(rule: &RuleRef) -> String {
    format!("Rule `{}` of policy `{}` (version {})", rule.rule_id, rule.policy_name, rule.policy_version)
}

/// What mattered beside rules, detections and floors.
fn circumstances(verdict: &Verdict) -> Vec<String> {
    let sentence = |factor: &Factor| {
        Some(match factor {
            Factor::RiskCritical { score } => {
                format!("The risk score {score:.2} is critical and no rule spoke, so a human must decide.")
            }
            Factor::OutsideKeyScope { violations } => {
                let told: Vec<String> = violations.iter().map(outside).collect();
                format!("The key is not for this call, so no policy was asked: {}.", told.join("; "))
            }
            Factor::AgentSuspended => "The agent is suspended: everything it asks is denied.".to_owned(),
            Factor::Scrutiny { trust_score, threshold } if trust_score < threshold => format!(
                "The agent is under scrutiny, since its trust {trust_score:.2} is below {threshold:.2}: what changes something, or goes where it has not been, waits for a human."
            ),
            Factor::Scrutiny { trust_score, .. } => format!(
                "The agent was put under scrutiny for a time, although its trust is {trust_score:.2}: what changes something, or goes where it has not been, waits for a human."
            ),
            Factor::Grant { approval_id } => {
                format!(
                    "A human approved the identical call (approval {approval_id}), and this retry used that approval."
                )
            }
            Factor::DenyWindow { approval_id } => {
                format!(
                    "A human denied the identical call (approval {approval_id}) a short while ago, and that still holds."
                )
            }
            Factor::PendingApproval { approval_id } => {
                format!(
                    "The identical call already waits for a human (approval {approval_id}); nobody is asked twice."
                )
            }
            Factor::QueueFull { pending, limit } => format!(
                "A human should decide, but {pending} approvals wait already and the limit is {limit}, so the call was denied."
            ),
            Factor::NoPolicy => {
                "The tenant has no policies in this environment, so no rule could hold the call.".to_owned()
            }
            Factor::FailClosed { reason_code, what } => {
                format!("Something could not be judged and was taken at its worst: {what} (`{reason_code}`).")
            }
            Factor::Rule { .. }
            | Factor::Detector { .. }
            | Factor::RiskFloor { .. }
            | Factor::Monitor { .. } => return None,
        })
    };
    verdict.determined_by.iter().filter_map(sentence).collect()
}

fn risk(verdict: &Verdict) -> Vec<String> {
    let band = match verdict.risk_band {
        RiskBand::Low => "low",
        RiskBand::Medium => "medium",
        RiskBand::High => "high",
        RiskBand::Critical => "critical",
    };
    let mut sentences = vec![format!("The risk is {:.2} of 1, which is {band}.", verdict.risk_score)];
    sentences.extend(verdict.signals.iter().map(signal));
    sentences.extend(verdict.determined_by.iter().filter_map(|factor| match factor {
        Factor::RiskFloor { engine, floor, reason_code } => {
            let why = meaning(reason_code).map_or_else(|| format!("`{reason_code}`"), str::to_owned);
            Some(format!(
                "The {} engine does not let the risk fall below {floor:.2}, because {why}.",
                engine_word(*engine)
            ))
        }
        _ => None,
    }));
    sentences
}

fn signal(signal: &Signal) -> String {
    let reasons: Vec<String> = signal
        .reason_codes
        .iter()
        .map(|code| meaning(code).map_or_else(|| format!("`{code}`"), |words| format!("{words} (`{code}`)")))
        .collect();
    let because = if reasons.is_empty() { String::new() } else { format!(": {}", listed(&reasons)) };
    match signal.engine {
        EngineName::Trust => {
            let effect = match signal.score {
                score if score < 0.0 => "lowered",
                score if score > 0.0 => "raised",
                _ => "did not change",
            };
            format!("The agent's standing {effect} the risk ({:+.2}){because}.", signal.score)
        }
        engine => format!(
            "The {} engine says {:.2}, with weight {:.2}{because}.",
            engine_word(engine),
            signal.score,
            signal.weight
        ),
    }
}

fn engine_word(engine: EngineName) -> String {
    engine.as_str().replace('_', " ")
}

fn not_judged(verdict: &Verdict) -> Option<String> {
    let skipped: Vec<String> = verdict
        .coverage
        .skipped
        .iter()
        .map(|skipped| format!("{} ({})", skipped.what, skipped.why))
        .collect();
    if skipped.is_empty() { None } else { Some(format!("Not judged: {}.", listed(&skipped))) }
}

/// What judged the call; the hash is that of the tenant's own detectors at that time.
fn versions(row: &ActivityRow) -> String {
    let detectors: String = row.detectors_hash.chars().take(HASH_SHOWN).collect();
    format!(
        "Judged by engine {} with detectors {detectors}… and settings version {}.",
        row.engine_version, row.settings_version
    )
}

fn advice(verdict: &Verdict) -> String {
    match (verdict.decision, &verdict.approval) {
        (Decision::Allow, _) => "The caller may send the request as it is.".to_owned(),
        (Decision::Sanitize, _) => {
            "The caller must send `sanitized_body` in place of the original body.".to_owned()
        }
        (Decision::RequireApproval, Some(ticket)) => format!(
            "The caller must wait for approval {} until {}; once it is approved, the identical request passes.",
            ticket.approval_id, ticket.expires_at
        ),
        (Decision::RequireApproval, None) => "The caller must wait until a human has decided.".to_owned(),
        (Decision::Deny, _) => "The caller must drop the call.".to_owned(),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(items: &[String]) -> String {
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
