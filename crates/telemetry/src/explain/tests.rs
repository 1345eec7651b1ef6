use super::*;
use interven_types::{
    AgentId, ApprovalId, ApprovalTicket, Coverage, PolicyId, Redaction, ScopeKind, ScopeViolation, Skipped,
    Timestamp, TraceId, Verb,
};
use serde_json::{Value, json};

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        trace_id: TraceId(Default::default()),
        decision,
        would_be: None,
        risk_score: 0.1,
        risk_band: RiskBand::Low,
        reason_codes: Vec::new(),
        tool_name: "slack".into(),
        operation: "post_message".into(),
        verb: Verb::Write,
        classifications: Vec::new(),
        signals: Vec::new(),
        rule: None,
        sanitized_body: None,
        redactions: Vec::new(),
        approval: None,
        coverage: Coverage::default(),
        determined_by: Vec::new(),
    }
}

fn told(verdict: &Verdict) -> String {
    let row = ActivityRow {
        trace_id: verdict.trace_id,
        ledger_seq: 1,
        created_at: Timestamp::from_unix_ms(0),
        env: "production".into(),
        key_id: None,
        client_addr: None,
        agent_id: AgentId(Default::default()),
        agent_name: "support-bot".into(),
        decision: Some(verdict.decision),
        would_be: verdict.would_be,
        risk_score: verdict.risk_score,
        risk_band: verdict.risk_band,
        reason_codes: verdict.reason_codes.clone(),
        tool_name: verdict.tool_name.clone(),
        operation: verdict.operation.clone(),
        verb: verdict.verb,
        method: "POST".into(),
        url: "https://slack.com/api/chat.postMessage".into(),
        host: Some("slack.com".into()),
        classifications: verdict.classifications.clone(),
        policy_id: None,
        policy_name: None,
        rule_id: None,
        approval_id: None,
        trust_score: 1.0,
        engine_version: "0".into(),
        detectors_hash: String::new(),
        policy_set: String::new(),
        settings_version: 1,
        verdict: None,
        facts: Value::Null,
        timings: Value::Null,
        sealed_request: Vec::new(),
    };
    explain(&row, verdict).join("\n")
}

fn rule(rule_id: &str) -> RuleRef {
    RuleRef {
        policy_id: PolicyId(Default::default()),
        policy_name: "Slack".into(),
        policy_version: 3,
        rule_id: rule_id.into(),
    }
}

fn matched(rule_id: &str, action: &str, decisive: bool, shadow: bool) -> Factor {
    Factor::Rule { rule: rule(rule_id), action: action.into(), decisive, shadow }
}

fn detected(detector: &str, class: DataClass, confidence: Confidence, count: usize) -> Factor {
    Factor::Detector { detector: detector.into(), class, confidence, count }
}

