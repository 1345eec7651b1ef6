//! What can be said about a policy before it is saved.

use crate::analysis;
use crate::condition::Condition;
use crate::diagnostic::{Diagnostic, Findings, Path};
use crate::matcher::tools;
use crate::naming::check_names;
use crate::needle::NeedleTable;
use crate::pattern::Pattern;
use crate::read::unknown;
use crate::set::CompiledRule;
use crate::source::{Match, PolicyAction, PolicySource, RuleSource};
use crate::together::{find_beaten, find_silent};
use interven_types::Vocabulary;
use std::collections::HashSet;

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest text to look for in a body, in bytes.
const MAX_NEEDLE_BYTES: usize = 1_000;

/// The semantic engine's categories.
const SEMANTIC_CATEGORIES: &[&str] =
    &["EXFILTRATION", "PRIVILEGE_ESCALATION", "DESTRUCTIVE", "PROMPT_INJECTION", "LATERAL_MOVEMENT"];

/// Every error and warning about one policy, told from itself alone. A policy without errors compiles.
pub fn check(policy: &PolicySource) -> Vec<Diagnostic> {
    findings(policy).unlocated()
}

/// [`check`] of each policy, and what only shows beside the others, beside those of `in_force`, and beside the names that
/// calls can get. In the order of `policies`. One policy twice for one environment is an error; what else [`check`] does
/// not find is a warning.
///
/// `in_force` are policies that stay as they are: without those that `policies` replace.
pub fn check_together(
    policies: &[PolicySource],
    in_force: &[PolicySource],
    vocabulary: &Vocabulary,
) -> Vec<Vec<Diagnostic>> {
    let policies: Vec<&PolicySource> = policies.iter().collect();
    findings_together(&policies, in_force, vocabulary).into_iter().map(Findings::unlocated).collect()
}

pub(crate) fn findings_together(
    policies: &[&PolicySource],
    in_force: &[PolicySource],
    vocabulary: &Vocabulary,
) -> Vec<Findings> {
    let all: Vec<&PolicySource> = policies.iter().copied().chain(in_force).collect();
    let rules = Path::default().then("rules");
    let mut seen = HashSet::new();
    let mut found = Vec::with_capacity(policies.len());
    for policy in policies.iter().copied() {
        let mut findings = findings(policy);
        let envs = policy.env_names.iter().flatten().map(|env| Some(env.as_str()));
        let everywhere = policy.env_names.is_none().then_some(None);
        let places = envs.chain(everywhere).map(|env| (policy.name.as_str(), env, policy.agent.as_deref()));
        if places.filter(|place| !seen.insert(*place)).count() > 0 {
            findings.error(
                Path::default().then("name"),
                format!("the policy `{}` stands here twice for one environment", policy.name),
            );
        }
        for (index, rule) in policy.rules.iter().enumerate() {
            check_names(&rule.matches, &rules.then(index).then("match"), vocabulary, &mut findings);
        }
        found.push(findings);
    }
    for (policy, rule, message) in find_beaten(&all, policies.len()) {
        if let Some(findings) = found.get_mut(policy) {
            findings.warn(rules.then(rule), message);
        }
    }
    found
}

pub(crate) fn findings(policy: &PolicySource) -> Findings {
    let mut findings = Findings::default();
    let root = Path::default();
    check_name(&policy.name, root.then("name"), &mut findings);
    for (index, env) in policy.env_names.iter().flatten().enumerate() {
        check_name(env, root.then("env_names").then(index), &mut findings);
    }
    if let Some(agent) = &policy.agent {
        check_name(agent, root.then("agent"), &mut findings);
    }
    check_tags(&policy.compliance_tags, &root, &mut findings);
    if policy.rules.is_empty() {
        findings.warn(root.then("rules"), "the policy has no rules");
    }
    let at = |index: usize| root.then("rules").then(index);
    let mut ids = HashSet::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        check_rule(rule, &at(index), &mut findings);
        if let Some(why) = analysis::never_matches(rule, policy.env_names.as_deref()) {
            findings.error(at(index), format!("rule `{}` can never match: {why}", rule.rule_id));
        }
        if !ids.insert(rule.rule_id.as_str()) {
            findings
                .error(at(index).then("rule_id"), format!("`{}` names an earlier rule too", rule.rule_id));
        }
    }
    for (index, message) in find_silent(policy) {
        findings.warn(at(index), message);
    }
    findings
}

