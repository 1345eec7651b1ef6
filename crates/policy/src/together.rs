//! What rules mean beside each other: those that never come to speak, and those that never decide.

use crate::condition::Condition;
use crate::cover::Keys;
use crate::source::{Mode, PolicySource, RuleSource};
use interven_types::Decision;
use std::collections::{HashMap, HashSet};

/// A finding about a rule: its policy, its place as written, and the sentence.
pub(crate) type Beside = (usize, usize, String);

/// A rule that takes part in decisions.
struct Placed<'p> {
    policy: usize,
    index: usize,
    name: &'p str,
    env_names: Option<&'p [String]>,
    agent: Option<&'p str>,
    rule: &'p RuleSource,
    keys: Keys,
}

impl Placed<'_> {
    fn decision(&self) -> Decision {
        self.rule.action.decision()
    }
}

/// The rules of a policy in the order of evaluation.
fn placed(policy: usize, source: &PolicySource) -> Vec<Placed<'_>> {
    let env_names = source.env_names.as_deref();
    let mut rules: Vec<Placed<'_>> = source
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| Placed {
            policy,
            index,
            name: &source.name,
            env_names,
            agent: source.agent.as_deref(),
            rule,
            keys: Keys::of(rule, env_names),
        })
        .collect();
    rules.sort_by_key(|placed| (placed.rule.priority, placed.index));
    rules
}

/// Rules by tool and operation, so that few are compared.
#[derive(Default)]
struct Index<'r> {
    by_slot: HashMap<(Option<&'r str>, Option<&'r str>), Vec<&'r Placed<'r>>>,
}

impl<'r> Index<'r> {
    /// Under every tool and operation that the rule names.
    fn file(&mut self, rule: &'r Placed<'r>) {
        let named = |key: &'static str| -> Vec<Option<&'r str>> {
            let names: HashSet<_> = rule.keys.listed(key).map(Some).collect();
            if names.is_empty() { vec![None] } else { names.into_iter().collect() }
        };
        let operations = named("operations");
        for tool in named("tool_names") {
            for operation in &operations {
                self.by_slot.entry((tool, *operation)).or_default().push(rule);
            }
        }
    }

    /// The first filed rule that is about every call that this one is about. What covers a rule names each of its tools and
    /// operations, or none.
    fn covering(
        &self,
        rule: &Placed<'_>,
        left: &mut u32,
        may: impl Fn(&Placed<'_>) -> bool,
    ) -> Option<&'r Placed<'r>> {
        let tools = [rule.keys.listed("tool_names").next(), None];
        let operations = [rule.keys.listed("operations").next(), None];
        let slots: HashSet<_> = tools.into_iter().flat_map(|t| operations.map(|o| (t, o))).collect();
        let mut found: Option<&Placed<'_>> = None;
        for earlier in slots.into_iter().filter_map(|slot| self.by_slot.get(&slot)).flatten() {
            *left = left.checked_sub(1)?;
            let is_before = |found: &Placed<'_>| {
                (earlier.policy, earlier.rule.priority, earlier.index)
                    < (found.policy, found.rule.priority, found.index)
            };
            if found.is_none_or(is_before) && may(earlier) && earlier.keys.cover(&rule.keys) {
                found = Some(earlier);
            }
        }
        found
    }
}

/// Most comparisons of two rules, about a second: what is not compared by then is not reported.
const MAX_COMPARISONS: u32 = 4_000_000;