#[test]
fn a_denied_secret_names_detector_rule_risk_and_what_to_do() {
    let verdict = Verdict {
        risk_score: 0.75,
        risk_band: RiskBand::Critical,
        reason_codes: vec!["SECRET_IN_CHAT".into(), "SECRET_TO_EXTERNAL_HOST".into()],
        classifications: vec![DataClass::Secrets],
        rule: Some(rule("slack-secrets")),
        signals: vec![
            Signal {
                engine: EngineName::Classifier,
                score: 1.0,
                weight: 0.3,
                reason_codes: vec!["SECRET_TO_EXTERNAL_HOST".into()],
                details: json!({}),
            },
            Signal {
                engine: EngineName::Trust,
                score: -0.1,
                weight: 0.0,
                reason_codes: vec![],
                details: json!({}),
            },
        ],
        determined_by: vec![
            detected("aws_access_key_id", DataClass::Secrets, Confidence::High, 1),
            Factor::RiskFloor {
                engine: EngineName::Classifier,
                floor: 0.75,
                reason_code: "SECRET_TO_EXTERNAL_HOST".into(),
            },
            matched("slack-secrets", "DENY", true, false),
            matched("any-secret", "DENY", false, false),
            matched("slack-pii", "SANITIZE", false, false),
            matched("tryout", "DENY", false, true),
        ],
        coverage: Coverage {
            evaluated: vec![],
            skipped: vec![Skipped::new("engine:semantic", "switched off in the tenant's settings")],
        },
        ..verdict(Decision::Deny)
    };
    assert_eq!(
        told(&verdict),
        "Agent `support-bot` in environment `production` asked to call slack.post_message (WRITE): POST https://slack.com/api/chat.postMessage.
It was answered DENY, first of all for the reason `SECRET_IN_CHAT`.
Found of class SECRETS: `aws_access_key_id` once with high confidence.
Rule `slack-secrets` of policy `Slack` (version 3) decided: its action is DENY, and no other rule that matched is stricter.
Rule `any-secret` of policy `Slack` (version 3) matched and says DENY too; another rule had said so before it.
Rule `slack-pii` of policy `Slack` (version 3) matched and says SANITIZE; DENY of rule `slack-secrets` is stricter.
Rule `tryout` of policy `Slack` (version 3) matched and would say DENY; it is in shadow mode and has no effect.
The risk is 0.75 of 1, which is critical.
The classifier engine says 1.00, with weight 0.30: a secret would leave for an external host (`SECRET_TO_EXTERNAL_HOST`).
The agent's standing lowered the risk (-0.10).
The classifier engine does not let the risk fall below 0.75, because a secret would leave for an external host.
Not judged: engine:semantic (switched off in the tenant's settings).
Judged by engine 0 with detectors … and settings version 1.
The caller must drop the call."
    );
}

#[test]
fn a_sanitized_call_says_where_and_never_what() {
    let redaction = |path: &str| Redaction {
        path: path.into(),
        class: Some(DataClass::Pii),
        detector: "email".into(),
        start: 0,
        end: 9,
    };
    let paths = ["/text", "/blocks/0", "/blocks/1", "/blocks/2", "/blocks/3", "/blocks/4", "/blocks/5"];
    let verdict = Verdict {
        classifications: vec![DataClass::Pii],
        sanitized_body: Some(json!({"text": "[REDACTED:email]"})),
        redactions: paths.into_iter().map(redaction).collect(),
        determined_by: vec![
            detected("email", DataClass::Pii, Confidence::Medium, 7),
            detected("person_name", DataClass::Internal, Confidence::Low, 1),
        ],
        ..verdict(Decision::Sanitize)
    };
    let told = told(&verdict);
    assert!(told.contains("Found of class PII: `email` 7 times with medium confidence."), "{told}");
    assert!(
        told.contains("INTERNAL: `person_name` once with low confidence, too uncertain to count as found."),
        "{told}"
    );
    assert!(told.contains("replaced: `/blocks/0` (email), `/blocks/1` (email), `/blocks/2` (email), `/blocks/3` (email), `/blocks/4` (email) and 2 more places."), "{told}");
    assert!(told.ends_with("The caller must send `sanitized_body` in place of the original body."), "{told}");
    assert!(told.contains("No rule of any policy matched."), "{told}");
}

#[test]
fn a_call_held_under_scrutiny_says_that_no_rule_did_it() {
    let approval_id = ApprovalId(Default::default());
    let verdict = Verdict {
        reason_codes: vec!["AGENT_UNDER_SCRUTINY".into()],
        approval: Some(ApprovalTicket { approval_id, expires_at: Timestamp::from_unix_ms(600_000) }),
        determined_by: vec![
            matched("allow-all", "ALLOW", true, false),
            Factor::Scrutiny { trust_score: 0.41, threshold: 0.6 },
        ],
        ..verdict(Decision::RequireApproval)
    };
    let told = told(&verdict);
    assert!(
        told.contains("first of all because the agent is under scrutiny (`AGENT_UNDER_SCRUTINY`)"),
        "{told}"
    );
    assert!(told.contains("says ALLOW; something stricter than the rules decided."), "{told}");
    assert!(told.contains("its trust 0.41 is below 0.60"), "{told}");
    assert!(
        told.contains(&format!("wait for approval {approval_id} until 1970-01-01T00:10:00.000Z")),
        "{told}"
    );
    assert!(told.contains("No sensitive data was found"), "{told}");
}

#[test]
fn every_circumstance_has_its_sentence() {
    let approval_id = ApprovalId(Default::default());
    let cases = [
        (Factor::RiskCritical { score: 0.8 }, "0.80 is critical and no rule spoke"),
        (
            Factor::OutsideKeyScope {
                violations: vec![ScopeViolation {
                    kind: ScopeKind::Verb,
                    asked: "ADMIN".to_owned(),
                    allowed: vec!["READ".to_owned(), "WRITE".to_owned()],
                }],
            },
            "no policy was asked: verb `ADMIN` is not among `READ`, `WRITE`",
        ),
        (Factor::AgentSuspended, "everything it asks is denied"),
        (Factor::Scrutiny { trust_score: 0.9, threshold: 0.6 }, "put under scrutiny for a time"),
        (Factor::Grant { approval_id }, "this retry used that approval"),
        (Factor::DenyWindow { approval_id }, "that still holds"),
        (Factor::PendingApproval { approval_id }, "nobody is asked twice"),
        (Factor::QueueFull { pending: 50, limit: 50 }, "50 approvals wait already and the limit is 50"),
        (Factor::NoPolicy, "has no policies in this environment"),
        (
            Factor::FailClosed { reason_code: "R".into(), what: "`$.amount` is not a number".into() },
            "taken at its worst: `$.amount` is not a number (`R`)",
        ),
    ];
    for (factor, expected) in cases {
        let told = told(&Verdict { determined_by: vec![factor], ..verdict(Decision::Deny) });
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn monitoring_tells_both_answers() {
    let verdict = Verdict {
        would_be: Some(Decision::Deny),
        reason_codes: vec!["PII_DETECTED".into()],
        determined_by: vec![Factor::Monitor { would_be: Decision::Deny }],
        ..verdict(Decision::Allow)
    };
    let told = told(&verdict);
    assert!(
        told.contains("answered ALLOW because only monitoring is on; otherwise it would have been DENY, first of all because it carries personal data (`PII_DETECTED`)."),
        "{told}"
    );
}

#[test]
fn the_strictest_rule_need_not_have_the_last_word() {
    let approval_id = ApprovalId(Default::default());
    let grant = Factor::Grant { approval_id };
    let window = Factor::DenyWindow { approval_id };
    let cases = [
        (
            Decision::Allow,
            "REQUIRE_APPROVAL",
            grant,
            "decided that a human is asked: its action is REQUIRE_APPROVAL",
        ),
        (
            Decision::Deny,
            "ALLOW",
            window,
            "matched and says ALLOW; something stricter than the rules decided.",
        ),
        (Decision::Deny, "OPEN_INCIDENT", Factor::AgentSuspended, "decided: its action is OPEN_INCIDENT"),
    ];
    for (decision, action, factor, expected) in cases {
        let verdict = Verdict {
            rule: Some(rule("r")),
            determined_by: vec![matched("r", action, true, false), factor],
            ..verdict(decision)
        };
        let told = told(&verdict);
        assert!(told.contains(expected), "{told}");
    }
}
