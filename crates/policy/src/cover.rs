//! Whether one rule is about every call that another is about: told from their texts, so some are missed and none is
//! named wrongly.

use crate::condition::Condition;
use crate::matcher::tools;
use crate::print::tree;
use crate::read::keys_of;
use crate::source::{Match, RuleSource};
use interven_types::Confidence;
use serde_json::{Map, Value};

/// The keys of a rule's match and condition in their canonical form.
#[derive(Debug, PartialEq)]
pub(crate) struct Keys {
    matches: Map<String, Value>,
    condition: Map<String, Value>,
    bar: Confidence,
    /// One bit for each key that is there.
    present: u128,
}

impl Keys {
    /// `env_names` are those of the rule's policy.
    pub(crate) fn of(rule: &RuleSource, env_names: Option<&[String]>) -> Self {
        let mut matches = Match {
            tool_name: None,
            tool_names: tools(&rule.matches).unwrap_or_default(),
            env_names: common(env_names, &rule.matches.env_names),
            ..rule.matches.clone()
        };
        if matches.operations.iter().any(|operation| operation == "*") {
            matches.operations.clear();
        }
        let matches = object(tree(&matches));
        let (condition, bar) = of_condition(&rule.condition);
        let all = keys_of::<Match>().iter().chain(keys_of::<Condition>());
        let is_there = |key: &&str| matches.contains_key(*key) || condition.contains_key(*key);
        let present =
            all.enumerate().filter(|(_, key)| is_there(key)).fold(0, |bits, (at, _)| bits | 1 << at);
        Self { matches, condition, bar, present }
    }

    /// Whether these keys admit every call that the others admit.
    pub(crate) fn cover(&self, other: &Self) -> bool {
        self.present & !other.present == 0
            && are_wider(&self.matches, &other.matches)
            && are_wider(&self.condition, &other.condition)
            && (self.bar <= other.bar || !self.condition.contains_key("has_data_class"))
    }

    /// The items of a list of the match.
    pub(crate) fn listed(&self, key: &str) -> impl Iterator<Item = &str> {
        self.matches.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The same text for the same match and condition, environments aside.
    pub(crate) fn identity(&self) -> String {
        let mut matches = self.matches.clone();
        matches.remove("env_names");
        format!("{}{}{}", Value::Object(matches), Value::Object(self.condition.clone()), self.bar.as_str())
    }
}

/// Whether every call of which `inner` holds is one of which `outer` holds, wherever both can be evaluated.
pub(crate) fn is_implied(outer: &Condition, inner: &Condition) -> bool {
    let ((outer, outer_bar), (inner, inner_bar)) = (of_condition(outer), of_condition(inner));
    are_wider(&outer, &inner) && (outer_bar <= inner_bar || !outer.contains_key("has_data_class"))
}

fn of_condition(condition: &Condition) -> (Map<String, Value>, Confidence) {
    let mut keys = object(tree(condition));
    keys.remove("has_data_class_min_confidence");
    (keys, condition.has_data_class_min_confidence.unwrap_or(Confidence::Medium))
}

/// Environments of both. No environment at all is left to the check of rules that can never match.
fn common(policy: Option<&[String]>, rule: &[String]) -> Vec<String> {
    match policy {
        None => rule.to_vec(),
        Some(policy) if rule.is_empty() => policy.to_vec(),
        Some(policy) => rule.iter().filter(|env| policy.contains(env)).cloned().collect(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(keys) = value { keys } else { Map::new() }
}

fn are_wider(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> bool {
    ours.iter().all(|(key, ours)| theirs.get(key).is_some_and(|theirs| is_wider(key, ours, theirs)))
}

fn is_wider(key: &str, ours: &Value, theirs: &Value) -> bool {
    match (key, ours, theirs) {
        // All of these must be there: fewer is wider.
        ("body_contains_all", Value::Array(ours), Value::Array(theirs)) => {
            ours.iter().all(|item| theirs.contains(item))
        }
        ("aws_tags", Value::Object(ours), Value::Object(theirs)) => {
            ours.iter().all(|(key, value)| theirs.get(key) == Some(value))
        }
        // Any of these must be there: more is wider.
        (_, Value::Array(ours), Value::Array(theirs)) => theirs.iter().all(|item| ours.contains(item)),
        _ => ours == theirs,
    }
}
