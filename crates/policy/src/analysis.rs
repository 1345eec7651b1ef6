//! Rules that can never match, as far as the rule alone tells.

use crate::condition::Condition;
use crate::cover::is_implied;
use crate::judge::is_same;
use crate::matcher::tools;
use crate::path::JsonPath;
use crate::source::RuleSource;
use crate::together::may_meet_type_errors;

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
    let methods = &rule.matches.methods;
    let asked = |operation: &String| operation.strip_prefix("method:").map(str::to_ascii_uppercase);
    let asked: Option<Vec<String>> = rule.matches.operations.iter().map(asked).collect();
    if let Some(asked) = asked.filter(|asked| !asked.is_empty() && !methods.is_empty())
        && !methods.iter().any(|method| asked.contains(&method.to_ascii_uppercase()))
    {
        return Some("no method is both among `methods` and `operations`".to_owned());
    }
    never_holds(&rule.condition)
}

fn never_holds(condition: &Condition) -> Option<String> {
    if condition.not.as_ref().is_some_and(|inner| inner.is_empty()) {
        return Some("`not: {}` never holds".to_owned());
    }
    if let Some(inner) = condition.not.as_deref().filter(|inner| !may_meet_type_errors(inner)) {
        let beside = Condition { not: None, ..condition.clone() };
        if is_implied(inner, &beside) {
            return Some("what `not` excludes is what the rest of the condition demands".to_owned());
        }
    }
    if let Some(why) = contradicts_value(condition) {
        return Some(why);
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

/// A value at one path that another key rules out.
fn contradicts_value(condition: &Condition) -> Option<String> {
    let equals = condition.body_path_equals.as_ref().filter(|test| has_one_value(&test.path));
    if let Some((equals, one_of)) = equals.zip(condition.body_path_in.as_ref())
        && equals.path == one_of.path
        && !one_of.value.iter().any(|value| is_same(value, &equals.value))
    {
        return Some("the value of `body_path_equals` is not among those of `body_path_in`".to_owned());
    }
    let absent = condition.body_path_exists.as_ref().filter(|test| !test.value)?;
    let compared = [
        &condition.body_path_gt,
        &condition.body_path_gte,
        &condition.body_path_lt,
        &condition.body_path_lte,
    ];
    let mut paths = compared.into_iter().flatten().map(|test| &test.path);
    let is_compared = paths.any(|path| *path == absent.path)
        || condition.body_path_equals.as_ref().is_some_and(|test| test.path == absent.path)
        || condition.body_path_in.as_ref().is_some_and(|test| test.path == absent.path);
    is_compared.then(|| format!("`{}` must lead nowhere and to a value", absent.path))
}

fn has_one_value(path: &str) -> bool {
    JsonPath::parse(path).is_ok_and(|path| !path.has_wildcard())
}
