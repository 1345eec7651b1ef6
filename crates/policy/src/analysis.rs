//! What rules mean beside each other: those that can never match, and those that never come to speak.

use crate::condition::Condition;
use crate::matcher::tools;
use crate::path::JsonPath;
use crate::source::{Match, Mode, RuleSource};
use interven_types::Confidence;
use serde_json::{Map, Value};

/// Why a rule cannot match any call, if that can be told from the rule alone.
pub(crate) fn never_matches(rule: &RuleSource, env_names: Option<&[String]>) -> Option<String> {
    let named = &rule.matches.env_names;
    if tools(&rule.matches).is_some_and(|tools| tools.is_empty()) {
        return Some("`tool_name` is not among `tool_names`".to_owned());
    }
    if let Some(in_force) = env_names
        && !named.is_empty()
        && !named.iter().any(|env| in_force.contains(env))
    {
        return Some("the policy is not in force in any of its `env_names`".to_owned());
    }
    never_holds(&rule.condition)
}

fn never_holds(condition: &Condition) -> Option<String> {
    if condition.not.as_ref().is_some_and(|inner| inner.is_empty()) {
        return Some("`not: {}` never holds".to_owned());
    }
    if condition.risk_score_gt.is_some_and(|score| score >= 1.0) {
        return Some("no risk score is above 1".to_owned());
    }
    if condition.trust_score_lt.is_some_and(|score| score <= 0.0) {
        return Some("no trust score is below 0".to_owned());
    }
    for (low_key, low) in
        [("body_path_gt", &condition.body_path_gt), ("body_path_gte", &condition.body_path_gte)]
    {
        for (high_key, high) in
            [("body_path_lt", &condition.body_path_lt), ("body_path_lte", &condition.body_path_lte)]
        {
            let Some((low, high)) = low.as_ref().zip(high.as_ref()) else { continue };
            let is_closed = low_key.ends_with('e') && high_key.ends_with('e');
            let is_empty = low.value > high.value || (low.value == high.value && !is_closed);
            // With `[*]`, one element may be above and another below.
            if low.path == high.path && has_one_value(&low.path) && is_empty {
                return Some(format!("no number satisfies both `{low_key}` and `{high_key}`"));
            }
        }
    }
    let hopeless: Vec<String> = condition.any_of.iter().map_while(never_holds).collect();
    if !hopeless.is_empty() && hopeless.len() == condition.any_of.len() {
        return hopeless.into_iter().next();
    }
    None
}

fn has_one_value(path: &str) -> bool {
    JsonPath::parse(path).is_ok_and(|path| !path.has_wildcard())
}

/// Rules that an earlier rule of the policy always precedes: their number, and the earlier rule's id.
///
/// Told from the text alone, so some are missed; none is named wrongly.
pub(crate) fn shadowed(rules: &[RuleSource]) -> Vec<(usize, &str)> {
    /// Each rule is compared with each earlier one; beyond this many the answer is not worth its time.
    const MAX_RULES: usize = 1_000;
    let mut ordered: Vec<(usize, &RuleSource)> = rules.iter().enumerate().take(MAX_RULES).collect();
    ordered.sort_by_key(|(index, rule)| (rule.priority, *index));
    let keyed: Vec<(usize, &RuleSource, Option<Keys>)> =
        ordered.into_iter().map(|(index, rule)| (index, rule, Keys::of(rule))).collect();
    let mut shadowed: Vec<(usize, &str)> = keyed
        .iter()
        .enumerate()
        .filter_map(|(place, (index, rule, keys))| {
            let earlier = keyed.iter().take(place).find(|(_, earlier, earlier_keys)| {
                let is_wider = earlier_keys.as_ref().zip(keys.as_ref()).is_some_and(|(e, k)| e.cover(k));
                // On a type error a strict rule matches where a lenient one does not.
                let may_differ = rule.action.fails_closed() && !earlier.action.fails_closed();
                let is_as_strict = !(may_differ && may_meet_type_errors(&earlier.condition));
                earlier.mode == Mode::Enforce && is_as_strict && is_wider
            })?;
            Some((*index, earlier.1.rule_id.as_str()))
        })
        .collect();
    shadowed.sort_unstable();
    shadowed
}

fn may_meet_type_errors(condition: &Condition) -> bool {
    let Condition { body_path_equals, body_path_in, body_path_gt, body_path_gte, .. } = condition;
    let Condition { body_path_lt, body_path_lte, not, any_of, .. } = condition;
    let numbers = [body_path_gt, body_path_gte, body_path_lt, body_path_lte];
    body_path_equals.is_some()
        || body_path_in.is_some()
        || numbers.iter().any(|test| test.is_some())
        || not.as_deref().is_some_and(may_meet_type_errors)
        || any_of.iter().any(may_meet_type_errors)
}

/// The keys of a rule's match and condition in their canonical form.
struct Keys {
    matches: Map<String, Value>,
    condition: Map<String, Value>,
    bar: Confidence,
}

impl Keys {
    fn of(rule: &RuleSource) -> Option<Self> {
        let matches = Match {
            tool_name: None,
            tool_names: tools(&rule.matches).unwrap_or_default(),
            ..rule.matches.clone()
        };
        let object = |value| if let Ok(Value::Object(keys)) = value { Some(keys) } else { None };
        let mut condition = object(serde_json::to_value(&rule.condition))?;
        condition.remove("has_data_class_min_confidence");
        Some(Self {
            matches: object(serde_json::to_value(matches))?,
            condition,
            bar: rule.condition.has_data_class_min_confidence.unwrap_or(Confidence::Medium),
        })
    }

    /// Whether these keys admit every call that the others admit.
    fn cover(&self, other: &Self) -> bool {
        let is_wider = |key: &String, ours: &Value, theirs: Option<&Value>| {
            theirs.is_some_and(|theirs| match (key.as_str(), ours, theirs) {
                // All of these must be there: fewer is wider.
                ("body_contains_all", Value::Array(ours), Value::Array(theirs)) => {
                    ours.iter().all(|item| theirs.contains(item))
                }
                ("aws_tags", Value::Object(ours), Value::Object(theirs)) => {
                    ours.iter().all(|(key, value)| theirs.get(key) == Some(value))
                }
                // Any of these must be there: more is wider.
                (_, Value::Array(ours), Value::Array(theirs)) => {
                    theirs.iter().all(|item| ours.contains(item))
                        || ours.iter().any(|item| item == "*" && key == "operations")
                }
                _ => ours == theirs,
            })
        };
        self.matches.iter().all(|(key, ours)| is_wider(key, ours, other.matches.get(key)))
            && self.condition.iter().all(|(key, ours)| is_wider(key, ours, other.condition.get(key)))
            && (self.bar <= other.bar || !self.condition.contains_key("has_data_class"))
    }
}
