//! Random policies and calls, from vocabularies small enough that they often meet.

use interven_policy::{
    BudgetFact, Facts, InstalledPolicy, McpFacts, PathTest, PolicySource, Unmeasured, parse_json,
};
use interven_types::{Action, AgentId, Confidence, DataClass, Hit, Place, PolicyId, RuntimeType, Verb};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};
use uuid::Uuid;

fn words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(of), 1..3)
}

/// A map of some of these keys.
fn some_of(keys: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let one = select((0..keys.len()).collect::<Vec<_>>());
    vec(one, 0..3).prop_flat_map(move |chosen| {
        let chosen: BTreeSet<usize> = chosen.into_iter().collect();
        let members: Vec<_> = chosen
            .into_iter()
            .map(|i| {
                keys[i].1.clone().prop_map({
                    let key = keys[i].0;
                    move |value| (key, value)
                })
            })
            .collect();
        members.prop_map(|members| {
            members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map<_, _>>().into()
        })
    })
}

fn value<T: serde::Serialize + std::fmt::Debug>(
    strategy: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Value> {
    strategy.prop_map(|value| json!(value)).boxed()
}

const TOOLS: &[&str] = &["slack", "github", "aws"];
const OPERATIONS: &[&str] = &["post", "merge", "delete"];
const ENVS: &[&str] = &["dev", "production"];
const HOSTS: &[&str] = &["api.a.test", "b.test"];
const NAMES: &[&str] = &["ops", "ops/eu", "dev-1", "äb"];
const GLOBS: &[&str] = &["ops", "*", "**", "ops*", "ops/**", "dev-?", "*-1", "[äö]b", "?ps/*"];
const URLS: &[&str] = &["https://api.a.test/x/y", "https://b.test/"];
const PATHS: &[&str] =
    &["$.n", "$.l[*].n", "$.l[0]", "$.l[*]", "$.s", "$.s[*]", "$.m[*]", "$.m[0]", "$.n.n", "$.nothing"];
const BUDGETS: &[&str] = &["mail", "money"];
const PATTERNS: &[&str] = &["read_then_send", "escalate"];
/// Around midnight, the changes of clocks in Berlin and New York, and a Monday in zones that are not whole hours apart.
const TIMES: &[&str] = &[
    "2026-03-29T00:59:30Z",
    "2026-03-29T01:00:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-25T01:30:00Z",
    "2026-03-08T06:59:00Z",
    "2026-11-01T05:30:00Z",
    "2026-11-22T23:00:00Z",
    "2026-11-23T04:30:00Z",
    "2026-11-23T18:29:00Z",
    "2026-11-23T18:30:00Z",
];
const WORDS: &[&str] = &["Report", "GEHEIM", "ünï", "x"];

fn matches() -> impl Strategy<Value = Value> {
    some_of(vec![
        ("tool_name", value(select(TOOLS))),
        ("tool_names", value(words(TOOLS))),
        ("operations", value(words(&["post", "merge", "*", "category:chat", "method:post"]))),
        ("verbs", value(words(&["READ", "WRITE", "ADMIN"]))),
        ("methods", value(words(&["GET", "post"]))),
        ("agent_ids", value(vec(select(&[1u128, 2]).prop_map(Uuid::from_u128), 1..2))),
        ("agent_names", value(words(GLOBS))),
        ("agent_runtime_types", value(words(&["mcp", "node"]))),
        ("env_names", value(words(ENVS))),
        (
            "url_patterns",
            value(words(&[
                "https://api.a.test/",
                "https://*.test/**",
                "https://b.test/*",
                "https://b.test/",
            ])),
        ),
        ("host_patterns", value(words(&["*.A.test", "b.test", "?.test"]))),
        ("org_patterns", value(words(GLOBS))),
        ("repo_patterns", value(words(GLOBS))),
        ("channel_patterns", value(words(GLOBS))),
        ("region_patterns", value(words(GLOBS))),
        ("account_patterns", value(words(GLOBS))),
        ("principal_patterns", value(words(GLOBS))),
        ("aws_tags", value(words(&["prod", "dev"]).prop_map(|tags| json!({"env": tags[0]})))),
    ])
}

fn at(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    (select(PATHS), value).prop_map(|(path, value)| json!({"path": path, "value": value})).boxed()
}

fn window() -> BoxedStrategy<Value> {
    let hours = select(
        &[("00:00", "23:59"), ("02:00", "03:00"), ("22:00", "06:00"), ("09:30", "17:00"), ("18:30", "00:00")]
            [..],
    );
    let zone = select(&["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"][..]);
    let days = option::of(words(&["mon", "sun", "sat"]));
    (hours, zone, days)
        .prop_map(|((start, end), tz, days)| match days {
            None => json!({"start": start, "end": end, "tz": tz}),
            Some(days) => json!({"start": start, "end": end, "tz": tz, "days": days}),
        })
        .boxed()
}

fn condition() -> BoxedStrategy<Value> {
    let number = || (0i64..4).prop_map(|n| json!(n));
    let leaf = move || {
        vec![
            ("has_data_class", value(words(&["SECRETS", "PII", "PHI"]))),
            ("has_data_class_min_confidence", value(select(&["LOW", "MEDIUM", "HIGH"][..]))),
            ("body_contains_any", value(words(WORDS))),
            ("body_contains_all", value(words(WORDS))),
            ("body_path_equals", at(number())),
            ("body_path_in", at(vec(number(), 1..3).prop_map(Value::Array))),
            ("body_path_gt", at(number())),
            ("body_path_gte", at(number())),
            ("body_path_lt", at(number())),
            ("body_path_lte", at(number())),
            ("body_path_exists", at(any::<bool>().prop_map(Value::Bool))),
            ("body_size_bytes_gt", value(0u64..3)),
            ("is_external_principal", value(any::<bool>())),
            ("is_external_host", value(any::<bool>())),
            ("is_new_destination", value(any::<bool>())),
            ("risk_score_gt", value(select(&[0.2, 0.7][..]))),
            ("trust_score_lt", value(select(&[0.2, 0.7][..]))),
            ("threat_intel_match", value(any::<bool>())),
            ("semantic_category", value(words(&["DESTRUCTIVE", "EXFILTRATION"]))),
            ("is_volume_burst", value(any::<bool>())),
            ("agent_in_scrutiny", value(any::<bool>())),
            ("correlation_pattern", value(words(PATTERNS))),
            ("daily_budget_exceeded", value(select(BUDGETS))),
            ("time_of_day_outside", window()),
            ("mcp_drift_detected", value(any::<bool>())),
            ("mcp_origin_changed", value(any::<bool>())),
            ("mcp_injection_heuristic", value(any::<bool>())),
            ("mcp_risky_param_added", value(any::<bool>())),
        ]
    };
    some_of(leaf())
        .boxed()
        .prop_recursive(3, 8, 2, move |inner| {
            let mut keys = leaf();
            keys.push(("not", inner.clone().boxed()));
            keys.push(("any_of", vec(inner, 1..3).prop_map(Value::Array).boxed()));
            some_of(keys)
        })
        .boxed()
}

pub(crate) fn rule() -> impl Strategy<Value = Value> {
    let action = select(&["ALLOW", "DENY", "SANITIZE", "REQUIRE_APPROVAL", "OPEN_INCIDENT"][..]);
    let mode = select(&["enforce", "enforce", "enforce", "shadow"][..]);
    (action, 0i64..3, mode, matches(), condition()).prop_map(|(action, priority, mode, matches, condition)| {
        json!({"rule_id": "", "action": action, "priority": priority, "mode": mode, "match": matches, "condition": condition})
    })
}

pub(crate) fn policies() -> impl Strategy<Value = Vec<InstalledPolicy>> {
    let policy = (vec(rule(), 0..5), option::weighted(0.2, select(ENVS)), option::weighted(0.2, 1u128..3));
    vec(policy, 0..6).prop_map(|policies| {
        policies
            .into_iter()
            .enumerate()
            .map(|(n, (rules, env, agent))| installed(n, rules, env, agent))
            .collect()
    })
}

fn numbered(mut rules: Vec<Value>) -> Vec<Value> {
    for (index, rule) in rules.iter_mut().enumerate() {
        rule["rule_id"] = json!(format!("r{index}"));
    }
    rules
}

pub(crate) fn installed(
    n: usize,
    rules: Vec<Value>,
    env: Option<&str>,
    agent: Option<u128>,
) -> InstalledPolicy {
    let source = parse_json(json!({"name": format!("p{n}"), "rules": numbered(rules)})).unwrap().remove(0);
    let agent = agent.map(|agent| AgentId(Uuid::from_u128(agent)));
    source.install(PolicyId(Uuid::from_u128(n as u128)), 1, env.map(str::to_owned), agent)
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    actions: Vec<Action>,
    env: &'static str,
    agent: u128,
    name: &'static str,
    body: Value,
    texts: Vec<&'static str>,
    hits: Vec<(usize, Confidence)>,
    flags: (bool, bool, bool),
    score: f64,
    intel: Option<bool>,
    mcp: Option<[bool; 4]>,
    categories: Option<Vec<String>>,
    patterns: Option<Vec<String>>,
    budgets: Option<BTreeMap<String, BudgetFact>>,
    now: &'static str,
}

fn action() -> impl Strategy<Value = Action> {
    let what = (
        select(TOOLS),
        select(OPERATIONS),
        select(&[Verb::Read, Verb::Write, Verb::Admin][..]),
        select(&["chat", "code"][..]),
    );
    let place = (
        select(&["GET", "POST"][..]),
        select(URLS),
        option::of(select(HOSTS)),
        vec(option::of(select(NAMES)), 5),
        vec(select(NAMES).prop_map(str::to_owned), 0..3),
    );
    (what, place, any::<(bool, bool, bool)>()).prop_map(|(what, place, (host, principal, prod))| Action {
        tool: what.0.into(),
        operation: what.1.into(),
        verb: what.2,
        category: what.3.into(),
        method: place.0.to_owned(),
        url: place.1.to_owned(),
        host: place.2.map(str::to_owned),
        external_host: host,
        external_principal: principal,
        resource: None,
        principals: place.4,
        org: place.3[0].map(str::to_owned),
        repo: place.3[1].map(str::to_owned),
        channel: place.3[2].map(str::to_owned),
        region: place.3[3].map(str::to_owned),
        account: place.3[4].map(str::to_owned),
        aws_tags: if prod { [("env".to_owned(), "prod".to_owned())].into() } else { Default::default() },
    })
}

pub(crate) fn call() -> impl Strategy<Value = Call> {
    let body = select(vec![
        json!({"n": 2, "l": [{"n": 1}, {"n": 3}], "s": "2", "m": {"a": 1, "b": 3}}),
        json!({"n": "2", "l": [{"n": "x"}, {"n": 1}]}),
        json!({"l": [3, {"n": null}], "s": 0, "m": null}),
        json!([{"n": 2}]),
        json!("n=2"),
        json!(null),
    ]);
    let who = (select(ENVS), 1u128..3, select(NAMES));
    let levels = select(&[Confidence::Low, Confidence::Medium, Confidence::High][..]);
    let found = (
        vec(select(&["a REPORT", "geheim", "ÜNÏ", "xyz"][..]), 0..3),
        vec((0usize..4, levels), 0..3),
        option::of(some_words(&["DESTRUCTIVE", "EXFILTRATION"])),
        option::of(some_words(PATTERNS)),
        option::of(vec((select(BUDGETS), budget()), 0..3)),
    );
    let flags = (
        any::<(bool, bool, bool)>(),
        select(&[0.1, 0.5, 0.9][..]),
        any::<Option<bool>>(),
        any::<Option<[bool; 4]>>(),
        select(TIMES),
    );
    (vec(action(), 1..3), who, body, found, flags).prop_map(|(actions, who, body, found, flags)| Call {
        actions,
        env: who.0,
        agent: who.1,
        name: who.2,
        body,
        texts: found.0,
        hits: found.1,
        flags: flags.0,
        score: flags.1,
        intel: flags.2,
        mcp: flags.3,
        now: flags.4,
        categories: found.2,
        patterns: found.3,
        budgets: found.4.map(|known| known.into_iter().map(|(name, fact)| (name.to_owned(), fact)).collect()),
    })
}

fn budget() -> impl Strategy<Value = BudgetFact> {
    let measured = any::<bool>().prop_map(|is_exceeded| BudgetFact::assumed("", is_exceeded));
    let unmeasured = BudgetFact { adds: Err(Unmeasured::Missing), ..BudgetFact::assumed("", false) };
    prop_oneof![3 => measured, 1 => Just(unmeasured)]
}

fn some_words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    vec(select(of).prop_map(str::to_owned), 0..2)
}