/// Rules of one policy that an earlier rule of it always precedes.
pub(crate) fn find_silent(policy: &PolicySource) -> Vec<(usize, String)> {
    let rules = placed(0, policy);
    let mut index = Index::default();
    let mut left = MAX_COMPARISONS;
    let mut silent = Vec::new();
    for rule in &rules {
        // On a type error a strict rule matches where a lenient one does not.
        let may_precede = |earlier: &Placed<'_>| {
            let may_differ = rule.rule.action.fails_closed() && !earlier.rule.action.fails_closed();
            !(may_differ && may_meet_type_errors(&earlier.rule.condition))
        };
        if let Some(earlier) = index.covering(rule, &mut left, may_precede) {
            let (id, action) = (&earlier.rule.rule_id, earlier.rule.action);
            let is_conflict = earlier.keys == rule.keys && action != rule.rule.action;
            silent.push((rule.index, match is_conflict {
                true => format!(
                    "the rule never speaks: `{id}` comes first, matches the very same calls, and says `{}`",
                    action.as_str()
                ),
                false => format!("the rule never speaks: `{id}` comes first and matches all that it matches"),
            }));
        }
        if rule.rule.mode == Mode::Enforce {
            index.file(rule);
        }
    }
    silent.sort_unstable_by_key(|(index, _)| *index);
    silent
}

pub(crate) fn may_meet_type_errors(condition: &Condition) -> bool {
    let Condition { body_path_equals, body_path_in, body_path_gt, body_path_gte, .. } = condition;
    let Condition { body_path_lt, body_path_lte, not, any_of, .. } = condition;
    let numbers = [body_path_gt, body_path_gte, body_path_lt, body_path_lte];
    body_path_equals.is_some()
        || body_path_in.is_some()
        || numbers.iter().any(|test| test.is_some())
        || not.as_deref().is_some_and(may_meet_type_errors)
        || any_of.iter().any(may_meet_type_errors)
}

/// Rules of the first `count` policies that never decide, because another policy denies all that they match, and those that
/// another policy contradicts. The other policies are in force beside them.
pub(crate) fn find_beaten(policies: &[&PolicySource], count: usize) -> Vec<Beside> {
    let rules: Vec<Vec<Placed<'_>>> =
        policies.iter().enumerate().map(|(at, policy)| enforced(placed(at, policy))).collect();
    let mut denials = Index::default();
    for policy in &rules {
        // Before these no other rule of their policy can speak, so a call that they match is denied.
        policy
            .iter()
            .take_while(|rule| rule.decision() == Decision::Deny)
            .for_each(|rule| denials.file(rule));
    }
    let mut strictest: HashMap<(Option<&str>, String), &Placed<'_>> = HashMap::new();
    for rule in rules.iter().flatten() {
        let one = strictest.entry((rule.agent, rule.keys.identity())).or_insert(rule);
        if rule.decision() > one.decision() {
            *one = rule;
        }
    }
    let mut left = MAX_COMPARISONS;
    let mut beaten = Vec::new();
    for rule in rules.iter().take(count).flatten().filter(|rule| rule.decision() < Decision::Deny) {
        let is_elsewhere = |other: &Placed<'_>| other.policy != rule.policy;
        // An agent's own policies overrule those for all, but not their DENY.
        let concerns_it = |denial: &Placed<'_>| denial.agent.is_none() || denial.agent == rule.agent;
        if let Some(denial) =
            denials.covering(rule, &mut left, |other| is_elsewhere(other) && concerns_it(other))
        {
            let (id, policy) = (&denial.rule.rule_id, denial.name);
            let message =
                format!("the rule never decides: `{id}` of the policy `{policy}` denies all that it matches");
            beaten.push((rule.policy, rule.index, message));
            continue;
        }
        let twin = strictest.get(&(rule.agent, rule.keys.identity())).copied().filter(|twin| {
            is_elsewhere(twin)
                && is_conflict(rule.decision(), twin.decision())
                && overlap(rule.env_names, twin.env_names)
        });
        if let Some(twin) = twin {
            let (id, policy, action) = (&twin.rule.rule_id, twin.name, twin.rule.action.as_str());
            let message = format!(
                "`{id}` of the policy `{policy}` says `{action}` of the very same calls, and the strictest wins"
            );
            beaten.push((rule.policy, rule.index, message));
        }
    }
    beaten
}

