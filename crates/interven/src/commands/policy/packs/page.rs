//! `interven policy packs --page`: `docs/packs.md`, out of the packs.

use interven_policy::{PACKS, Pack, PolicySource};
use interven_types::Decision;
use std::fmt::Write as _;

const OPENING: &str = "# Packs

Policies that come with the program, each for one job. The tables of this page are made of the packs by `make generate`; every pack's own cases
run in our tests and, by `interven policy test NAME`, in yours.

```sh
interven policy packs                                  # what there is
interven policy packs sre                              # the YAML of one
interven policy test sre                               # its cases
interven scan --local --pack sre --method DELETE --url https://api.pagerduty.com/schedules/P1
```

`sre`, `sre.yaml`, `sre-starter` and `sre-starter.yaml` name the same pack, and so on for all. `--pack sre` is always the pack; a file
`sre.yaml` comes before the pack's other names, so that your own copy is not passed over, and `./sre` is a file too.

## Take one into use

1. **Say what is yours.** Without `own_domains` every mail address and every host is outside, and the rules about outsiders ask too often:
   `interven admin settings set 'own_domains=[\"acme.example\"]'`.
2. **Watch first.** `interven policy apply --pack sre --shadow` puts the pack in force without effect: each rule is evaluated and recorded, and changes no
   decision. `interven activity show TRACE_ID` says what a rule would have said.
3. **Look back, too.** `interven policy simulate --pack sre --since 7d` shows which recorded calls would have been decided otherwise.
4. **Put it in force**, where it belongs: `interven policy apply --pack sre --env production`. Without `--env` it holds in every environment.

Packs stand beside each other and beside the default policies: of all rules that speak, the strictest decides. Applying a pack again replaces it.

## Change one

```sh
interven policy packs sre > sre.yaml
interven policy packs sre --tests > sre.tests.yaml
interven policy test sre.yaml
interven policy apply sre.yaml --env production
```

An exception is a rule with `action: ALLOW` and a lower `priority` in the same policy; in another policy it would not help. To silence one rule, give it
`mode: shadow`. Keep the cases, and add one for each exception.

## All packs

";

pub(super) fn write() -> String {
    let mut page = OPENING.to_owned();
    page.push_str(
        "| pack | for | rules | calls allowed | calls stopped |\n| --- | --- | --: | --: | --: |\n",
    );
    for pack in PACKS {
        let cases = pack.cases();
        let is_allowed = |decision: Option<Decision>| decision == Some(Decision::Allow);
        let allowed = cases.iter().filter(|case| is_allowed(case.expect.decision)).count();
        let (name, title) = (pack.name, pack.title());
        let (rules, stopped) = (rules(&pack.policies()), cases.len() - allowed);
        let _ = writeln!(page, "| [{name}](#{name}) | {title} | {rules} | {allowed} | {stopped} |");
    }
    page.push_str("\nStopped are calls that are denied, wait for a person, or go on without what they should not carry.\n");
    PACKS.iter().for_each(|pack| write_pack(&mut page, pack));
    page
}

fn rules(policies: &[PolicySource]) -> usize {
    policies.iter().map(|policy| policy.rules.len()).sum()
}

fn write_pack(page: &mut String, pack: &Pack) {
    let _ = writeln!(page, "\n## {}\n\n*For {}.*", pack.name, pack.title());
    for line in pack.introduction() {
        match line {
            "Stops" | "Does not stop" | "Adjust" => _ = writeln!(page, "**{line}**\n"),
            line => _ = writeln!(page, "{}", line.strip_prefix("  ").unwrap_or(line)),
        }
    }
    page.push_str("\n| policy | rule | action | controls |\n| --- | --- | --- | --- |\n");
    for policy in pack.policies() {
        for rule in &policy.rules {
            let controls: Vec<&str> =
                policy.compliance_tags.iter().chain(&rule.compliance_tags).map(String::as_str).collect();
            let _ = writeln!(
                page,
                "| {} | `{}` | {} | {} |",
                policy.name,
                rule.rule_id,
                rule.action.as_str(),
                controls.join(", ")
            );
        }
    }
}
