//! What two sets of policies differ in.

use crate::print::tree;
use crate::source::{PolicySource, RuleSource};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One policy that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyChange {
    pub name: String,
    /// `None`: the policy is in force in every environment.
    pub env_name: Option<String>,
    /// The agent whose own policy it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub change: Change,
    /// Keys of the policy itself that differ, when both sides have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyChange>,
    /// By `rule_id`: rules that differ; all of them when only one side has the policy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleChange>,
}

/// One rule that is not the same on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleChange {
    pub rule_id: String,
    pub change: Change,
    /// Each key that differs; all that are set when only one side has the rule.
    pub keys: Vec<KeyChange>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Added,
    Removed,
    Changed,
}

/// A key with another value, in the canonical form of the language.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyChange {
    /// `match.tool_names`; `rules` for another order of equal rules that share a priority.
    pub path: String,
    /// `None`: the key was not there.
    pub before: Option<Value>,
    /// `None`: the key is not there any more.
    pub after: Option<Value>,
}

/// What changes when `new` stands in place of `old`: by name, environment and agent, sorted. The order of policies does not
/// matter, that of rules only among those of one priority. Empty for equals.
///
/// A policy that names several environments is compared as one policy for each.
pub fn diff(old: &[PolicySource], new: &[PolicySource]) -> Vec<PolicyChange> {
    let (old, new) = (by_name(old), by_name(new));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changes = names.into_iter().filter_map(|name| {
        let (before, after) = (old.get(name).copied(), new.get(name).copied());
        let rules = rule_changes(before, after);
        let keys = match (before, after) {
            (Some(before), Some(after)) => frame_changes(before, after),
            _ => Vec::new(),
        };
        let change = change(before, after);
        let is_same = change == Change::Changed && rules.is_empty() && keys.is_empty();
        let (name, env_name, agent) = name;
        (!is_same).then(|| PolicyChange {
            name: (*name).to_owned(),
            env_name: env_name.map(str::to_owned),
            agent: agent.map(str::to_owned),
            change,
            keys,
            rules,
        })
    });
    changes.collect()
}

/// Name, environment, agent.
type Name<'p> = (&'p str, Option<&'p str>, Option<&'p str>);

fn by_name(policies: &[PolicySource]) -> BTreeMap<Name<'_>, &PolicySource> {
    let mut named = BTreeMap::new();
    for policy in policies {
        let in_env = |env| (policy.name.as_str(), env, policy.agent.as_deref());
        match &policy.env_names {
            None => {
                named.insert(in_env(None), policy);
            }
            Some(envs) => named.extend(envs.iter().map(|env| (in_env(Some(env.as_str())), policy))),
        }
    }
    named
}

fn change<T>(before: Option<T>, after: Option<T>) -> Change {
    match (before, after) {
        (None, _) => Change::Added,
        (_, None) => Change::Removed,
        _ => Change::Changed,
    }
}

/// Description, tags, and the order of rules where it decides which of them speaks.
fn frame_changes(before: &PolicySource, after: &PolicySource) -> Vec<KeyChange> {
    let frame = |policy: &PolicySource| match tree(policy) {
        Value::Object(mut keys) => {
            keys.retain(|key, _| !matches!(key.as_str(), "name" | "env_names" | "agent" | "rules"));
            keys
        }
        _ => Map::new(),
    };
    let mut keys = key_changes("", &frame(before), &frame(after));
    let (before, after) = (order(before, after), order(after, before));
    if before != after {
        keys.push(KeyChange {
            path: "rules".to_owned(),
            before: Some(before.into()),
            after: Some(after.into()),
        });
    }
    keys
}

/// The ids of the rules that both sides have with one priority, in the order of evaluation.
fn order<'p>(policy: &'p PolicySource, other: &PolicySource) -> Vec<&'p str> {
    let priorities: BTreeMap<&str, i64> =
        other.rules.iter().map(|rule| (rule.rule_id.as_str(), rule.priority)).collect();
    let mut shared: Vec<&RuleSource> = policy
        .rules
        .iter()
        .filter(|rule| priorities.get(rule.rule_id.as_str()) == Some(&rule.priority))
        .collect();
    shared.sort_by_key(|rule| rule.priority);
    shared.into_iter().map(|rule| rule.rule_id.as_str()).collect()
}

