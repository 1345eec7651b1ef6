//! The language, one key at a time: rules and calls in, decisions out.

use crate::*;
use interven_types::{
    Action, AgentId, Confidence, DataClass, Decision, GrantUses, Hit, Place, PolicyId, RuntimeType, Timestamp, Verb,
};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet};
use uuid::Uuid;

/// One call, and what the engines said about it. Tests change what they are about.
struct Call {
    actions: Vec<Action>,
    env: &'static str,
    agent: u128,
    body: Value,
    texts: Vec<Cow<'static, str>>,
    hits: Vec<Hit>,
    intel: Option<bool>,
    categories: Option<Vec<String>>,
    patterns: Option<Vec<String>>,
    budgets: Option<BTreeSet<String>>,
    mcp: Option<McpFacts>,
    flags: bool,
    risk: f64,
    now: &'static str,
}

fn action() -> Action {
    Action {
        tool: "github".into(),
        operation: "merge_pr".into(),
        verb: Verb::Write,
        category: "pulls".into(),
        method: "PUT".into(),
        url: "https://api.github.com/repos/acme/shop/pulls/7/merge".into(),
        host: Some("api.github.com".into()),
        external_host: true,
        external_principal: false,
        resource: None,
        principals: vec!["bob@partner.test".into()],
        org: Some("acme".into()),
        repo: Some("shop".into()),
        channel: Some("ops".into()),
        region: Some("eu-west-1".into()),
        account: Some("111122223333".into()),
        aws_tags: [("env".to_owned(), "prod".to_owned()), ("team".to_owned(), "a".to_owned())].into(),
    }
}

fn hit(class: DataClass, confidence: Confidence) -> Hit {
    let detector = "d".to_owned();
    Hit { class, detector, confidence, place: Place::Body, path: "/t".into(), in_key: false, start: 0, end: 1 }
}

impl Call {
    fn new() -> Self {
        Self {
            actions: vec![action()],
            env: "production",
            agent: 7,
            body: json!({
                "amount": 500, "text": "Quarterly REPORT für Jürgen", "nested": {"k": "v"}, "none": null,
                "items": [{"n": 1, "s": "a"}, {"n": 20, "s": "b"}], "ratio": 1.0
            }),
            texts: vec!["Quarterly REPORT".into(), "für Jürgen".into()],
            hits: vec![hit(DataClass::Pii, Confidence::Medium), hit(DataClass::Phi, Confidence::Low)],
            intel: Some(false),
            categories: Some(vec!["EXFILTRATION".into()]),
            patterns: Some(vec!["read_then_write".into()]),
            budgets: Some(["mail".to_owned()].into()),
            mcp: Some(McpFacts { drift_detected: true, ..McpFacts::default() }),
            flags: false,
            risk: 0.5,
            now: "2026-11-23T12:00:00Z",
        }
    }

    fn judged_by(&self, policies: &[InstalledPolicy]) -> Outcome {
        let actions: Vec<&Action> = self.actions.iter().collect();
        PolicySet::compile(policies).unwrap().evaluate(&Facts {
            method: "PUT",
            actions: &actions,
            env: self.env,
            agent_id: AgentId(Uuid::from_u128(self.agent)),
            agent_name: "Billing/bot-1",
            runtime_type: RuntimeType::Langchain,
            body: &self.body,
            body_bytes: 100,
            texts: &self.texts,
            hits: &self.hits,
            is_new_destination: self.flags,
            is_volume_burst: self.flags,
            risk_score: self.risk,
            trust_score: 0.5,
            agent_in_scrutiny: self.flags,
            threat_intel_match: self.intel,
            semantic_categories: self.categories.as_deref(),
            correlation_patterns: self.patterns.as_deref(),
            budgets_exceeded: self.budgets.as_ref(),
            mcp: self.mcp,
            now: self.now.parse::<Timestamp>().unwrap(),
        })
    }

    /// What rules that stand in one policy come to.
    fn judged(&self, rules: Value) -> Outcome {
        self.judged_by(&[policy("p", rules)])
    }
}

