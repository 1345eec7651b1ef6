//! Judges cases and compares.

use super::{
    find::{Content, Found},
    report::{Got, RuleName, SuiteReport, Tried},
};
use crate::exit::UsageError;
use interven_guard::{Circumstances, LocalJudge};

use anyhow::Result;
use interven_policy::{Case, Expectation};
use interven_types::{Factor, Verdict};
use std::{collections::BTreeSet, time::Instant};

pub(super) fn run(found: &Found) -> Result<SuiteReport> {
    let file = found.file.clone();
    let Content { suite, policies } = match &found.content {
        Ok(content) => content,
        Err(findings) => return Ok(SuiteReport { findings: findings.clone(), ..SuiteReport::of(file) }),
    };
    let judge = LocalJudge::new(policies).map_err(|problem| UsageError(problem.to_string()))?;
    let mut exercised = BTreeSet::new();
    let cases = suite.cases.iter().map(|case| try_one(&judge, case, &mut exercised)).collect();
    let rules = policies.iter().flat_map(|policy| {
        policy
            .rules
            .iter()
            .map(|rule| RuleName { policy: policy.name.clone(), rule_id: rule.rule_id.clone() })
    });
    let rules: Vec<RuleName> = rules.collect();
    Ok(SuiteReport {
        cases,
        rules: rules.len(),
        rules_not_exercised: rules.into_iter().filter(|rule| !exercised.contains(rule)).collect(),
        ..SuiteReport::of(file)
    })
}

fn try_one(judge: &LocalJudge, case: &Case, exercised: &mut BTreeSet<RuleName>) -> Tried {
    let started = Instant::now();
    let judged = judge.judge(&case.request, Circumstances::from(&case.given));
    let (got, problem) = match judged {
        Ok(verdict) => {
            exercised.extend(matched(&verdict));
            let problem = difference(&case.expect, &verdict);
            (Some(Got::from(verdict)), problem)
        }
        Err(invalid) => (None, Some(format!("the request cannot be judged: {invalid}"))),
    };
    Tried { name: case.name.clone(), line: case.line, problem, got, seconds: started.elapsed().as_secs_f64() }
}

/// Every rule that matched, whether or not another was stricter.
fn matched(verdict: &Verdict) -> impl Iterator<Item = RuleName> {
    verdict.determined_by.iter().filter_map(|factor| match factor {
        Factor::Rule { rule, .. } => {
            Some(RuleName { policy: rule.policy_name.clone(), rule_id: rule.rule_id.clone() })
        }
        _ => None,
    })
}

/// What was expected, and what came instead.
fn difference(expect: &Expectation, verdict: &Verdict) -> Option<String> {
    let rule = verdict.rule.as_ref().map(|rule| &rule.rule_id);
    let is_other_decision = expect.decision.is_some_and(|decision| decision != verdict.decision);
    let is_other_rule = expect.rule_id.is_some() && expect.rule_id.as_ref() != rule;
    if is_other_decision || is_other_rule {
        let decision = expect.decision.map(|decision| decision.to_string());
        let by = expect.rule_id.as_ref().map(|rule| format!("by `{rule}`"));
        let expected: Vec<String> = [decision, by].into_iter().flatten().collect();
        return Some(format!("expected {}, got {}", expected.join(" "), decided(verdict)));
    }
    if let Some(code) = expect.reason_codes.iter().find(|code| !verdict.reason_codes.contains(code)) {
        let codes = verdict.reason_codes.join(", ");
        return Some(format!("expected the reason code {code}, got {codes} ({})", decided(verdict)));
    }
    match (&expect.sanitized_body, &verdict.sanitized_body) {
        (None, _) => None,
        (Some(expected), Some(got)) if expected == got => None,
        (Some(expected), Some(got)) => Some(format!("expected the body {expected}, got {got}")),
        (Some(expected), None) => {
            Some(format!("expected the body {expected}, got none ({})", decided(verdict)))
        }
    }
}

/// `DENY by P3 Deny secrets / slack-message-secrets (slack.post_message, WRITE)`
fn decided(verdict: &Verdict) -> String {
    let call = format!("{}.{}, {}", verdict.tool_name, verdict.operation, verdict.verb);
    let by = match (&verdict.rule, verdict.reason_codes.first()) {
        (Some(rule), _) => format!("by {} / {}", rule.policy_name, rule.rule_id),
        (None, Some(reason)) => format!("by no rule, {reason}"),
        (None, None) => "by no rule".to_owned(),
    };
    format!("{} {by} ({call})", verdict.decision)
}
