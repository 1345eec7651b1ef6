//! The fast evaluator against a slow, obvious one, and laws that hold for all policies.
//!
//! The slow one has no index, no compiled patterns, no shared passes: it reads the sources as the language is described.

#![cfg(test)]

use interven_policy::{
    Condition, Facts, InstalledPolicy, JsonPath, Match, McpFacts, Mode, PathTest, PolicyAction, PolicySet,
    PolicySource, RuleSource, check, diff, format, parse_json, parse_yaml, print_json, print_yaml,
};
use interven_types::{
    Action, AgentId, Confidence, DataClass, Decision, Hit, Place, PolicyId, RuntimeType, Timestamp, Verb,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};
use uuid::Uuid;

// ---- the slow evaluator ----

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Truth {
    False,
    Unknown,
    TypeError,
    True,
}

fn sure(value: bool) -> Truth {
    if value { Truth::True } else { Truth::False }
}

/// `*` and `?` within a segment, `**` across; classes of single characters.
fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', '*', rest @ ..] => (0..=text.len()).any(|n| glob(rest, &text[n..])),
        ['*', rest @ ..] => {
            (0..=text.len()).take_while(|n| !text[..*n].contains(&'/')).any(|n| glob(rest, &text[n..]))
        }
        ['?', rest @ ..] => matches!(text, [c, after @ ..] if *c != '/' && glob(rest, after)),
        ['[', inside @ ..] => {
            let end = inside.iter().position(|c| *c == ']').unwrap();
            matches!(text, [c, after @ ..] if inside[..end].contains(c) && glob(&inside[end + 1..], after))
        }
        [literal, rest @ ..] => matches!(text, [c, after @ ..] if c == literal && glob(rest, after)),
    }
}

fn globs(patterns: &[String], text: Option<&str>) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    patterns.is_empty() || text.is_some_and(|text| patterns.iter().any(|p| glob(&chars(p), &chars(text))))
}

fn listed<T: PartialEq>(list: &[T], item: &T) -> bool {
    list.is_empty() || list.contains(item)
}

fn is_about(matches: &Match, action: &Action, facts: &Facts<'_>) -> bool {
    let lower = |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect::<Vec<_>>();
    let operation = |text: &String| match text.split_once(':') {
        Some(("category", category)) => action.category == category,
        Some(("method", method)) => action.method == method.to_uppercase(),
        _ => text == "*" || action.operation == *text,
    };
    let url = |text: &String| {
        if text.contains('*') {
            globs(std::slice::from_ref(text), Some(&action.url))
        } else {
            action.url.starts_with(text)
        }
    };
    matches.tool_name.as_ref().is_none_or(|tool| action.tool == *tool)
        && listed(&matches.tool_names, &action.tool.to_string())
        && (matches.operations.is_empty() || matches.operations.iter().any(operation))
        && listed(&matches.verbs, &action.verb)
        && (matches.methods.is_empty() || matches.methods.iter().any(|m| m.to_uppercase() == action.method))
        && listed(&matches.agent_ids, &facts.agent_id)
        && listed(&matches.agent_runtime_types, &facts.runtime_type)
        && globs(&matches.agent_names, Some(facts.agent_name))
        && listed(&matches.env_names, &facts.env.to_owned())
        && (matches.url_patterns.is_empty() || matches.url_patterns.iter().any(url))
        && globs(&lower(&matches.host_patterns), action.host.as_deref())
        && globs(&matches.org_patterns, action.org.as_deref())
        && globs(&matches.channel_patterns, action.channel.as_deref())
        && matches.aws_tags.iter().all(|(key, value)| action.aws_tags.get(key) == Some(value))
}

fn fact(wanted: Option<bool>, found: Option<bool>) -> Option<Truth> {
    wanted.map(|wanted| found.map_or(Truth::Unknown, |found| sure(found == wanted)))
}

fn at_path(path: &str, facts: &Facts<'_>, judge: impl Fn(&Value) -> Truth) -> Truth {
    let nodes = JsonPath::parse(path).unwrap().locate(facts.body);
    nodes.iter().map(|(_, node)| judge(node)).max().unwrap_or(Truth::Unknown)
}

