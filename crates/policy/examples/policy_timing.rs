//! How long one evaluation takes: `cargo run --release -p interven-policy --example timing`.
#![expect(clippy::print_stdout, reason = "it prints a table")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "an example that fails should say where")]

use interven_policy::{Facts, PolicySet, parse_json};
use interven_types::{Action, AgentId, PolicyId, RuntimeType, Timestamp, Verb};
use serde_json::{Value, json};
use std::{borrow::Cow, hint::black_box, time::Instant};

const TOOLS: [&str; 10] =
    ["github", "slack", "aws", "gdrive", "stripe", "shell", "jira", "notion", "salesforce", "custom_proxy"];

/// Rules as tenants write them: most name a tool, some look into the body, one in ten is about every call.
fn rule(n: usize) -> Value {
    let matches = match n % 10 {
        0 => json!({"verbs": ["WRITE"], "host_patterns": [format!("*.host{n}.test")]}),
        _ => json!({"tool_names": [TOOLS[n % TOOLS.len()]], "channel_patterns": [format!("team-{n}-*")]}),
    };
    let matches =
        if n.is_multiple_of(3) { json!({"tool_names": [TOOLS[n / 3 % TOOLS.len()]]}) } else { matches };
    let condition = match n / 7 % 4 {
        0 => json!({"body_contains_any": [format!("codeword {n}"), format!("project {n}")]}),
        1 => json!({"body_path_gt": {"path": "$.amount", "value": 1_000_000 + n}}),
        2 => json!({"has_data_class": ["SECRETS"], "is_external_host": true}),
        _ => json!({"risk_score_gt": 0.9, "not": {"agent_in_scrutiny": true}}),
    };
    json!({"rule_id": format!("r{n}"), "priority": n, "match": matches, "condition": condition, "action": "DENY"})
}

fn main() {
    let body = json!({"channel": "general", "amount": 12, "text": "lorem ipsum dolor ".repeat(110)});
    let texts = [Cow::Owned(body.to_string())];
    let action = Action {
        tool: "slack".into(),
        operation: "post_message".into(),
        verb: Verb::Write,
        category: "messages".into(),
        method: "POST".to_owned(),
        url: "https://slack.com/api/chat.postMessage".to_owned(),
        host: Some("slack.com".to_owned()),
        external_host: true,
        external_principal: false,
        resource: None,
        principals: Vec::new(),
        org: None,
        repo: None,
        channel: Some("general".to_owned()),
        region: None,
        account: None,
        aws_tags: Default::default(),
    };
    println!("{:>6} {:>12} {:>12} {:>12}", "rules", "compile ms", "median µs", "p99 µs");
    for count in [10, 500, 5_000] {
        let policies: Vec<_> = (0..count / 10)
            .map(|p| {
                let rules: Vec<Value> = (p * 10..p * 10 + 10).map(rule).collect();
                let source = parse_json(json!({"name": format!("p{p}"), "rules": rules})).unwrap().remove(0);
                source.install(PolicyId(Default::default()), 1, None, None)
            })
            .collect();
        let started = Instant::now();
        let set = PolicySet::compile(&policies).unwrap();
        let compile_ms = started.elapsed().as_secs_f64() * 1e3;
        let facts = Facts {
            method: "POST",
            actions: &[&action],
            env: "default",
            agent_id: AgentId(Default::default()),
            agent_name: "bot",
            runtime_type: RuntimeType::Python,
            body: &body,
            body_bytes: 2_048,
            texts: &texts,
            hits: &[],
            is_new_destination: false,
            is_volume_burst: false,
            risk_score: 0.2,
            trust_score: 1.0,
            agent_in_scrutiny: false,
            threat_intel_match: Some(false),
            semantic_categories: Some(&[]),
            correlation_patterns: Some(&[]),
            budgets_exceeded: None,
            mcp: None,
            now: Timestamp::from_unix_ms(0),
        };
        let mut micros: Vec<f64> = (0..3_000)
            .map(|_| {
                let started = Instant::now();
                black_box(set.evaluate(black_box(&facts)));
                started.elapsed().as_secs_f64() * 1e6
            })
            .skip(500)
            .collect();
        micros.sort_by(f64::total_cmp);
        let (median, p99) = (micros[micros.len() / 2], micros[micros.len() * 99 / 100]);
        println!("{count:>6} {compile_ms:>12.2} {median:>12.2} {p99:>12.2}");
    }
}
