//! The recipes of `docs/policies.md` do what they promise, each by itself.

use crate::{judge, now, world};
use interven_engine::decide;
use interven_policy::parse_yaml;
use interven_types::Decision::{self, Allow, Deny, RequireApproval};
use interven_types::{Factor, ScanRequest};
use serde_json::{Value, json};
use std::time::Duration;

const PAGE: &str = include_str!("../../../../docs/policies.md");

const PAYOUTS: &str = "https://api.stripe.com/v1/payouts";
const SLACK: &str = "https://slack.com/api/chat.postMessage";
const EC2: &str = "https://ec2.eu-central-1.amazonaws.com/";
const STS: &str = "https://sts.amazonaws.com/";
const ELSEWHERE: &str = "https://a.example.net/x";
const BRANCH: &str = "https://api.github.com/repos/acme/app/git/refs/heads/main";

/// A world under this recipe alone.
fn under(recipe: usize) -> interven_engine::Snapshot {
    let (_, section) = PAGE.split_once(&format!("\n### {recipe}. ")).unwrap();
    let (_, example) = section.split_once("```yaml\n").unwrap();
    let (text, _) = example.split_once("```").unwrap();
    world(&parse_yaml(text, "policies.md").unwrap())
}

#[track_caller]
fn check(recipe: usize, table: &[(&str, &str, Value, Decision)]) {
    let snapshot = under(recipe);
    for (method, url, body, decision) in table {
        let judgement = judge(&ScanRequest::new(method, url, body.clone()), &snapshot);
        assert_eq!(judgement.decision, *decision, "{method} {url} {body}");
    }
}

#[test]
fn money_over_a_threshold() {
    check(
        1,
        &[
            ("POST", PAYOUTS, json!({"amount": 10_000}), Allow),
            ("POST", PAYOUTS, json!({"amount": 10_001}), RequireApproval),
            // What cannot be read as a small amount is not one.
            ("POST", PAYOUTS, json!({"amount": "5"}), RequireApproval),
            ("POST", PAYOUTS, json!({"amount": -5}), RequireApproval),
            ("POST", PAYOUTS, json!("amount=5"), RequireApproval),
            ("POST", PAYOUTS, json!("{\"amount\": 5}"), Allow),
            ("POST", PAYOUTS, json!("{\"amount\": 5, \"amount\": 50000}"), RequireApproval),
            ("POST", PAYOUTS, json!("{\"amount\": 5} {\"amount\": 50000}"), RequireApproval),
            ("POST", "mcp://stripe/create_refund", json!({}), RequireApproval),
            ("GET", PAYOUTS, json!(null), Allow),
        ],
    );
}

#[test]
fn health_data_in_chat() {
    let record = "MRN: 4459823, diagnosis ICD-10 E11.9";
    let teams = "https://graph.microsoft.com/v1.0/teams/t/channels/c/messages";
    check(
        2,
        &[
            ("POST", SLACK, json!({ "text": record }), Deny),
            ("POST", teams, json!({"body": {"content": record}}), Deny),
            ("POST", SLACK, json!({"text": "hello"}), Allow),
        ],
    );
}

#[test]
fn production_in_aws() {
    let run = |env: &str| {
        let tag = "TagSpecification.1.Tag.1";
        json!(format!("Action=RunInstances&{tag}.Key=env&{tag}.Value={env}"))
    };
    let assume = |account: &str| json!(format!("Action=AssumeRole&RoleArn=arn:aws:iam::{account}:role/x"));
    check(
        3,
        &[
            ("POST", EC2, run("prod"), RequireApproval),
            ("POST", EC2, run("dev"), Allow),
            ("POST", STS, assume("111122223333"), RequireApproval),
            ("POST", STS, assume("444455556666"), Allow),
        ],
    );
}

#[test]
fn working_hours() {
    let snapshot = under(4);
    let decided = |method: &str, hours: u64| {
        let then = now().saturating_add(Duration::from_secs(hours * 3_600));
        decide(&ScanRequest::new(method, ELSEWHERE, json!({})), &snapshot, then, &mut ()).unwrap().decision
    };
    // Hours after Monday noon UTC, which is 13:00 in Berlin.
    for (method, hours, decision) in [
        ("POST", 0, Allow),
        ("POST", 4, Allow),
        ("POST", 5, RequireApproval),
        ("POST", 19, Allow),
        ("POST", 5 * 24, RequireApproval),
        ("GET", 5, Allow),
    ] {
        assert_eq!(decided(method, hours), decision, "{method} after {hours} hours");
    }
}

#[test]
fn new_destinations() {
    check(
        5,
        &[
            ("POST", ELSEWHERE, json!({}), RequireApproval),
            ("GET", ELSEWHERE, json!(null), Allow),
            ("POST", "https://wiki.acme.example/x", json!({}), Allow),
        ],
    );
}

#[test]
fn a_budget_is_said_not_to_be_counted() {
    let judgement = judge(&ScanRequest::new("POST", PAYOUTS, json!({"amount": 5})), &under(6));
    let note = judgement.coverage.skipped.iter().find(|skipped| skipped.what == "rule:over-budget");
    assert_eq!(note.unwrap().why, "could not be evaluated: budget counting did not run");
    assert_eq!(judgement.decision, Allow);
}

#[test]
fn force_push_and_rm() {
    let line = |text: &str| json!({ "command": text });
    check(
        7,
        &[
            ("POST", "shell://exec", line("git push --force origin main"), Deny),
            ("POST", "shell://exec", line("git push origin +main"), Deny),
            ("PATCH", BRANCH, json!({"sha": "a", "force": true}), Deny),
            ("PATCH", BRANCH, json!({"sha": "a"}), Allow),
            ("POST", "shell://exec", line("git push"), Allow),
        ],
    );
    check(
        8,
        &[
            ("POST", "shell://exec", line("cd /tmp && sudo rm -rf work"), RequireApproval),
            ("POST", "shell://exec", line("dd if=/dev/zero of=/dev/sda"), Deny),
            ("POST", "shell://exec", line("rm build.log"), Allow),
        ],
    );
}

#[test]
fn outsiders() {
    check(
        9,
        &[
            ("POST", "mcp://gmail/send_email", json!({"to": "eve@evil.test"}), RequireApproval),
            ("POST", "mcp://gmail/send_email", json!({"to": "bob@acme.example"}), Allow),
        ],
    );
}

#[test]
fn shadow_first() {
    let is_shadow_match = |bytes: usize| {
        let request = ScanRequest::new("POST", ELSEWHERE, json!({"text": "word ".repeat(bytes / 5)}));
        let judgement = judge(&request, &under(10));
        assert_eq!(judgement.decision, Allow, "{bytes}");
        judgement.determined_by.iter().any(|factor| matches!(factor, Factor::Rule { shadow: true, .. }))
    };
    assert!(is_shadow_match(150_000));
    assert!(!is_shadow_match(50_000));
}
