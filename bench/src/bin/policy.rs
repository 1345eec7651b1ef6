//! What the policy language costs by itself: one evaluation, and putting a file in force.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use clap::Parser;
use interven_normalize::{OwnDomains, normalize, vocabulary};
use interven_policy::{Document, Facts, PolicySet, PolicySource, check_documents, parse_json, print_yaml};
use interven_types::{Action, AgentId, PolicyId, RuntimeType, ScanRequest, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// Times policies.
#[derive(Parser)]
struct Arguments {
    /// Numbers of rules, ten to a policy
    #[arg(long, value_delimiter = ',', default_values_t = [10, 500, 5_000])]
    rules: Vec<usize>,
    /// Evaluations timed per row
    #[arg(long, default_value_t = 20_000)]
    rounds: usize,
}

fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    println!("one evaluation, nanoseconds");
    println!("{:>6} {:<26} {:>10} {:>10}", "rules", "call", "median", "p99");
    let calls = calls();
    for count in &asked.rules {
        let set = compile(&policies(*count)?)?;
        for (name, request) in &calls {
            let [median, p99] = time(&set, request, asked.rounds)?;
            println!("{count:>6} {name:<26} {median:>10} {p99:>10}");
        }
    }
    println!("\nputting a file in force, milliseconds");
    println!("{:>6} {:>8} {:>8} {:>8} {:>8} {:>8}", "rules", "KiB", "parse", "check", "compile", "all");
    for count in &asked.rules {
        let text = print_yaml(&policies(*count)?);
        let began = Instant::now();
        let document = Document::read(&text, "policies.yaml")?;
        let parsed = began.elapsed();
        let findings = check_documents(std::slice::from_ref(&document), &[], vocabulary());
        anyhow::ensure!(findings.is_empty(), "the policies are odd: {:?}", findings.first());
        let checked = began.elapsed();
        black_box(compile(&document.policies)?);
        let all = began.elapsed();
        let ms = |time: std::time::Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        let (parse, check, compile) = (ms(parsed), ms(checked - parsed), ms(all - checked));
        println!("{count:>6} {:>8} {parse:>8} {check:>8} {compile:>8} {:>8}", text.len() / 1024, ms(all));
    }
    Ok(())
}

const TOOLS: [(&str, &str); 10] = [
    ("github", "merge_pr"),
    ("slack", "post_message"),
    ("aws", "ec2_terminate_instances"),
    ("gdrive", "share_file"),
    ("stripe", "create_payout"),
    ("shell", "delete_recursive"),
    ("jira", "create_issue"),
    ("notion", "create_page"),
    ("salesforce", "delete_record"),
    ("custom_proxy", "post"),
];

/// Rules as teams write them: most name a tool, a third an operation, one in ten is about every call; half look into the body.
/// None of them matches, so that every candidate is asked.
fn rule(n: usize) -> Value {
    let (tool, operation) = TOOLS.get(n / 2 % TOOLS.len()).copied().unwrap_or_default();
    let matches = match n % 10 {
        0 => {
            json!({"verbs": ["WRITE"], "host_patterns": [format!("*.host{n}.test"), format!("api-?.host{n}.test")]})
        }
        1..4 => json!({"tool_names": [tool], "operations": [operation]}),
        4..6 => json!({"tool_names": [tool], "verbs": ["WRITE", "ADMIN"]}),
        6 => json!({"tool_names": [tool, "teams"], "channel_patterns": [format!("team-{n}-*")]}),
        7 => json!({"tool_names": [tool], "url_patterns": [format!("https://*.example/{n}/**")]}),
        _ => {
            json!({"tool_names": [tool], "repo_patterns": [format!("acme/service-{n}"), format!("acme/*-{n}-[ab]")]})
        }
    };
    let condition = match n / 3 % 8 {
        0 | 1 => json!({"body_contains_any": [format!("codeword {n}"), format!("project {n}")]}),
        2 => json!({"body_path_gt": {"path": "$.amount", "value": 1_000_000 + n}}),
        3 => json!({"body_path_in": {"path": "$.items[*].kind", "value": [format!("kind-{n}")]}}),
        4 => json!({"has_data_class": ["SECRETS"], "is_external_host": true, "body_size_bytes_gt": n}),
        5 => {
            json!({"any_of": [{"risk_score_gt": 0.9}, {"body_contains_all": ["internal", format!("only {n}")]}]})
        }
        6 => json!({"risk_score_gt": 0.9, "not": {"agent_in_scrutiny": true}, "body_size_bytes_gt": n}),
        _ => json!({"trust_score_lt": 0.1, "body_size_bytes_gt": n}),
    };
    json!({"rule_id": format!("r{n}"), "priority": n, "match": matches, "condition": condition, "action": "REQUIRE_APPROVAL"})
}