fn check_rule(rule: &RuleSource, path: &Path, findings: &mut Findings) {
    check_name(&rule.rule_id, path.then("rule_id"), findings);
    CompiledRule::compile(rule, 0, path, &mut NeedleTable::default(), findings);
    check_match(&rule.matches, &path.then("match"), findings);
    check_condition(&rule.condition, &path.then("condition"), 0, findings);
    check_tags(&rule.compliance_tags, path, findings);
    if rule.reason_code.as_deref().is_some_and(|code| !is_upper_snake(code)) {
        findings.error(path.then("reason_code"), "a reason code is UPPER_SNAKE, such as `PII_REDACTED`");
    }
    if rule.approval_ttl_seconds.is_some_and(|ttl| !(60..=86_400).contains(&ttl)) {
        findings.error(path.then("approval_ttl_seconds"), "must be 60 to 86400 (1 minute to 24 hours)");
    }
    if rule.grant_max_uses.is_some_and(|uses| uses.bound() == Some(0)) {
        findings.error(path.then("grant_max_uses"), "must be at least 1, or `unlimited`");
    }
    for (key, is_given, action) in [
        ("sanitize_fields", !rule.sanitize_fields.is_empty(), PolicyAction::Sanitize),
        ("sanitize_classes", !rule.sanitize_classes.is_empty(), PolicyAction::Sanitize),
        ("approval_ttl_seconds", rule.approval_ttl_seconds.is_some(), PolicyAction::RequireApproval),
        ("grant_max_uses", rule.grant_max_uses.is_some(), PolicyAction::RequireApproval),
        ("approvers", !rule.approvers.is_empty(), PolicyAction::RequireApproval),
    ] {
        if is_given && rule.action != action {
            let message = format!("`{key}` has no effect unless the action is `{}`", action.as_str());
            findings.warn(path.then(key), message);
        }
    }
}

fn check_match(source: &Match, path: &Path, findings: &mut Findings) {
    for (index, operation) in source.operations.iter().enumerate() {
        let prefix = operation.split_once(':').map(|(prefix, _)| prefix);
        if prefix.is_some_and(|prefix| !matches!(prefix, "category" | "method")) {
            let message = "an operation is a name, `category:…`, `method:…` or `*`";
            findings.error(path.then("operations").then(index), message);
        }
    }
    let urls = ("url_patterns", source.url_patterns.as_slice());
    for (key, texts) in source.glob_lists().into_iter().chain([urls]) {
        for (index, text) in texts.iter().enumerate() {
            if let Some(message) = oddity(key, text) {
                findings.warn(path.then(key).then(index), message);
            }
        }
    }
    if tools(source).is_some_and(|tools| tools.iter().any(|tool| tool.contains(['*', '?']))) {
        findings
            .warn(path.then("tool_names"), "tools are names, not globs; leave the key out for every tool");
    }
}

/// What is odd about a pattern that can be read.
fn oddity(key: &str, text: &str) -> Option<String> {
    let says_nothing = match key {
        "url_patterns" => Pattern::on_url(text).ok()?.fits_every_url(),
        "host_patterns" => Pattern::on_host(text).ok()?.fits_every_name(),
        _ => Pattern::on_name(text).ok()?.fits_every_name(),
    };
    if says_nothing {
        return Some(format!("`{text}` matches everything that is there; is the key meant to restrict?"));
    }
    let is_of_path = key == "host_patterns" && text.contains('/');
    if is_of_path {
        return Some(format!(
            "`{text}` matches nothing: a host has no `/`; `url_patterns` sees the whole URL"
        ));
    }
    let has_scheme = text.contains("://") || text.starts_with(['*', '[']) || "https://".starts_with(text);
    (key == "url_patterns" && !has_scheme)
        .then(|| format!("`{text}` matches nothing: a URL begins with its scheme, such as `https://`"))
}