fn holds(condition: &Condition, action: &Action, facts: &Facts<'_>) -> Truth {
    let bar = condition.has_data_class_min_confidence.unwrap_or(Confidence::Medium);
    let carries =
        |class: &DataClass| facts.hits.iter().any(|hit| hit.class == *class && hit.confidence >= bar);
    let says =
        |needle: &String| facts.texts.iter().any(|text| text.to_lowercase().contains(&needle.to_lowercase()));
    let given = |list: &[String], found: Option<&[String]>| {
        (!list.is_empty())
            .then(|| found.map_or(Truth::Unknown, |found| sure(list.iter().any(|item| found.contains(item)))))
    };
    let number = |bound: f64, compare: fn(f64, f64) -> bool| {
        move |node: &Value| match node {
            Value::Number(n) => sure(compare(n.as_f64().unwrap(), bound)),
            _ => Truth::TypeError,
        }
    };
    let all = [
        (!condition.has_data_class.is_empty()).then(|| sure(condition.has_data_class.iter().any(carries))),
        (!condition.body_contains_any.is_empty()).then(|| sure(condition.body_contains_any.iter().any(says))),
        (!condition.body_contains_all.is_empty()).then(|| sure(condition.body_contains_all.iter().all(says))),
        condition.body_path_equals.as_ref().map(|t| at_path(&t.path, facts, |node| sure(*node == t.value))),
        condition.body_path_in.as_ref().map(|t| at_path(&t.path, facts, |node| sure(t.value.contains(node)))),
        condition.body_path_gt.as_ref().map(|t| at_path(&t.path, facts, number(t.value, |a, b| a > b))),
        condition.body_path_lte.as_ref().map(|t| at_path(&t.path, facts, number(t.value, |a, b| a <= b))),
        condition
            .body_path_exists
            .as_ref()
            .map(|t| sure(JsonPath::parse(&t.path).unwrap().locate(facts.body).is_empty() != t.value)),
        condition.body_size_bytes_gt.map(|bound| sure(facts.body_bytes as u64 > bound)),
        fact(condition.is_external_principal, Some(action.external_principal)),
        fact(condition.is_external_host, Some(action.external_host)),
        fact(condition.is_new_destination, Some(facts.is_new_destination)),
        condition.risk_score_gt.map(|bound| sure(facts.risk_score > bound)),
        condition.trust_score_lt.map(|bound| sure(facts.trust_score < bound)),
        fact(condition.threat_intel_match, facts.threat_intel_match),
        given(&condition.semantic_category, facts.semantic_categories),
        fact(condition.mcp_drift_detected, facts.mcp.map(|mcp| mcp.drift_detected)),
        condition.not.as_ref().map(|inner| match holds(inner, action, facts) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            unsure => unsure,
        }),
        (!condition.any_of.is_empty())
            .then(|| condition.any_of.iter().map(|inner| holds(inner, action, facts)).max().unwrap()),
    ];
    all.into_iter().flatten().min().unwrap_or(Truth::True)
}

fn rule_matches(rule: &RuleSource, facts: &Facts<'_>) -> bool {
    let about = facts.actions.iter().filter(|action| is_about(&rule.matches, action, facts));
    match about.map(|action| holds(&rule.condition, action, facts)).max() {
        Some(Truth::True) => true,
        Some(Truth::TypeError) => rule.action.decision() >= Decision::RequireApproval,
        _ => false,
    }
}

/// The rule that speaks in each policy of one group.
fn speaking<'p>(
    policies: &[&'p InstalledPolicy],
    facts: &Facts<'_>,
) -> Vec<(&'p InstalledPolicy, &'p RuleSource)> {
    let in_force = |policy: &&&InstalledPolicy| policy.env_name.as_deref().is_none_or(|env| env == facts.env);
    let speaker = |policy: &&'p InstalledPolicy| {
        let mut rules: Vec<&RuleSource> =
            policy.rules.iter().filter(|rule| rule.mode == Mode::Enforce).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules.into_iter().find(|rule| rule_matches(rule, facts)).map(|rule| (*policy, rule))
    };
    policies.iter().filter(in_force).filter_map(speaker).collect()
}

