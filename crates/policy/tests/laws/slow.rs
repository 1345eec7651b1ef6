//! The evaluator as the language is described: no index, no compiled patterns, no shared passes.

use interven_policy::{Condition, Day, Facts, InstalledPolicy, Match, Mode, RuleSource, TimeWindow};
use interven_types::{Action, Confidence, DataClass, Decision, Timestamp};
use serde_json::Value;
use std::collections::BTreeSet;

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
        && (globs(&matches.repo_patterns, action.repo.as_deref())
            || globs(&matches.repo_patterns, full_repo(action).as_deref()))
        && globs(&matches.channel_patterns, action.channel.as_deref())
        && globs(&matches.region_patterns, action.region.as_deref())
        && globs(&matches.account_patterns, action.account.as_deref())
        && (matches.principal_patterns.is_empty()
            || action.principals.iter().any(|who| globs(&matches.principal_patterns, Some(who))))
        && matches.aws_tags.iter().all(|(key, value)| action.aws_tags.get(key) == Some(value))
}

fn full_repo(action: &Action) -> Option<String> {
    Some(format!("{}/{}", action.org.as_ref()?, action.repo.as_ref()?))
}

fn fact(wanted: Option<bool>, found: Option<bool>) -> Option<Truth> {
    wanted.map(|wanted| found.map_or(Truth::Unknown, |found| sure(found == wanted)))
}

/// Where a path leads, step by step as it is written, and whether something stands in its way.
fn nodes<'v>(path: &str, body: &'v Value) -> (Vec<&'v Value>, bool) {
    let mut nodes = vec![body];
    let mut is_obstructed = false;
    for (depth, step) in path[1..].replace('[', ".[").split('.').skip(1).enumerate() {
        let mut next = Vec::new();
        for node in nodes {
            match (step, node) {
                ("[*]", Value::Array(items)) => next.extend(items),
                ("[*]", Value::Object(members)) => next.extend(members.values()),
                (_, Value::Array(items)) if step.starts_with('[') && step != "[*]" => {
                    next.extend(items.get(step[1..step.len() - 1].parse::<usize>().unwrap()));
                }
                (_, Value::Object(members)) if !step.starts_with('[') => next.extend(members.get(step)),
                (_, Value::Null) => {}
                (_, Value::Array(_) | Value::Object(_)) => is_obstructed = true,
                _ => is_obstructed |= depth > 0,
            }
        }
        nodes = next;
    }
    (nodes, is_obstructed)
}

fn at_path(path: &str, facts: &Facts<'_>, judge: impl Fn(&Value) -> Truth) -> Truth {
    nodes(path, facts.body).0.into_iter().map(judge).max().unwrap_or(Truth::Unknown)
}

fn number_at(path: &str, facts: &Facts<'_>, compare: impl Fn(f64) -> bool) -> Truth {
    let judged = at_path(path, facts, |node| match node {
        Value::Number(n) => sure(compare(n.as_f64().unwrap())),
        _ => Truth::TypeError,
    });
    if nodes(path, facts.body).1 { judged.max(Truth::TypeError) } else { judged }
}