fn rule_changes(before: Option<&PolicySource>, after: Option<&PolicySource>) -> Vec<RuleChange> {
    let by_id = |policy: Option<&PolicySource>| -> BTreeMap<String, Map<String, Value>> {
        let rules = policy.into_iter().flat_map(|policy| &policy.rules);
        let keyed = rules.filter_map(|rule| match tree(rule) {
            Value::Object(keys) => Some((rule.rule_id.clone(), keys)),
            _ => None,
        });
        keyed.collect()
    };
    let (before, after) = (by_id(before), by_id(after));
    let ids: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let nothing = Map::new();
    let changes = ids.into_iter().filter_map(|id| {
        let (old, new) = (before.get(id), after.get(id));
        let mut keys = key_changes("", old.unwrap_or(&nothing), new.unwrap_or(&nothing));
        keys.retain(|key| key.path != "rule_id");
        (!keys.is_empty()).then(|| RuleChange { rule_id: id.clone(), change: change(old, new), keys })
    });
    changes.collect()
}

/// Keys with different values; into maps that both sides have it goes down.
fn key_changes(at: &str, before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<KeyChange> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    let nothing = Map::new();
    for key in keys {
        let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match (before.get(key), after.get(key)) {
            (before, after) if before == after => {}
            // Only these two have keys of their own; what else is a map is one value.
            (before, after) if at.is_empty() && matches!(key.as_str(), "match" | "condition") => {
                let map = |side: Option<&Value>| side.and_then(Value::as_object).unwrap_or(&nothing).clone();
                changes.extend(key_changes(&path, &map(before), &map(after)));
            }
            (before, after) => {
                changes.push(KeyChange { path, before: before.cloned(), after: after.cloned() });
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_yaml;
    use serde_json::json;

    const OLD: &str = "
policies:
  - name: chat
    env_names: [dev, production]
    rules:
      - { rule_id: a, match: { tool_names: [slack], verbs: [WRITE] }, action: DENY }
      - { rule_id: b, action: ALLOW }
  - { name: chat, agent: bot, rules: [{ rule_id: a, action: ALLOW }] }
  - { name: mail, description: before, rules: [{ rule_id: m, action: DENY, priority: 1 }, { rule_id: n, action: ALLOW }] }
";
    const NEW: &str = "
policies:
  - { name: mail, rules: [{ rule_id: n, action: ALLOW }, { rule_id: m, action: DENY, priority: 1 }] }
  - name: chat
    env_name: dev
    rules:
      - { rule_id: b, action: ALLOW }
      - { rule_id: a, match: { tool_names: [slack] }, condition: { risk_score_gt: 0.5 }, action: DENY }
      - { rule_id: c, action: SANITIZE }
";

    #[test]
    fn changes_are_told_by_name_environment_rule_and_key() {
        let (old, new) = (parse_yaml(OLD, "").unwrap(), parse_yaml(NEW, "").unwrap());
        let told = serde_json::to_value(diff(&old, &new)).unwrap();
        let expected = json!([
            {"name": "chat", "env_name": null, "agent": "bot", "change": "removed", "rules": [
                {"rule_id": "a", "change": "removed", "keys": [{"path": "action", "before": "ALLOW", "after": null}]}]},
            {"name": "chat", "env_name": "dev", "change": "changed",
                "keys": [{"path": "rules", "before": ["a", "b"], "after": ["b", "a"]}],
                "rules": [
                    {"rule_id": "a", "change": "changed", "keys": [
                        {"path": "condition.risk_score_gt", "before": null, "after": 0.5},
                        {"path": "match.verbs", "before": ["WRITE"], "after": null}]},
                    {"rule_id": "c", "change": "added", "keys": [{"path": "action", "before": null, "after": "SANITIZE"}]}]},
            {"name": "chat", "env_name": "production", "change": "removed", "rules": [
                {"rule_id": "a", "change": "removed", "keys": [
                    {"path": "action", "before": "DENY", "after": null},
                    {"path": "match.tool_names", "before": ["slack"], "after": null},
                    {"path": "match.verbs", "before": ["WRITE"], "after": null}]},
                {"rule_id": "b", "change": "removed", "keys": [{"path": "action", "before": "ALLOW", "after": null}]}]},
            {"name": "mail", "env_name": null, "change": "changed",
                "keys": [{"path": "description", "before": "before", "after": null}]}
        ]);
        assert_eq!(told, expected);
        assert_eq!(diff(&old, &old), []);
    }
}