/// The decision, and name and rule id of what decided.
fn slowly(policies: &[InstalledPolicy], facts: &Facts<'_>) -> Option<(Decision, String, String)> {
    let mut sorted: Vec<&InstalledPolicy> = policies.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let (own, tenant): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|policy| policy.agent_override.is_some());
    let own: Vec<_> =
        own.into_iter().filter(|policy| policy.agent_override == Some(facts.agent_id)).collect();
    let decision = |spoken: &(&InstalledPolicy, &RuleSource)| spoken.1.action.decision();
    let mut spoken = speaking(&own, facts);
    let silences = spoken.iter().map(decision).max() == Some(Decision::Allow);
    spoken
        .extend(speaking(&tenant, facts).into_iter().filter(|s| !silences || decision(s) == Decision::Deny));
    let strictest = spoken.iter().map(decision).max()?;
    let equally_strict = spoken.iter().filter(|spoken| decision(spoken) == strictest);
    let (policy, rule) = equally_strict.min_by_key(|spoken| spoken.1.priority)?;
    Some((strictest, policy.name.clone(), rule.rule_id.clone()))
}

// ---- random policies and calls, from vocabularies small enough that they often meet ----

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
const PATHS: &[&str] = &["$.n", "$.l[*].n", "$.l[0]", "$.s", "$.nothing"];
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
        ("channel_patterns", value(words(GLOBS))),
        ("aws_tags", value(words(&["prod", "dev"]).prop_map(|tags| json!({"env": tags[0]})))),
    ])
}

fn at(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    (select(PATHS), value).prop_map(|(path, value)| json!({"path": path, "value": value})).boxed()
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
            ("mcp_drift_detected", value(any::<bool>())),
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

fn rule() -> impl Strategy<Value = Value> {
    let action = select(&["ALLOW", "DENY", "SANITIZE", "REQUIRE_APPROVAL", "OPEN_INCIDENT"][..]);
    let mode = select(&["enforce", "enforce", "enforce", "shadow"][..]);
    (action, 0i64..3, mode, matches(), condition()).prop_map(|(action, priority, mode, matches, condition)| {
        json!({"rule_id": "", "action": action, "priority": priority, "mode": mode, "match": matches, "condition": condition})
    })
}

fn policies() -> impl Strategy<Value = Vec<InstalledPolicy>> {
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

fn installed(n: usize, rules: Vec<Value>, env: Option<&str>, agent: Option<u128>) -> InstalledPolicy {
    let source = parse_json(json!({"name": format!("p{n}"), "rules": numbered(rules)})).unwrap().remove(0);
    let agent = agent.map(|agent| AgentId(Uuid::from_u128(agent)));
    source.install(PolicyId(Uuid::from_u128(n as u128)), 1, env.map(str::to_owned), agent)
}

#[derive(Clone, Debug)]
struct Call {
    actions: Vec<Action>,
    env: &'static str,
    agent: u128,
    name: &'static str,
    body: Value,
    texts: Vec<&'static str>,
    hits: Vec<(usize, Confidence)>,
    flags: (bool, f64, Option<bool>, Option<bool>),
    categories: Option<Vec<String>>,
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
        option::of(select(NAMES)),
        option::of(select(NAMES)),
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
        principals: vec![],
        org: place.3.map(str::to_owned),
        repo: None,
        channel: place.4.map(str::to_owned),
        region: None,
        account: None,
        aws_tags: if prod { [("env".to_owned(), "prod".to_owned())].into() } else { Default::default() },
    })
}

fn call() -> impl Strategy<Value = Call> {
    let body = select(vec![
        json!({"n": 2, "l": [{"n": 1}, {"n": 3}], "s": "2"}),
        json!({"n": "2", "l": [{"n": "x"}, {"n": 1}]}),
        json!({"l": [3, {"n": null}], "s": 0}),
        json!(null),
    ]);
    let who = (select(ENVS), 1u128..3, select(NAMES));
    let levels = select(&[Confidence::Low, Confidence::Medium, Confidence::High][..]);
    let found = (
        vec(select(&["a REPORT", "geheim", "ÜNÏ", "xyz"][..]), 0..3),
        vec((0usize..4, levels), 0..3),
        option::of(vec(select(&["DESTRUCTIVE", "EXFILTRATION"][..]).prop_map(str::to_owned), 0..2)),
    );
    let flags = (any::<bool>(), select(&[0.1, 0.5, 0.9][..]), any::<Option<bool>>(), any::<Option<bool>>());
    (vec(action(), 1..3), who, body, found, flags).prop_map(|(actions, who, body, found, flags)| Call {
        actions,
        env: who.0,
        agent: who.1,
        name: who.2,
        body,
        texts: found.0,
        hits: found.1,
        flags,
        categories: found.2,
    })
}