fn policy(name: &str, rules: Value) -> InstalledPolicy {
    let source = parse_json(json!({"name": name, "rules": rules})).unwrap().remove(0);
    source.install(PolicyId(Uuid::from_u128(name.bytes().map(u128::from).sum())), 3, None, None)
}

fn for_agent(mut policy: InstalledPolicy, agent: u128) -> InstalledPolicy {
    policy.agent_override = Some(AgentId(Uuid::from_u128(agent)));
    policy
}

fn rule(action: &str, matches: Value, condition: Value) -> Value {
    json!({"rule_id": action.to_lowercase(), "action": action, "match": matches, "condition": condition})
}

#[test]
fn each_match_key_admits_and_refuses() {
    let agent = Uuid::from_u128(7);
    let other = Uuid::from_u128(8);
    let cases = [
        ("tool_name", json!("github"), json!("GitHub")),
        ("tool_names", json!(["slack", "github"]), json!(["slack"])),
        ("tools", json!(["github"]), json!(["git"])),
        ("operations", json!(["merge_pr"]), json!(["MERGE_PR", "pulls", "PUT"])),
        ("operations", json!(["category:pulls"]), json!(["category:issues"])),
        ("operations", json!(["method:put"]), json!(["method:GET"])),
        ("operations", json!(["*"]), json!(["merge"])),
        ("verbs", json!(["ADMIN", "WRITE"]), json!(["READ"])),
        ("methods", json!(["put"]), json!(["POST"])),
        ("agent_ids", json!([other, agent]), json!([other])),
        ("agent_names", json!(["Billing/*"]), json!(["billing/*", "*"])),
        ("agent_runtime_types", json!(["langchain"]), json!(["custom"])),
        ("env_names", json!(["production"]), json!(["Production", "dev"])),
        ("url_patterns", json!(["https://api.github.com/repos/"]), json!(["https://api.github.com/*"])),
        ("url_patterns", json!(["https://*.github.com/**"]), json!(["https://github.com"])),
        ("host_patterns", json!(["*.GitHub.com"]), json!(["github.com"])),
        ("org_patterns", json!(["ac*"]), json!(["AC*"])),
        ("repo_patterns", json!(["sh?p"]), json!(["acme/shop2"])),
        ("repo_patterns", json!(["acme/*"]), json!(["other/*"])),
        ("channel_patterns", json!(["op[s]"]), json!(["#ops"])),
        ("region_patterns", json!(["eu-*"]), json!(["us-*"])),
        ("account_patterns", json!(["1111*"]), json!(["2*"])),
        ("principal_patterns", json!(["*@partner.test"]), json!(["*@own.test"])),
        ("aws_tags", json!({"env": "prod", "team": "a"}), json!({"env": "prod", "team": "b"})),
    ];
    for (key, yes, no) in cases {
        for (value, expected) in [(&yes, Some(Decision::Deny)), (&no, None)] {
            let outcome = Call::new().judged(json!([rule("DENY", json!({key: value}), json!({}))]));
            assert_eq!(outcome.decision, expected, "{key}: {value}");
            assert!(outcome.notes.is_empty(), "{key}: {value}");
        }
    }
    let keys = cases_keys(crate::read::keys_of::<Match>());
    let covered: BTreeSet<&str> = MATCH_KEYS.iter().copied().collect();
    assert_eq!(keys, covered, "a match key without a case");
}

/// The keys of the table above; the last assertion there keeps it complete.
const MATCH_KEYS: &[&str] = &[
    "tool_name", "tool_names", "tools", "operations", "verbs", "methods", "agent_ids", "agent_names",
    "agent_runtime_types", "env_names", "url_patterns", "host_patterns", "org_patterns", "repo_patterns",
    "channel_patterns", "region_patterns", "account_patterns", "principal_patterns", "aws_tags",
];

fn cases_keys(keys: &'static [&'static str]) -> BTreeSet<&'static str> {
    keys.iter().copied().collect()
}