fn check_condition(source: &Condition, path: &Path, nesting: usize, findings: &mut Findings) {
    for (key, needles) in
        [("body_contains_any", &source.body_contains_any), ("body_contains_all", &source.body_contains_all)]
    {
        for (index, needle) in needles.iter().enumerate() {
            if needle.is_empty() {
                findings.error(path.then(key).then(index), "the text is empty, and so in every body");
            } else if needle.len() > MAX_NEEDLE_BYTES {
                let message = format!("the text is longer than {MAX_NEEDLE_BYTES} bytes");
                findings.error(path.then(key).then(index), message);
            }
        }
    }
    for (key, score) in [("risk_score_gt", source.risk_score_gt), ("trust_score_lt", source.trust_score_lt)] {
        if score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            findings.error(path.then(key), "must be a number from 0 to 1");
        }
    }
    for (index, category) in source.semantic_category.iter().enumerate() {
        if !SEMANTIC_CATEGORIES.contains(&category.as_str()) {
            let message = unknown("category", category, SEMANTIC_CATEGORIES);
            findings.error(path.then("semantic_category").then(index), message);
        }
    }
    if source.has_data_class_min_confidence.is_some() && source.has_data_class.is_empty() {
        let message = "has no effect without `has_data_class` beside it";
        findings.warn(path.then("has_data_class_min_confidence"), message);
    }
    // Deeper levels are an error already, found when compiling.
    if nesting < Condition::MAX_NESTING {
        if let Some(inner) = &source.not {
            check_condition(inner, &path.then("not"), nesting + 1, findings);
        }
        for (index, inner) in source.any_of.iter().enumerate() {
            let at = path.then("any_of").then(index);
            if inner.is_empty() {
                findings
                    .warn(at.clone(), "an empty alternative always holds, and so does the whole `any_of`");
            }
            check_condition(inner, &at, nesting + 1, findings);
        }
    }
}

fn check_name(name: &str, path: Path, findings: &mut Findings) {
    if name.trim().is_empty() {
        findings.error(path, "the name is empty");
    } else if name.chars().count() > MAX_NAME_CHARS {
        findings.error(path, format!("the name is longer than {MAX_NAME_CHARS} characters"));
    } else if name.chars().any(char::is_control) || name.trim() != name {
        findings.error(path, "the name has control characters, or spaces around it");
    }
}

/// `FRAMEWORK:CONTROL`
fn check_tags(tags: &[String], path: &Path, findings: &mut Findings) {
    for (index, tag) in tags.iter().enumerate() {
        let is_tag = tag.split_once(':').is_some_and(|(framework, control)| {
            is_upper_snake(&framework.replace('-', "_"))
                && !control.is_empty()
                && !control.contains(char::is_whitespace)
        });
        if !is_tag {
            let message =
                format!("`{tag}` is not of the form `FRAMEWORK:CONTROL`, such as `OWASP_LLM:LLM02`");
            findings.error(path.then("compliance_tags").then(index), message);
        }
    }
}