impl Call {
    fn with<T>(&self, judge: impl FnOnce(&Facts<'_>) -> T) -> T {
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
        let (is_new, score, intel, drift) = self.flags;
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
            is_new_destination: is_new,
            is_volume_burst: false,
            risk_score: score,
            trust_score: score,
            agent_in_scrutiny: false,
            threat_intel_match: intel,
            semantic_categories: self.categories.as_deref(),
            correlation_patterns: None,
            budgets_exceeded: None,
            mcp: drift.map(|drift_detected| McpFacts { drift_detected, ..McpFacts::default() }),
            now: Timestamp::from_unix_ms(0),
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
fn source() -> impl Strategy<Value = PolicySource> {
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
fn named(mut sources: Vec<PolicySource>) -> Vec<PolicySource> {
    for (n, source) in sources.iter_mut().enumerate() {
        source.name = format!("p{n}");
    }
    sources
}

/// `PROPTEST_CASES` raises the number of cases.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn fast_and_slow_agree(policies in policies(), calls in vec(call(), 16)) {
        let set = PolicySet::compile(&policies).unwrap();
        for call in calls {
            let (fast, slow) = call.with(|facts| (set.evaluate(facts), slowly(&policies, facts)));
            let fast = fast.decision.map(|decision| {
                let decisive = fast.decisive.unwrap();
                (decision, decisive.rule.policy_name, decisive.rule.rule_id)
            });
            prop_assert_eq!(fast, slow, "{:?}", call);
        }
    }

    #[test]
    fn another_deny_never_loosens(
        policies in policies(), rule in rule(), at in any::<prop::sample::Index>(), call in call(), is_policy in any::<bool>(),
    ) {
        let mut stricter = policies.clone();
        let mut deny = installed(99, vec![rule], None, None);
        deny.rules[0].action = PolicyAction::Deny;
        deny.rules[0].mode = Mode::Enforce;
        if is_policy || stricter.is_empty() {
            stricter.push(deny);
        } else {
            let into = at.index(stricter.len());
            stricter[into].rules.extend(deny.rules);
        }
        let judge = |policies: &[InstalledPolicy]| {
            call.with(|facts| PolicySet::compile(policies).unwrap().evaluate(facts).decision)
        };
        prop_assert!(judge(&stricter) >= judge(&policies));
    }

    #[test]
    fn the_order_of_policies_never_matters(
        (policies, shuffled) in policies().prop_flat_map(|p| (Just(p.clone()), Just(p).prop_shuffle())), call in call(),
    ) {
        let judge = |policies: &[InstalledPolicy]| {
            call.with(|facts| PolicySet::compile(policies).unwrap().evaluate(facts))
        };
        prop_assert_eq!(judge(&policies), judge(&shuffled));
    }

    #[test]
    fn what_is_printed_reads_back(sources in vec(source(), 0..3)) {
        let yaml = print_yaml(&sources);
        prop_assert_eq!(&parse_yaml(&yaml, "p.yaml").unwrap(), &sources, "{}", yaml);
        let json = print_json(&sources);
        prop_assert_eq!(&parse_yaml(&json, "p.json").unwrap(), &sources, "{}", json);
        prop_assert_eq!(&parse_json(serde_json::from_str(&json).unwrap()).unwrap(), &sources, "{}", json);
        prop_assert_eq!(format(&yaml, "p.yaml").unwrap(), yaml);
        prop_assert_eq!(format(&json, "p.json").unwrap(), json);
    }

    #[test]
    fn nothing_differs_from_itself(
        (sources, shuffled) in vec(source(), 0..4).prop_map(named).prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())),
        other in vec(source(), 0..4).prop_map(named),
    ) {
        prop_assert_eq!(diff(&sources, &shuffled), vec![]);
        prop_assert_eq!(diff(&sources, &other).is_empty(), diff(&other, &sources).is_empty());
    }

    #[test]
    fn reading_and_checking_never_panic(text in "\\PC{0,200}", broken in "[\\[\\]{}:,&*a-c\\n '\"$.!|>-]{0,80}") {
        for text in [text, broken] {
            if let Ok(policies) = parse_yaml(&text, "f") {
                for policy in &policies {
                    check(policy);
                }
            }
        }
    }
}
