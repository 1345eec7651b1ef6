//! The language, one key at a time: rules and calls in, decisions out.

use crate::*;
use interven_types::{
    Action, AgentId, Confidence, DataClass, Decision, GrantUses, Hit, Place, PolicyId, RuntimeType,
    Timestamp, Verb,
};
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};
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
    budgets: Option<BTreeMap<String, BudgetFact>>,
    mcp: Option<McpFacts>,
    flags: bool,
    risk: f64,
    now: &'static str,
}

pub(crate) fn action() -> Action {
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
    Hit {
        class,
        detector,
        confidence,
        place: Place::Body,
        path: "/t".into(),
        in_key: false,
        start: 0,
        end: 1,
    }
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
            budgets: Some(
                [("mail", true), ("transfers", false)]
                    .map(|(name, is_exceeded)| (name.to_owned(), BudgetFact::assumed(name, is_exceeded)))
                    .into(),
            ),
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
            budgets: self.budgets.as_ref(),
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
    for (key, yes, no) in &cases {
        for (value, expected) in [(yes, Some(Decision::Deny)), (no, None)] {
            let outcome = Call::new().judged(json!([rule("DENY", json!({*key: value}), json!({}))]));
            assert_eq!(outcome.decision, expected, "{key}: {value}");
            assert!(outcome.notes.is_empty(), "{key}: {value}");
        }
    }
    let covered: BTreeSet<&str> = cases.iter().map(|(key, _, _)| *key).collect();
    assert_eq!(covered, crate::read::keys_of::<Match>().iter().copied().collect(), "keys and cases differ");
}

#[test]
fn each_condition_key_holds_and_does_not() {
    let at = |path: &str, value: Value| json!({"path": path, "value": value});
    let window = |start: &str, end: &str| json!({"start": start, "end": end, "tz": "UTC"});
    let cases = [
        ("has_data_class", json!(["SECRETS", "PII"]), json!(["SECRETS"])),
        // Low confidence does not count unless the rule says so.
        ("has_data_class", json!(["PII"]), json!(["PHI"])),
        ("body_contains_any", json!(["nothing", "quarterly report"]), json!(["report für"])),
        ("body_contains_any", json!(["JÜRGEN"]), json!(["Jurgen"])),
        ("body_contains_all", json!(["report", "für"]), json!(["report", "nothing"])),
        ("body_path_equals", at("$.nested", json!({"k": "v"})), at("$.amount", json!("500"))),
        ("body_path_equals", at("$.ratio", json!(1)), at("$.ratio", json!(true))),
        ("body_path_equals", at("$.items[*].s", json!("b")), at("$.items[0].s", json!("b"))),
        ("body_path_in", at("$.amount", json!([1, 500.0])), at("$.amount", json!([1, "500"]))),
        ("body_path_gt", at("$.amount", json!(499.9)), at("$.amount", json!(500))),
        ("body_path_gt", at("$.items[*].n", json!(19)), at("$.items[*].n", json!(20))),
        ("body_path_gte", at("$.amount", json!(500)), at("$.amount", json!(501))),
        ("body_path_lt", at("$.amount", json!(501)), at("$.amount", json!(500))),
        ("body_path_lte", at("$.amount", json!(500)), at("$.amount", json!(499))),
        ("body_path_exists", json!({"path": "$.none"}), json!({"path": "$.nothing"})),
        ("body_path_exists", at("$.nothing", json!(false)), at("$.none", json!(false))),
        ("body_size_bytes_gt", json!(99), json!(100)),
        ("is_external_principal", json!(false), json!(true)),
        ("is_external_host", json!(true), json!(false)),
        ("is_new_destination", json!(false), json!(true)),
        ("new_resource", json!(false), json!(true)),
        ("is_volume_burst", json!(false), json!(true)),
        ("volume_burst", json!(false), json!(true)),
        ("risk_score_gt", json!(0.4), json!(0.5)),
        ("trust_score_lt", json!(0.6), json!(0.5)),
        ("agent_in_scrutiny", json!(false), json!(true)),
        ("threat_intel_match", json!(false), json!(true)),
        ("semantic_category", json!(["DESTRUCTIVE", "EXFILTRATION"]), json!(["DESTRUCTIVE"])),
        ("correlation_pattern", json!(["read_then_write"]), json!(["other"])),
        ("daily_budget_exceeded", json!("mail"), json!("transfers")),
        ("time_of_day_outside", window("13:00", "17:00"), window("09:00", "17:00")),
        ("mcp_drift_detected", json!(true), json!(false)),
        ("mcp_origin_changed", json!(false), json!(true)),
        ("mcp_injection_heuristic", json!(false), json!(true)),
        ("mcp_risky_param_added", json!(false), json!(true)),
        ("not", json!({"is_external_host": false}), json!({"is_external_host": true})),
        (
            "any_of",
            json!([{"risk_score_gt": 0.9}, {"is_external_host": true}]),
            json!([{"risk_score_gt": 0.9}, {"not": {"is_external_host": true}}]),
        ),
    ];
    for (key, yes, no) in &cases {
        for (value, expected) in [(yes, Some(Decision::Allow)), (no, None)] {
            let outcome = Call::new().judged(json!([rule("ALLOW", json!({}), json!({*key: value}))]));
            assert_eq!(outcome.decision, expected, "{key}: {value}");
            assert!(outcome.notes.is_empty(), "{key}: {value}");
        }
    }
    let covered = cases.iter().map(|(key, _, _)| *key).chain(["has_data_class_min_confidence"]);
    let keys: BTreeSet<&str> = crate::read::keys_of::<Condition>().iter().copied().collect();
    assert_eq!(covered.collect::<BTreeSet<_>>(), keys, "keys and cases differ");
}