impl Call {
    pub(crate) fn with<T>(&self, judge: impl FnOnce(&Facts<'_>) -> T) -> T {
        let actions: Vec<&Action> = self.actions.iter().collect();
        let texts: Vec<Cow<'_, str>> = self.texts.iter().map(|text| Cow::Borrowed(*text)).collect();
        let hit = |(class, confidence): &(usize, Confidence)| Hit {
            class: DataClass::ALL[*class],
            detector: "d".to_owned(),
            confidence: *confidence,
            place: Place::Body,
            path: String::new(),
            in_key: false,
            start: 0,
            end: 1,
        };
        let hits: Vec<Hit> = self.hits.iter().map(hit).collect();
        judge(&Facts {
            method: "POST",
            actions: &actions,
            env: self.env,
            agent_id: AgentId(Uuid::from_u128(self.agent)),
            agent_name: self.name,
            runtime_type: RuntimeType::Mcp,
            body: &self.body,
            body_bytes: 2,
            texts: &texts,
            hits: &hits,
            is_new_destination: self.flags.0,
            is_volume_burst: self.flags.1,
            risk_score: self.score,
            trust_score: self.score,
            agent_in_scrutiny: self.flags.2,
            threat_intel_match: self.intel,
            semantic_categories: self.categories.as_deref(),
            correlation_patterns: self.patterns.as_deref(),
            budgets: self.budgets.as_ref(),
            mcp: self.mcp.map(|[drift_detected, origin_changed, injection_heuristic, risky_param_added]| {
                McpFacts { drift_detected, origin_changed, injection_heuristic, risky_param_added }
            }),
            now: self.now.parse().unwrap(),
        })
    }
}

/// Texts that YAML could take for something else, and any others.
fn text() -> impl Strategy<Value = String> {
    let odd = select(
        &[
            "no", "1e3", "- a", "a: b", "a #b", "*x", "08:00", "a\nb\n", " a", "a\n\n", "{", "'", "~",
            "\u{2028}",
        ][..],
    );
    prop_oneof![
        odd.prop_map(str::to_owned),
        "[a-z]{1,9}( [a-z']{1,9}){0,30}",
        "[a-z #:\\n-]{0,40}",
        any::<String>()
    ]
}

/// A policy with odd texts in every place that takes any.
pub(crate) fn source() -> impl Strategy<Value = PolicySource> {
    let frame = (text(), option::of(text()), option::of(vec(text(), 1..3)), vec(text(), 0..3));
    let tags = vec((text(), text()), 0..3).prop_map(|tags| tags.into_iter().collect::<BTreeMap<_, _>>());
    let values = vec(
        prop_oneof![
            any::<f64>().prop_map(|n| json!(n)),
            any::<i64>().prop_map(|n| json!(n)),
            text().prop_map(|t| json!({t.clone(): [t]}))
        ],
        1..3,
    );
    let bound = prop_oneof![any::<f64>(), (-10i32..10).prop_map(f64::from)];
    (frame, vec(rule(), 0..5), tags, values, bound).prop_map(
        |((name, description, env_names, tags), rules, aws_tags, values, bound)| {
            let rules = numbered(rules);
            let mut source = parse_json(json!({"name": "", "rules": rules})).unwrap().remove(0);
            if let Some(rule) = source.rules.first_mut() {
                rule.rule_id = name.clone();
                rule.matches.aws_tags = aws_tags;
                rule.condition.body_contains_any = tags.clone();
                rule.condition.body_path_in = Some(PathTest { path: "$.a".to_owned(), value: values });
                rule.condition.body_path_gt =
                    Some(PathTest { path: "$.b".to_owned(), value: bound }).filter(|_| bound.is_finite());
            }
            let agent = env_names.as_ref().and_then(|names| names.first().cloned());
            PolicySource { name, description, env_names, agent, compliance_tags: tags, rules: source.rules }
        },
    )
}

/// With names of their own.
pub(crate) fn named(mut sources: Vec<PolicySource>) -> Vec<PolicySource> {
    for (n, source) in sources.iter_mut().enumerate() {
        source.name = format!("p{n}");
    }
    sources
}