fn enforced(mut rules: Vec<Placed<'_>>) -> Vec<Placed<'_>> {
    rules.retain(|rule| rule.rule.mode == Mode::Enforce);
    rules
}

/// What SANITIZE wants redacted is redacted also when a person must approve first: the two do not conflict.
fn is_conflict(lenient: Decision, strict: Decision) -> bool {
    lenient < strict && !(lenient == Decision::Sanitize && strict == Decision::RequireApproval)
}

fn overlap(one: Option<&[String]>, other: Option<&[String]>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.iter().any(|env| other.contains(env)))
}

#[cfg(test)]
mod tests {
    use crate::{PolicySource, check, check_together, parse_json};
    use interven_types::Vocabulary;
    use serde_json::{Value, json};
    use std::time::Instant;

    fn policy(name: &str, env: Option<&str>, rules: Value) -> PolicySource {
        let policy = json!({"name": name, "env_names": env.map(|env| [env]), "rules": rules});
        parse_json(policy).unwrap().remove(0)
    }

    fn rule(id: &str, action: &str, members: Value) -> Value {
        let mut rule = json!({"rule_id": id, "action": action});
        rule.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        rule
    }

    fn on(tools: &[&str]) -> Value {
        json!({"match": {"tool_names": tools}})
    }

    #[test]
    fn rules_that_another_policy_always_overrules_are_found() {
        let deny = |members: Value| vec![rule("stop", "DENY", members)];
        let after = |action: &str| {
            vec![rule("first", action, on(&["jira"])), rule("stop", "DENY", on(&["slack", "teams"]))]
        };
        let shadow =
            |members: Value| vec![rule("stop", "DENY", json!({"mode": "shadow", "match": members["match"]}))];
        let slack = || rule("late", "ALLOW", on(&["slack"]));
        let denies = "`stop` of the policy `other` denies all that it matches";
        let is_stricter = "`stop` of the policy `other` says `REQUIRE_APPROVAL` of the very same calls";
        for (late, env, other, other_env, expected) in [
            (slack(), None, deny(on(&["slack", "teams"])), None, Some(denies)),
            (slack(), None, deny(json!({})), None, Some(denies)),
            (rule("late", "REQUIRE_APPROVAL", on(&["slack"])), None, deny(json!({})), None, Some(denies)),
            (slack(), Some("dev"), deny(json!({})), Some("dev"), Some(denies)),
            (slack(), None, after("OPEN_INCIDENT"), None, Some(denies)),
            (slack(), None, vec![rule("stop", "REQUIRE_APPROVAL", on(&["slack"]))], None, Some(is_stricter)),
            (rule("late", "SANITIZE", on(&["slack"])), None, after("ALLOW"), None, None),
            // In force elsewhere, narrower, only watching, or with an exception before it.
            (slack(), None, deny(json!({})), Some("dev"), None),
            (slack(), Some("production"), deny(json!({})), Some("dev"), None),
            (
                slack(),
                None,
                deny(json!({"match": {"tool_names": ["slack"], "verbs": ["WRITE"]}})),
                None,
                None,
            ),
            (slack(), None, shadow(on(&["slack"])), None, None),
            (slack(), None, after("ALLOW"), None, None),
            (rule("late", "ALLOW", json!({"mode": "shadow"})), None, deny(json!({})), None, None),
            (
                rule("late", "SANITIZE", on(&["slack"])),
                None,
                vec![rule("stop", "REQUIRE_APPROVAL", on(&["slack"]))],
                None,
                None,
            ),
            (rule("late", "DENY", json!({})), None, vec![rule("stop", "ALLOW", json!({}))], None, None),
        ] {
            let policies = [policy("this", env, json!([late])), policy("other", other_env, json!(other))];
            let heard = |found: &[crate::Diagnostic]| {
                found.iter().map(|f| format!("{}: {}", f.path, f.message)).collect::<Vec<_>>()
            };
            let together = heard(&check_together(&policies, &[], &Vocabulary::default())[0]);
            let applied = heard(&check_together(&policies[..1], &policies[1..], &Vocabulary::default())[0]);
            assert_eq!(together, applied, "in force or in the same set");
            let is_found = |expected: &str| {
                together.len() == 1 && together[0].starts_with("rules[0]: ") && together[0].contains(expected)
            };
            assert!(expected.map_or(together.is_empty(), is_found), "{policies:?}: {together:?}");
        }
    }