#[test]
fn the_bar_of_a_data_class_moves() {
    for (class, bar, expected) in [
        ("PHI", "LOW", Some(Decision::Deny)),
        ("PHI", "MEDIUM", None),
        ("PII", "MEDIUM", Some(Decision::Deny)),
        ("PII", "HIGH", None),
    ] {
        let condition = json!({"has_data_class": [class], "has_data_class_min_confidence": bar});
        let outcome = Call::new().judged(json!([rule("DENY", json!({}), condition)]));
        assert_eq!(outcome.decision, expected, "{class} at {bar}");
    }
}

#[test]
fn all_keys_of_a_condition_must_hold() {
    let condition = json!({"is_external_host": true, "body_contains_any": ["report"], "risk_score_gt": 0.9});
    let rules = json!([rule("DENY", json!({}), condition)]);
    assert_eq!(Call::new().judged(rules.clone()).decision, None);
    let risky = Call { risk: 0.95, ..Call::new() };
    assert_eq!(risky.judged(rules).decision, Some(Decision::Deny));
}

#[test]
fn what_cannot_be_evaluated_does_not_match_and_says_so() {
    let blind =
        Call { intel: None, categories: None, patterns: None, budgets: None, mcp: None, ..Call::new() };
    for (condition, note) in [
        (json!({"body_path_gt": {"path": "$.total", "value": 1}}), "$.total is missing"),
        (json!({"not": {"body_path_gt": {"path": "$.total", "value": 1}}}), "$.total is missing"),
        (json!({"body_path_equals": {"path": "$.items[*].x", "value": 1}}), "$.items[*].x is missing"),
        (json!({"threat_intel_match": true}), "threat intelligence did not run"),
        (json!({"threat_intel_match": false}), "threat intelligence did not run"),
        (json!({"semantic_category": ["DESTRUCTIVE"]}), "the semantic engine did not run"),
        (json!({"correlation_pattern": ["x"]}), "the correlation engine did not run"),
        (json!({"daily_budget_exceeded": "mail"}), "budget counting did not run"),
        (json!({"mcp_drift_detected": true}), "the MCP guard did not run"),
        (
            json!({"any_of": [{"mcp_drift_detected": true}, {"risk_score_gt": 0.9}]}),
            "the MCP guard did not run",
        ),
    ] {
        for action in ["DENY", "REQUIRE_APPROVAL", "SANITIZE", "ALLOW"] {
            let outcome = blind.judged(json!([rule(action, json!({}), condition.clone())]));
            assert_eq!(outcome.decision, None, "{condition}");
            let [said] = outcome.notes.as_slice() else { panic!("one note expected for {condition}") };
            assert_eq!(said.text, format!("could not be evaluated: {note}"));
            assert_eq!((said.rule.policy_version, said.rule.policy_name.as_str()), (3, "p"));
        }
    }
    // Where it makes no difference, nothing is said.
    let decided = json!({"threat_intel_match": true, "risk_score_gt": 0.9});
    assert_eq!(blind.judged(json!([rule("DENY", json!({}), decided)])).notes, []);
    let either = json!({"any_of": [{"threat_intel_match": true}, {"is_external_host": true}]});
    let outcome = blind.judged(json!([rule("DENY", json!({}), either)]));
    assert_eq!((outcome.decision, outcome.notes), (Some(Decision::Deny), vec![]));
}