fn policies(count: usize) -> anyhow::Result<Vec<PolicySource>> {
    let policy = |number: usize| {
        let rules: Vec<Value> = (number * 10..(number * 10 + 10).min(count)).map(rule).collect();
        parse_json(json!({"name": format!("Policy {number}"), "rules": rules}))
    };
    let policies = (0..count.div_ceil(10)).map(policy).collect::<Result<Vec<_>, _>>()?;
    Ok(policies.into_iter().flatten().collect())
}

fn compile(policies: &[PolicySource]) -> anyhow::Result<PolicySet> {
    let installed: Vec<_> =
        policies.iter().map(|p| p.install(PolicyId(Uuid::nil()), 1, None, None)).collect();
    PolicySet::compile(&installed).map_err(|errors| anyhow!("the policies do not compile: {errors:?}"))
}

fn calls() -> Vec<(&'static str, ScanRequest)> {
    let words = "lorem ipsum dolor sit amet ".repeat(70);
    let items = json!([{"kind": "a"}, {"kind": "b"}]);
    let message = json!({"channel": "general", "amount": 12, "items": items, "text": words});
    vec![
        ("Slack message, 2 KB", ScanRequest::new("POST", "https://slack.com/api/chat.postMessage", message)),
        (
            "GitHub merge, small",
            ScanRequest::new("PUT", "https://api.github.com/repos/acme/shop/pulls/7/merge", json!({})),
        ),
        (
            "unknown host, 2 KB",
            ScanRequest::new("POST", "https://api.unknown.example/v1/things", json!({"text": words})),
        ),
        (
            "shell line",
            ScanRequest::new("POST", "shell://exec", json!({"command": "cd /tmp && rm -rf build && ls"})),
        ),
    ]
}

/// Median and 99th percentile of one evaluation, in nanoseconds.
fn time(set: &PolicySet, request: &ScanRequest, rounds: usize) -> anyhow::Result<[u128; 2]> {
    let normalized = normalize(request, &OwnDomains::new::<&str>(&[])).map_err(|e| anyhow!("{e}"))?;
    let actions: Vec<&Action> = normalized.actions().collect();
    let texts: [Cow<'_, str>; 1] = [Cow::Owned(request.body.to_string())];
    let facts = Facts {
        method: &request.method,
        actions: &actions,
        env: "default",
        agent_id: AgentId(Uuid::nil()),
        agent_name: "bot",
        runtime_type: RuntimeType::Python,
        body: &request.body,
        body_bytes: texts.iter().map(|text| text.len()).sum(),
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
        budgets: None,
        mcp: None,
        now: Timestamp::from_unix_ms(0),
    };
    let mut times: Vec<u128> = (0..rounds + rounds / 10)
        .map(|_| {
            let began = Instant::now();
            black_box(set.evaluate(black_box(&facts)));
            began.elapsed().as_nanos()
        })
        .skip(rounds / 10)
        .collect();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().context("no rounds");
    Ok([at(50)?, at(99)?])
}
