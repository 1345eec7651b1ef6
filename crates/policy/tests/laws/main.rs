//! The fast evaluator against a slow, obvious one, and laws that hold for all policies.
//!
//! Each law is tried on 256 random cases; `PROPTEST_CASES=20000 cargo test --release -p interven-policy --test laws` tries more.

#![cfg(test)]

mod random;
mod slow;

use interven_policy::{
    InstalledPolicy, Mode, PolicyAction, PolicySet, RuleSource, check, diff, format, parse_json, parse_yaml,
    print_json, print_yaml,
};
use proptest::{collection::vec, prelude::*};
use random::{call, installed, named, policies, rule, source};
use slow::slowly;

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
    fn rules_that_are_not_named_changed_nothing(
        policies in policies(), call in call(), at in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let judge = |policies: &[InstalledPolicy]| {
            call.with(|facts| PolicySet::compile(policies).unwrap().evaluate(facts))
        };
        let outcome = judge(&policies);
        let silenced = outcome.notes.iter().filter(|note| note.text.starts_with("silenced")).map(|note| &note.rule);
        let named: Vec<_> = outcome.matches.iter().map(|matched| &matched.rule).chain(silenced).collect();
        let is_named = |policy: &InstalledPolicy, rule: &RuleSource| {
            named.iter().any(|name| name.policy_id == policy.id && name.rule_id == rule.rule_id)
        };
        let mut others = policies.clone();
        for policy in &mut others {
            let kept = policy.clone();
            policy.rules.retain(|rule| is_named(&kept, rule));
        }
        let alone = judge(&others);
        prop_assert_eq!((&alone.decision, &alone.matches, &alone.redaction), (&outcome.decision, &outcome.matches, &outcome.redaction));
        // Without one that is named, another answer comes, or others are named.
        let Some(policy) = (!policies.is_empty()).then(|| at.0.index(policies.len())) else { return Ok(()) };
        let Some(rule) = (!policies[policy].rules.is_empty()).then(|| at.1.index(policies[policy].rules.len())) else { return Ok(()) };
        let mut fewer = policies.clone();
        let removed = fewer[policy].rules.remove(rule);
        let without = judge(&fewer);
        let is_same = without.decision == outcome.decision && without.matches == outcome.matches;
        prop_assert!(!is_same || !outcome.matches.iter().any(|m| m.rule.policy_id == policies[policy].id && m.rule.rule_id == removed.rule_id));
        prop_assert!(is_same || is_named(&policies[policy], &removed));
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
    fn formatting_keeps_every_comment(policies in policies(), at in vec((any::<prop::sample::Index>(), any::<bool>()), 0..9)) {
        let sources: Vec<_> = policies
            .iter()
            .map(|p| parse_json(serde_json::json!({"name": p.name, "rules": p.rules})).unwrap().remove(0))
            .collect();
        let mut lines: Vec<String> = print_yaml(&sources).lines().map(str::to_owned).collect();
        for (n, (at, is_beside)) in at.iter().enumerate() {
            let line = at.index(lines.len());
            if *is_beside && !lines[line].contains('#') {
                lines[line].push_str(&format!(" # c{n}"));
            } else {
                lines.insert(line, format!("# c{n}"));
            }
        }
        let text = lines.join("\n");
        let formatted = format(&text, "p.yaml").unwrap();
        prop_assert!((0..at.len()).all(|n| formatted.contains(&format!("# c{n}"))), "{}", formatted);
        prop_assert_eq!(parse_yaml(&formatted, "p.yaml").unwrap(), sources);
        prop_assert_eq!(format(&formatted, "p.yaml").unwrap(), formatted);
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