#[test]
fn type_errors_match_strict_rules_and_no_others() {
    let wide = Call { body: json!({"l": vec![0; 10_001], "amount": "9000"}), ..Call::new() };
    for (condition, cause) in [
        (json!({"body_path_gt": {"path": "$.amount", "value": 1}}), "$.amount is text, not a number"),
        (
            json!({"not": {"body_path_lt": {"path": "$.amount", "value": 1}}}),
            "$.amount is text, not a number",
        ),
        (json!({"body_path_lte": {"path": "$.l", "value": 1}}), "$.l is a list, not a number"),
        (
            json!({"body_path_equals": {"path": "$.l[*]", "value": 1}}),
            "$.l[*] leads to more than 10000 values",
        ),
    ] {
        for (action, expected) in [
            ("DENY", Some(Decision::Deny)),
            ("OPEN_INCIDENT", Some(Decision::Deny)),
            ("REQUIRE_APPROVAL", Some(Decision::RequireApproval)),
            ("SANITIZE", None),
            ("ALLOW", None),
        ] {
            let outcome = wide.judged(json!([rule(action, json!({}), condition.clone())]));
            assert_eq!(outcome.decision, expected, "{action} {condition}");
            match outcome.decisive {
                Some(rule) => assert_eq!(rule.failed_closed.as_deref(), Some(cause)),
                None => assert_eq!(outcome.notes[0].text, format!("could not be evaluated: {cause}")),
            }
        }
    }
    // The rest of the rule must hold all the same.
    let elsewhere = json!({"body_path_gt": {"path": "$.amount", "value": 1}, "is_external_host": false});
    assert_eq!(wide.judged(json!([rule("DENY", json!({}), elsewhere)])).decision, None);
}

#[test]
fn a_rule_matches_when_any_one_action_fits_it_whole() {
    let fetch = Action {
        tool: "custom_proxy".into(),
        operation: "request".into(),
        verb: Verb::Read,
        host: Some("files.acme.test".into()),
        external_host: false,
        ..action()
    };
    let both = Call { actions: vec![action(), fetch], ..Call::new() };
    for (matches, condition, expected) in [
        (json!({"tool_names": ["custom_proxy"], "verbs": ["READ"]}), json!({}), true),
        (json!({"tool_names": ["custom_proxy"], "verbs": ["WRITE"]}), json!({}), false),
        (json!({"tool_names": ["custom_proxy"]}), json!({"is_external_host": true}), false),
        (json!({"tool_names": ["custom_proxy"]}), json!({"is_external_host": false}), true),
        (json!({}), json!({"is_external_host": true}), true),
        (json!({}), json!({"is_external_host": false}), true),
    ] {
        let outcome = both.judged(json!([rule("DENY", matches.clone(), condition.clone())]));
        assert_eq!(outcome.decision.is_some(), expected, "{matches} {condition}");
        assert!(outcome.matches.len() <= 1, "a rule speaks once");
    }
}