/// Whether weekday and minute of the local clock are among those of the window, written out one by one.
fn is_inside(window: &TimeWindow, now: Timestamp) -> bool {
    let days = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun];
    let minute_of =
        |time: &str| time[..2].parse::<usize>().unwrap() * 60 + time[3..].parse::<usize>().unwrap();
    let (start, end) = (minute_of(&window.start), minute_of(&window.end));
    let length = (end + 1440 - start) % 1440;
    let starts = (0..7).filter(|day| window.days.is_empty() || window.days.contains(&days[*day]));
    let minutes: BTreeSet<usize> = starts
        .flat_map(|day| (0..length).map(move |minute| (day * 1440 + start + minute) % (7 * 1440)))
        .collect();
    let local = now.to_jiff().in_tz(&window.tz).unwrap();
    let day = local.weekday().to_monday_zero_offset() as usize;
    minutes.contains(&(day * 1440 + local.hour() as usize * 60 + local.minute() as usize))
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
    let all = [
        (!condition.has_data_class.is_empty()).then(|| sure(condition.has_data_class.iter().any(carries))),
        (!condition.body_contains_any.is_empty()).then(|| sure(condition.body_contains_any.iter().any(says))),
        (!condition.body_contains_all.is_empty()).then(|| sure(condition.body_contains_all.iter().all(says))),
        condition.body_path_equals.as_ref().map(|t| at_path(&t.path, facts, |node| sure(*node == t.value))),
        condition.body_path_in.as_ref().map(|t| at_path(&t.path, facts, |node| sure(t.value.contains(node)))),
        condition.body_path_gt.as_ref().map(|t| number_at(&t.path, facts, |n| n > t.value)),
        condition.body_path_gte.as_ref().map(|t| number_at(&t.path, facts, |n| n >= t.value)),
        condition.body_path_lt.as_ref().map(|t| number_at(&t.path, facts, |n| n < t.value)),
        condition.body_path_lte.as_ref().map(|t| number_at(&t.path, facts, |n| n <= t.value)),
        condition.body_path_exists.as_ref().map(|t| sure(nodes(&t.path, facts.body).0.is_empty() != t.value)),
        condition.body_size_bytes_gt.map(|bound| sure(facts.body_bytes as u64 > bound)),
        fact(condition.is_external_principal, Some(action.external_principal)),
        fact(condition.is_external_host, Some(action.external_host)),
        fact(condition.is_new_destination, Some(facts.is_new_destination)),
        fact(condition.is_volume_burst, Some(facts.is_volume_burst)),
        fact(condition.agent_in_scrutiny, Some(facts.agent_in_scrutiny)),
        condition.risk_score_gt.map(|bound| sure(facts.risk_score > bound)),
        condition.trust_score_lt.map(|bound| sure(facts.trust_score < bound)),
        fact(condition.threat_intel_match, facts.threat_intel_match),
        given(&condition.semantic_category, facts.semantic_categories),
        given(&condition.correlation_pattern, facts.correlation_patterns),
        condition.daily_budget_exceeded.as_ref().map(|name| {
            match facts.budgets.and_then(|budgets| budgets.get(name)) {
                None => Truth::Unknown,
                Some(budget) => budget.is_exceeded().map_or(Truth::TypeError, sure),
            }
        }),
        condition.time_of_day_outside.as_ref().map(|window| sure(!is_inside(window, facts.now))),
        fact(condition.mcp_drift_detected, facts.mcp.map(|mcp| mcp.drift_detected)),
        fact(condition.mcp_origin_changed, facts.mcp.map(|mcp| mcp.origin_changed)),
        fact(condition.mcp_injection_heuristic, facts.mcp.map(|mcp| mcp.injection_heuristic)),
        fact(condition.mcp_risky_param_added, facts.mcp.map(|mcp| mcp.risky_param_added)),
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

fn rule_matches(rule: &RuleSource, action: &Action, facts: &Facts<'_>) -> bool {
    is_about(&rule.matches, action, facts)
        && match holds(&rule.condition, action, facts) {
            Truth::True => true,
            Truth::TypeError => rule.action.decision() >= Decision::RequireApproval,
            _ => false,
        }
}

/// The rule that speaks about one action in each policy of one group.
fn speaking<'p>(
    policies: &[&'p InstalledPolicy],
    action: &Action,
    facts: &Facts<'_>,
) -> Vec<(&'p InstalledPolicy, &'p RuleSource)> {
    let in_force = |policy: &&&InstalledPolicy| policy.env_name.as_deref().is_none_or(|env| env == facts.env);
    let speaker = |policy: &&'p InstalledPolicy| {
        let mut rules: Vec<&RuleSource> =
            policy.rules.iter().filter(|rule| rule.mode == Mode::Enforce).collect();
        rules.sort_by_key(|rule| rule.priority);
        rules.into_iter().find(|rule| rule_matches(rule, action, facts)).map(|rule| (*policy, rule))
    };
    policies.iter().filter(in_force).filter_map(speaker).collect()
}

/// The decision, and name and rule id of what decided.
pub(crate) fn slowly(policies: &[InstalledPolicy], facts: &Facts<'_>) -> Option<(Decision, String, String)> {
    let mut sorted: Vec<&InstalledPolicy> = policies.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let (own, tenant): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|policy| policy.agent_override.is_some());
    let own: Vec<_> =
        own.into_iter().filter(|policy| policy.agent_override == Some(facts.agent_id)).collect();
    let decision = |spoken: &(&InstalledPolicy, &RuleSource)| spoken.1.action.decision();
    let about = |action: &&Action| {
        let own = speaking(&own, action, facts);
        let silences = own.iter().map(decision).max() == Some(Decision::Allow);
        let tenant = speaking(&tenant, action, facts);
        let heard = tenant.into_iter().filter(move |s| !silences || decision(s) == Decision::Deny);
        own.into_iter().chain(heard).collect::<Vec<_>>()
    };
    let spoken: Vec<_> = facts.actions.iter().flat_map(about).collect();
    let strictest = spoken.iter().map(decision).max()?;
    let equally_strict = spoken.iter().filter(|spoken| decision(spoken) == strictest);
    // Of equal priorities the agent's own policy first, then by name, then in the order written.
    let order = |spoken: &&(&InstalledPolicy, &RuleSource)| {
        let (policy, rule) = spoken;
        let written = policy.rules.iter().position(|r| r.rule_id == rule.rule_id);
        (rule.priority, policy.agent_override.is_none(), policy.name.clone(), written)
    };
    let (policy, rule) = equally_strict.min_by_key(order)?;
    Some((strictest, policy.name.clone(), rule.rule_id.clone()))
}