fn is_upper_snake(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity::{self, Error, Warning};
    use crate::parse_json;
    use serde_json::{Value, json};

    fn found(policy: Value) -> Vec<(Severity, String, String)> {
        let policy = parse_json(policy).unwrap().remove(0);
        check(&policy).into_iter().map(|d| (d.severity, d.path, d.message)).collect()
    }

    /// A policy of one rule with these members beside an id and an action.
    fn ruled(members: Value) -> Value {
        let mut rule = json!({"rule_id": "a", "action": "DENY"});
        rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({"name": "p", "rules": [rule]})
    }

    #[test]
    fn each_mistake_is_found_where_it_is() {
        let deep = json!({"not": {"not": {"not": {"not": {"not": {"risk_score_gt": 0.1}}}}}});
        for (members, severity, path, message) in [
            (json!({"match": {"org_patterns": ["a["]}}), Error, "match.org_patterns[0]", "not closed"),
            (json!({"match": {"url_patterns": [""]}}), Error, "match.url_patterns[0]", "empty"),
            (json!({"match": {"operations": ["verb:READ"]}}), Error, "match.operations[0]", "`category:…`"),
            (json!({"match": {"host_patterns": ["*"]}}), Warning, "match.host_patterns[0]", "everything"),
            (json!({"match": {"url_patterns": ["**"]}}), Warning, "match.url_patterns[0]", "everything"),
            (json!({"match": {"host_patterns": ["?*"]}}), Warning, "match.host_patterns[0]", "everything"),
            (json!({"match": {"url_patterns": ["http"]}}), Warning, "match.url_patterns[0]", "everything"),
            (
                json!({"match": {"host_patterns": ["a.test/x"]}}),
                Warning,
                "match.host_patterns[0]",
                "a host has no `/`",
            ),
            (
                json!({"match": {"url_patterns": ["a.test/x"]}}),
                Warning,
                "match.url_patterns[0]",
                "begins with its scheme",
            ),
            (
                json!({"match": {"methods": ["GET"], "operations": ["method:post"]}}),
                Error,
                "",
                "can never match",
            ),
            (
                json!({"condition": {"has_data_class": ["PII"], "not": {"has_data_class": ["PHI", "PII"]}}}),
                Error,
                "",
                "can never match",
            ),
            (
                json!({"condition": {"body_path_equals": {"path": "$.a", "value": 1}, "body_path_in": {"path": "$.a", "value": [2]}}}),
                Error,
                "",
                "can never match",
            ),
            (
                json!({"condition": {"body_path_exists": {"path": "$.a", "value": false}, "body_path_gt": {"path": "$.a", "value": 1}}}),
                Error,
                "",
                "can never match",
            ),
            (json!({"match": {"tool_names": ["git*"]}}), Warning, "match.tool_names", "not globs"),
            (json!({"match": {"tool_name": "a", "tool_names": ["b"]}}), Error, "", "can never match"),
            (json!({"condition": {"not": {}}}), Error, "", "can never match"),
            (json!({"condition": {"risk_score_gt": 1.0}}), Error, "", "can never match"),
            (json!({"condition": {"trust_score_lt": 0}}), Error, "", "can never match"),
            (
                json!({"condition": {"body_path_gt": {"path": "$.a", "value": 5}, "body_path_lt": {"path": "$.a", "value": 5}}}),
                Error,
                "",
                "can never match",
            ),
            (json!({"condition": {"risk_score_gt": 2}}), Error, "condition.risk_score_gt", "0 to 1"),
            (
                json!({"condition": {"body_contains_any": [""]}}),
                Error,
                "condition.body_contains_any[0]",
                "empty",
            ),
            (
                json!({"condition": {"body_path_exists": {"path": "a.b"}}}),
                Error,
                "condition.body_path_exists.path",
                "JSON path",
            ),
            (
                json!({"condition": {"not": {"body_path_gt": {"path": "$..a", "value": 1}}}}),
                Error,
                "condition.not.body_path_gt.path",
                "JSON path",
            ),
            (
                json!({"condition": {"semantic_category": ["EXFIL", "DESTRUCTIV"]}}),
                Error,
                "condition.semantic_category[0]",
                "valid are",
            ),
            (
                json!({"condition": {"semantic_category": ["DESTRUCTIV"]}}),
                Error,
                "condition.semantic_category[0]",
                "did you mean `DESTRUCTIVE`",
            ),
            (
                json!({"condition": {"time_of_day_outside": {"start": "09:00", "end": "17:00", "tz": "Berlin"}}}),
                Error,
                "condition.time_of_day_outside.tz",
                "time zone",
            ),
            (
                json!({"condition": {"any_of": [{}, {"risk_score_gt": 0.5}]}}),
                Warning,
                "condition.any_of[0]",
                "always holds",
            ),
            (
                json!({"condition": {"has_data_class_min_confidence": "LOW"}}),
                Warning,
                "condition.has_data_class_min_confidence",
                "no effect",
            ),
            (json!({"condition": deep}), Error, "condition.not.not.not.not.not", "4 deep"),
            (json!({"reason_code": "No Good"}), Error, "reason_code", "UPPER_SNAKE"),
            (json!({"compliance_tags": ["HIPAA"]}), Error, "compliance_tags[0]", "FRAMEWORK:CONTROL"),
            (json!({"sanitize_fields": ["$.a"]}), Warning, "sanitize_fields", "no effect"),
            (
                json!({"action": "SANITIZE", "sanitize_fields": ["a"]}),
                Error,
                "sanitize_fields[0]",
                "JSON path",
            ),
            (
                json!({"action": "REQUIRE_APPROVAL", "approval_ttl_seconds": 59}),
                Error,
                "approval_ttl_seconds",
                "60",
            ),
            (
                json!({"action": "REQUIRE_APPROVAL", "grant_max_uses": 0}),
                Error,
                "grant_max_uses",
                "at least 1",
            ),
            (json!({"rule_id": " a"}), Error, "rule_id", "spaces"),
        ] {
            let findings = found(ruled(members.clone()));
            let path = if path.is_empty() { "rules[0]".to_owned() } else { format!("rules[0].{path}") };
            let hit = findings.iter().any(|(s, p, m)| *s == severity && *p == path && m.contains(message));
            assert!(hit, "{members}: {findings:?}");
        }
    }

    #[test]
    fn sound_rules_pass() {
        for members in [
            json!({"condition": {"body_path_gte": {"path": "$.a", "value": 5}, "body_path_lte": {"path": "$.a", "value": 5}}}),
            json!({"condition": {"body_path_gt": {"path": "$.a[*]", "value": 5}, "body_path_lt": {"path": "$.a[*]", "value": 1}}}),
            json!({"condition": {"not": {"not": {"not": {"not": {"risk_score_gt": 0.1}}}}}}),
            json!({"match": {"operations": ["*", "category:x", "method:POST"]}}),
            json!({"match": {"methods": ["get", "PUT"], "operations": ["method:GET"]}}),
            json!({"match": {"host_patterns": ["*.test"], "url_patterns": ["https://a.test/", "mcp://**", "[hx]*"]}}),
            json!({"condition": {"has_data_class": ["PII", "PHI"], "not": {"has_data_class": ["PII"]}}}),
            json!({"condition": {"body_path_equals": {"path": "$.a", "value": 1}, "body_path_in": {"path": "$.a", "value": [1.0]}}}),
            json!({"condition": {"body_path_exists": {"path": "$.b", "value": false}, "body_path_gt": {"path": "$.a", "value": 1}}}),
        ] {
            assert_eq!(found(ruled(members.clone())), [], "{members}");
        }
    }

    #[test]
    fn a_policy_is_checked_as_a_whole() {
        let twins = json!([{"rule_id": "a", "action": "DENY", "match": {"verbs": ["READ"]}}, {"rule_id": "a", "action": "DENY"}]);
        assert!(found(json!({"name": "p", "rules": twins})).iter().any(|f| f.1 == "rules[1].rule_id"));
        assert_eq!(found(json!({"name": "p", "rules": []}))[0].0, Warning);
        assert_eq!(found(json!({"name": "", "rules": [{"rule_id": "a", "action": "DENY"}]}))[0].1, "name");
        let elsewhere = json!({"name": "p", "env_names": ["dev"], "rules": [
            {"rule_id": "a", "action": "DENY", "match": {"env_names": ["production"]}}]});
        assert!(found(elsewhere)[0].2.contains("can never match"));
    }

    #[test]
    fn rules_that_never_come_to_speak_are_found() {
        let pair = |early: Value, late: Value| {
            let ruled = |id: &str, members: Value| {
                let mut rule = json!({"rule_id": id, "action": "DENY"});
                rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                rule
            };
            // Written last, evaluated first.
            let mut early = ruled("early", early);
            early["priority"] = json!(1);
            let findings = found(json!({"name": "p", "rules": [ruled("late", late), early]}));
            findings.iter().any(|f| f.1 == "rules[0]" && f.2.contains("never speaks: `early`"))
        };
        let on = |tools: Value| json!({"match": {"tool_names": tools}});
        let holding = |condition: Value| json!({"condition": condition});
        let above = json!({"body_path_gt": {"path": "$.a", "value": 1}});
        for (early, late, expected) in [
            (json!({}), on(json!(["a"])), true),
            (on(json!(["a", "b"])), on(json!(["a"])), true),
            (on(json!(["a", "b"])), json!({"match": {"tool_name": "a", "verbs": ["READ"]}}), true),
            (on(json!(["a"])), on(json!(["a", "b"])), false),
            (json!({"match": {"operations": ["*"]}}), json!({"match": {"operations": ["x"]}}), true),
            (
                holding(json!({"has_data_class": ["PII", "PHI"]})),
                holding(json!({"has_data_class": ["PII"]})),
                true,
            ),
            (
                holding(json!({"has_data_class": ["PII"], "has_data_class_min_confidence": "HIGH"})),
                holding(json!({"has_data_class": ["PII"]})),
                false,
            ),
            (
                holding(json!({"has_data_class": ["PII"]})),
                holding(json!({"has_data_class": ["PII"], "has_data_class_min_confidence": "HIGH"})),
                true,
            ),
            (
                holding(json!({"body_contains_all": ["a"]})),
                holding(json!({"body_contains_all": ["a", "b"]})),
                true,
            ),
            (
                holding(json!({"body_contains_all": ["a", "b"]})),
                holding(json!({"body_contains_all": ["a"]})),
                false,
            ),
            (holding(json!({"risk_score_gt": 0.5})), holding(json!({"risk_score_gt": 0.6})), false),
            (json!({"mode": "shadow"}), on(json!(["a"])), false),
            (json!({"action": "ALLOW"}), on(json!(["a"])), true),
            // An amount that is text passes the lenient rule by and meets the strict one.
            (json!({"action": "ALLOW", "condition": above}), holding(above.clone()), false),
        ] {
            assert_eq!(pair(early.clone(), late.clone()), expected, "{early} before {late}");
        }
    }
}