#[test]
fn an_exception_for_one_thing_that_a_call_does_excuses_no_other() {
    let fetch = Action { tool: "custom_proxy".into(), operation: "get".into(), verb: Verb::Read, ..action() };
    let exception =
        json!({"rule_id": "fetching", "match": {"tool_names": ["custom_proxy"]}, "action": "ALLOW"});
    let rest = json!({"rule_id": "rest", "action": "DENY"});
    for (actions, expected) in [
        (vec![fetch.clone()], &["fetching"][..]),
        (vec![action()], &["rest"]),
        (vec![fetch.clone(), fetch.clone()], &["fetching"]),
        (vec![fetch.clone(), action()], &["fetching", "rest"]),
        (vec![action(), fetch.clone()], &["fetching", "rest"]),
    ] {
        let outcome = Call { actions, ..Call::new() }.judged(json!([exception, rest]));
        let spoke: Vec<_> = outcome.matches.iter().map(|spoken| spoken.rule.rule_id.as_str()).collect();
        assert_eq!(spoke, expected);
        assert_eq!(
            outcome.decisive.map(|rule| rule.rule.rule_id),
            expected.last().map(|id| (*id).to_owned())
        );
    }
}

#[test]
fn within_a_policy_the_first_by_priority_speaks() {
    let ranked = |priority: i64, action: &str| json!({"rule_id": format!("{action}-{priority}"), "priority": priority, "action": action});
    let spoken = |rules: Value| Call::new().judged(rules).decisive.unwrap().rule.rule_id;
    assert_eq!(spoken(json!([ranked(20, "DENY"), ranked(10, "ALLOW")])), "ALLOW-10");
    assert_eq!(spoken(json!([ranked(20, "DENY"), ranked(20, "ALLOW")])), "DENY-20");
    let unranked = json!({"rule_id": "unranked", "action": "ALLOW"});
    assert_eq!(spoken(json!([ranked(101, "DENY"), unranked, ranked(100, "SANITIZE")])), "unranked");
}

#[test]
fn across_policies_the_strictest_wins_and_all_are_reported() {
    let all = |action: &str| policy(action, json!([rule(action, json!({}), json!({}))]));
    let outcome = Call::new().judged_by(&[all("ALLOW"), all("SANITIZE"), all("REQUIRE_APPROVAL")]);
    assert_eq!(outcome.decision, Some(Decision::RequireApproval));
    assert_eq!(outcome.decisive.unwrap().reason_code, "POLICY_REQUIRE_APPROVAL");
    assert_eq!(outcome.matches.len(), 3);
    // The stricter approval does not lose what SANITIZE asked for.
    assert_eq!(outcome.redaction.classes, [DataClass::Pii].into());

    let incident = Call::new().judged_by(&[all("OPEN_INCIDENT"), all("REQUIRE_APPROVAL")]);
    assert_eq!(incident.decision, Some(Decision::Deny));
    assert_eq!(incident.decisive.unwrap().action, PolicyAction::OpenIncident);
    assert_eq!(Call::new().judged_by(&[]), Outcome { leaves_unspoken: true, ..Outcome::default() });
}

#[test]
fn an_agents_own_allow_silences_all_but_deny() {
    let own = for_agent(policy("own", json!([rule("ALLOW", json!({}), json!({}))])), 7);
    let tenant = |action: &str| policy("tenant", json!([rule(action, json!({}), json!({}))]));
    for (action, expected, is_silenced) in [
        ("REQUIRE_APPROVAL", Decision::Allow, true),
        ("SANITIZE", Decision::Allow, true),
        ("ALLOW", Decision::Allow, true),
        ("DENY", Decision::Deny, false),
        ("OPEN_INCIDENT", Decision::Deny, false),
    ] {
        let outcome = Call::new().judged_by(&[tenant(action), own.clone()]);
        assert_eq!(outcome.decision, Some(expected), "{action}");
        assert_eq!(!outcome.notes.is_empty(), is_silenced, "{action}");
        assert!(outcome.redaction.is_empty(), "{action}");
    }
    let stranger = Call { agent: 8, ..Call::new() };
    let outcome = stranger.judged_by(&[tenant("REQUIRE_APPROVAL"), own.clone()]);
    assert_eq!(outcome.decision, Some(Decision::RequireApproval));
    // An agent-level rule that is not ALLOW silences nothing, and a stricter one beside ALLOW takes its voice.
    let strict = for_agent(policy("own2", json!([rule("SANITIZE", json!({}), json!({}))])), 7);
    let outcome = Call::new().judged_by(&[tenant("REQUIRE_APPROVAL"), own, strict]);
    assert_eq!(outcome.decision, Some(Decision::RequireApproval));
}