    #[test]
    fn an_agents_own_rules_give_way_to_a_denial_alone() {
        let of = |agent: Option<&str>, action: &str| PolicySource {
            agent: agent.map(str::to_owned),
            ..policy(&format!("{agent:?} {action}"), None, json!([rule("r", action, on(&["slack"]))]))
        };
        for (this, other, is_beaten) in [
            (of(Some("bot"), "ALLOW"), of(None, "DENY"), true),
            (of(Some("bot"), "ALLOW"), of(None, "REQUIRE_APPROVAL"), false),
            (of(Some("bot"), "ALLOW"), of(Some("bot"), "REQUIRE_APPROVAL"), true),
            (of(Some("bot"), "ALLOW"), of(Some("other"), "DENY"), false),
            (of(None, "ALLOW"), of(Some("bot"), "DENY"), false),
        ] {
            let found = check_together(
                std::slice::from_ref(&this),
                std::slice::from_ref(&other),
                &Vocabulary::default(),
            );
            assert_eq!(!found[0].is_empty(), is_beaten, "{} beside {}", this.name, other.name);
        }
    }

    #[test]
    fn a_policy_stands_in_a_set_once_for_each_environment_and_agent() {
        let of = |env, agent: Option<&str>| PolicySource {
            agent: agent.map(str::to_owned),
            ..policy("p", env, json!([rule("r", "DENY", on(&["slack"]))]))
        };
        for (other, is_twice) in [
            (of(Some("dev"), None), true),
            (of(None, None), false),
            (of(Some("production"), None), false),
            (of(Some("dev"), Some("bot")), false),
        ] {
            let found = check_together(&[of(Some("dev"), None), other.clone()], &[], &Vocabulary::default());
            assert_eq!(found[0], []);
            let says = |finding: &crate::Diagnostic| {
                finding.path == "name" && finding.message.contains("stands here twice")
            };
            assert_eq!(found[1].iter().any(says), is_twice, "{other:?}");
        }
    }

    #[test]
    fn a_rule_that_contradicts_an_earlier_one_is_found() {
        let heard = |early: Value, late: Value| {
            let found = check(&policy("p", None, json!([early, late])));
            found.into_iter().map(|finding| finding.message).collect::<Vec<_>>()
        };
        let slack = |id: &str, action: &str| {
            rule(id, action, json!({"match": {"tool_names": ["slack"], "operations": ["*"]}}))
        };
        let found = heard(slack("a", "ALLOW"), rule("b", "DENY", json!({"match": {"tool_name": "slack"}})));
        assert_eq!(
            found,
            ["the rule never speaks: `a` comes first, matches the very same calls, and says `ALLOW`"]
        );
        assert_eq!(heard(slack("a", "ALLOW"), rule("b", "DENY", on(&["teams"]))), Vec::<String>::new());
    }

    #[test]
    fn thousands_of_rules_are_checked_in_no_time() {
        let alike: Vec<Value> = (0..5_000)
            .map(|n| rule(&format!("r{n}"), "DENY", json!({
                "match": {"tool_names": ["slack"], "operations": ["post_message"]}, "condition": {"body_contains_any": [format!("w{n}")]}})))
            .collect();
        let apart: Vec<PolicySource> = alike
            .chunks(10)
            .enumerate()
            .map(|(n, rules)| policy(&format!("p{n}"), None, json!(rules)))
            .collect();
        let together = policy("p", None, json!(alike));
        let started = Instant::now();
        assert_eq!(check(&together), []);
        assert!(check_together(&apart, &[], &Vocabulary::default()).iter().all(Vec::is_empty));
        // A hundred times what an optimized build takes.
        assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
    }
}