#[test]
fn shadow_rules_are_reported_and_change_nothing() {
    let mut watching = rule("DENY", json!({}), json!({}));
    watching["mode"] = json!("shadow");
    let outcome = Call::new().judged(json!([watching.clone(), rule("ALLOW", json!({}), json!({}))]));
    assert_eq!(outcome.decision, Some(Decision::Allow));
    let reported: Vec<_> = outcome.matches.iter().map(|m| (m.action, m.shadow)).collect();
    assert_eq!(reported, [(PolicyAction::Deny, true), (PolicyAction::Allow, false)]);

    let alone = Call::new().judged(json!([watching]));
    assert_eq!((alone.decision, alone.decisive, alone.matches.len()), (None, None, 1));
    let mut redacting = rule("SANITIZE", json!({}), json!({}));
    redacting["mode"] = json!("shadow");
    assert!(Call::new().judged(json!([redacting])).redaction.is_empty());
}

#[test]
fn policies_are_in_force_in_their_environment() {
    let in_env = |env: Option<&str>| InstalledPolicy {
        env_name: env.map(str::to_owned),
        ..policy("p", json!([rule("DENY", json!({}), json!({}))]))
    };
    for (env, expected) in [(None, true), (Some("production"), true), (Some("dev"), false)] {
        assert_eq!(Call::new().judged_by(&[in_env(env)]).decision.is_some(), expected, "{env:?}");
    }
}

#[test]
fn sanitize_asks_for_classes_and_fields() {
    use Confidence::*;
    use DataClass::*;
    let mut found_high = Call::new();
    found_high.hits.push(hit(Secrets, High));
    for (condition, extra, classes, bar, fields) in [
        // Nothing said: every class found. Low confidence is below the bar.
        (json!({}), json!({}), vec![Secrets, Pii], Medium, vec![]),
        (json!({"has_data_class": ["PII", "PHI"]}), json!({}), vec![Pii, Phi], Medium, vec![]),
        (
            json!({"has_data_class": ["SECRETS"], "has_data_class_min_confidence": "HIGH"}),
            json!({}),
            vec![Secrets],
            High,
            vec![],
        ),
        (
            json!({"has_data_class": ["PII"]}),
            json!({"sanitize_classes": ["INTERNAL"]}),
            vec![Internal],
            Medium,
            vec![],
        ),
        (
            json!({}),
            json!({"sanitize_fields": ["$.items[*].n", "$.text", "$.nothing"]}),
            vec![],
            Medium,
            vec!["/items/0/n", "/items/1/n", "/text"],
        ),
    ] {
        let mut rule = rule("SANITIZE", json!({}), condition);
        rule.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let redaction = found_high.judged(json!([rule.clone()])).redaction;
        let expected = RedactionRequest {
            classes: classes.into_iter().collect(),
            min_confidence: bar,
            fields: fields.into_iter().map(str::to_owned).collect(),
        };
        assert_eq!(redaction, expected, "{rule}");
    }
    // A path too wide to name every place stands for the whole body.
    let wide = Call { body: json!(vec![0; 10_001]), ..Call::new() };
    let rules = json!([{"rule_id": "a", "action": "SANITIZE", "sanitize_fields": ["$[*]"]}]);
    assert_eq!(wide.judged(rules).redaction.fields, [""]);
}

#[test]
fn modifiers_reach_the_match() {
    let rules = json!([{
        "rule_id": "a", "action": "REQUIRE_APPROVAL", "reason_code": "MONEY", "escalate_to": "sec", "tag": ["t"],
        "incident_severity": "CRITICAL", "approval_ttl_seconds": 60, "grant_max_uses": "unlimited",
        "approvers": ["Admin"], "compliance_tags": ["SOC2:CC1"]
    }]);
    let source = json!({"name": "p", "compliance_tags": ["HIPAA:1", "SOC2:CC1"], "rules": rules});
    let source = parse_json(source).unwrap().remove(0);
    let policy = source.install(PolicyId(Uuid::nil()), 1, None, None);
    let outcome = Call::new().judged_by(&[policy]).decisive.unwrap();
    assert_eq!(outcome.reason_code, "MONEY");
    let modifiers = outcome.modifiers;
    assert_eq!(modifiers.escalate_to, ["sec"]);
    assert_eq!(modifiers.tags, ["t"]);
    assert_eq!(modifiers.incident_severity, Some(interven_types::RiskBand::Critical));
    assert_eq!(modifiers.approval_ttl_seconds, Some(60));
    assert_eq!(modifiers.grant_max_uses.map(GrantUses::bound), Some(None));
    assert_eq!(modifiers.approvers, ["Admin"]);
    assert_eq!(modifiers.compliance_tags, ["SOC2:CC1", "HIPAA:1"]);
}

#[test]
fn the_defaults_parse_and_check_clean() {
    let policies = default_policies();
    assert_eq!(policies.len(), 11);
    for policy in &policies {
        assert_eq!(check(policy), [], "{}", policy.name);
        assert!(policy.rules.iter().all(|rule| rule.reason_code.is_some()), "{}", policy.name);
    }
}

#[test]
fn the_defaults_decide_as_documented() {
    let defaults: Vec<InstalledPolicy> =
        default_policies().iter().map(|p| p.install(PolicyId(Uuid::nil()), 1, None, None)).collect();
    let call = |tool: &'static str, operation: &'static str| {
        let action = Action { tool: tool.into(), operation: operation.into(), ..action() };
        Call { actions: vec![action], hits: vec![], ..Call::new() }
    };
    let outward = |mut call: Call| {
        call.actions[0].external_principal = true;
        call
    };
    let carrying = |class, confidence, mut call: Call| {
        call.hits.push(hit(class, confidence));
        call
    };
    use Confidence::*;
    use DataClass::*;
    use Decision::*;
    for (case, call, decision, reason) in [
        ("P1", outward(call("github", "add_collaborator")), Some(Deny), "EXTERNAL_COLLABORATOR_BLOCKED"),
        ("P1, a colleague", call("github", "add_collaborator"), None, ""),
        ("P2", call("github", "merge_pr"), Some(RequireApproval), "PR_MERGE_NEEDS_APPROVAL"),
        ("P2, approve", call("github", "approve_pr"), Some(RequireApproval), "PR_APPROVAL_NEEDS_APPROVAL"),
        ("P3", carrying(Secrets, Medium, call("slack", "post_message")), Some(Deny), "SLACK_SECRET_BLOCKED"),
        (
            "P4",
            carrying(Secrets, Medium, call("slack", "upload_file")),
            Some(Deny),
            "SLACK_UPLOAD_SECRET_BLOCKED",
        ),
        ("P5", carrying(Pii, Medium, call("slack", "post_message")), Some(Sanitize), "PII_REDACTED"),
        ("P5, clean", call("slack", "post_message"), None, ""),
        ("P6", call("aws", "iam_create_user"), Some(RequireApproval), "IAM_USER_CREATION_NEEDS_APPROVAL"),
        ("P7", call("aws", "iam_attach_admin_policy"), Some(Deny), "IAM_ADMIN_POLICY_BLOCKED"),
        ("P8", outward(call("gdrive", "share_file")), Some(Deny), "EXTERNAL_SHARE_BLOCKED"),
        ("P9", carrying(Pii, High, call("gdrive", "export_file")), Some(Sanitize), "EXPORT_PII_REDACTED"),
        (
            "P10",
            carrying(Secrets, High, call("stripe", "create_charge")),
            Some(Deny),
            "SECRET_EGRESS_BLOCKED",
        ),
        ("P10, unsure", carrying(Secrets, Medium, call("stripe", "create_charge")), None, ""),
        ("P11", Call { intel: Some(true), ..call("stripe", "list") }, Some(Deny), "THREAT_INTEL_MATCH"),
    ] {
        let outcome = call.judged_by(&defaults);
        assert_eq!(outcome.decision, decision, "{case}");
        assert_eq!(outcome.decisive.map(|rule| rule.reason_code).unwrap_or_default(), reason, "{case}");
    }
}
