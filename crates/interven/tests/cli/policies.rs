//! Policies on a server, from the command line: changed, compared, taken out and put back.

use crate::world::{Ran, World};
use serde_json::Value;
use std::{fs, path::PathBuf};

const READ: (&str, &str, &str) = ("GET", "https://api.github.com/repos/acme/app", "null");

/// A policy of one rule about GitHub.
fn github(name: &str, action: &str) -> String {
    format!(
        "name: {name}\nrules:\n  - {{ rule_id: r, match: {{ tool_names: [github] }}, action: {action} }}\n"
    )
}

struct Desk {
    world: World,
}

impl Desk {
    fn new() -> Self {
        Self { world: World::start() }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.world.home().path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn policy(&self, arguments: &[&str]) -> Ran {
        self.world.interven(&[&["policy"], arguments].concat())
    }

    fn decision(&self) -> Option<i32> {
        self.world.scan(READ.0, READ.1, READ.2).code
    }
}

#[test]
fn a_policy_is_changed_looked_back_at_restored_and_deleted() {
    let desk = Desk::new();
    let deny = desk.file("quiet.yaml", &github("Quiet", "DENY"));
    let change = |ran: Ran| ran.must_exit(0).json()[0]["change"].clone();
    assert_eq!(change(desk.policy(&["apply", &deny, "--json"])), "added");
    assert_eq!(desk.decision(), Some(12));
    let hold = desk.file("quiet.yaml", &github("Quiet", "REQUIRE_APPROVAL"));
    assert_eq!(change(desk.policy(&["apply", &hold, "--if-version", "1", "--json"])), "changed");
    let told = desk.policy(&["apply", &hold, "--if-version", "Quiet=2"]).must_exit(0).stdout;
    assert!(told.contains("Quiet") && told.contains("unchanged"), "{told}");
    let late = desk.policy(&["apply", &hold, "--if-version", "2"]).must_exit(3);
    assert!(late.stderr.contains("version 3 by now, made by operator from cli"), "{late:?}");

    let shown = desk.policy(&["show", "Quiet", "--version", "1"]).must_exit(0).stdout;
    assert!(shown.contains("action: DENY"), "{shown}");
    let again = desk.file("again.yaml", &desk.policy(&["show", "Quiet"]).must_exit(0).stdout);
    desk.policy(&["validate", &again]).must_exit(0);
    let restored =
        desk.policy(&["restore", "Quiet", "--version", "1", "--if-version", "3"]).must_exit(0).stdout;
    assert_eq!(restored, "Quiet: version 1 is in force again, as version 4\n");
    assert_eq!(desk.decision(), Some(12));

    desk.policy(&["delete", "Quiet", "--if-version", "3"]).must_exit(3);
    desk.policy(&["delete", "Quiet"]).must_exit(0);
    assert_eq!(desk.decision(), Some(0));
    assert!(!desk.policy(&["list"]).must_exit(0).stdout.contains("Quiet"));
    desk.policy(&["delete", "Quiet"]).must_exit(3);
    let versions = desk.policy(&["versions", "Quiet"]).must_exit(0).stdout;
    let newest = versions.lines().nth(1).unwrap();
    assert!(newest.starts_with("4 ") && newest.contains("version 1 again; deleted "), "{versions}");
    assert_eq!(versions.lines().count(), 5, "{versions}");
    desk.policy(&["restore", "Quiet", "--version", "4"]).must_exit(0);
    assert_eq!(desk.decision(), Some(12));
    let unknown = desk.policy(&["versions", "Quite"]).must_exit(2);
    assert!(unknown.stderr.contains("there is no policy `Quite`"), "{unknown:?}");
}

#[test]
fn a_policy_of_several_environments_is_named_with_one() {
    let desk = Desk::new();
    let both = desk
        .file("both.yaml", &github("Both", "DENY").replace("rules:", "env_names: [dev, production]\nrules:"));
    desk.policy(&["apply", &both]).must_exit(0);
    let unclear = desk.policy(&["delete", "Both"]).must_exit(2);
    assert!(unclear.stderr.contains("--env dev, --env production"), "{unclear:?}");
    desk.policy(&["delete", "Both", "--env", "dev"]).must_exit(0);
    desk.policy(&["show", "Both", "--env", "production"]).must_exit(0);
}

#[test]
fn what_differs_is_told_by_rule_and_key() {
    let desk = Desk::new();
    let file = desk.file("quiet.yaml", &github("Quiet", "DENY"));
    let missing = desk.policy(&["diff", &file]).must_exit(1).stdout;
    assert!(missing.contains("+ Quiet: 1 rule") && missing.contains("only on the server"), "{missing}");
    desk.policy(&["apply", &file, "--env", "staging"]).must_exit(0);
    assert_eq!(desk.policy(&["diff", &file, "--env", "staging"]).must_exit(0).stdout, "no difference\n");

    let changed = desk.file("quiet.yaml", &github("Quiet", "ALLOW").replace("r,", "r, priority: 5,"));
    let told = desk.policy(&["diff", &changed, "--env", "staging"]).must_exit(1).stdout;
    for expected in
        ["~ Quiet in staging", "~ rule r", "action: \"DENY\" -> \"ALLOW\"", "+ priority: 5", "1 changed"]
    {
        assert!(told.contains(expected), "{told}");
    }
    assert!(!told.contains('\x1b'), "no colour into a pipe: {told}");
    let told = desk.policy(&["diff", &changed, "--env", "staging", "--json"]).must_exit(1).json();
    assert_eq!(told[0]["rules"][0]["keys"][0]["path"], "action", "{told}");
    desk.policy(&["diff", "/nowhere.yaml"]).must_exit(2);
}

#[test]
fn what_is_exported_is_taken_back_without_a_difference() {
    let desk = Desk::new();
    desk.policy(&["apply", &desk.file("quiet.yaml", &github("Quiet", "DENY")), "--env", "staging"])
        .must_exit(0);
    desk.policy(&["apply", &desk.file("own.yaml", &github("Quiet", "ALLOW")), "--agent", "default-agent"])
        .must_exit(0);
    let out = desk.file("all.yaml", "");
    desk.policy(&["export", "-o", &out]).must_exit(0);
    let text = fs::read_to_string(&out).unwrap();
    assert!(
        text.contains("agent: default-agent") && text.contains("env_names: [ staging ]")
            || text.contains("env_names: [staging]"),
        "{text}"
    );
    assert_eq!(desk.policy(&["diff", &out]).must_exit(0).stdout, "no difference\n");
    let applied = desk.policy(&["apply", &out, "--json"]).must_exit(0).json();
    let changes: Vec<&Value> = applied.as_array().unwrap().iter().map(|policy| &policy["change"]).collect();
    assert!(changes.len() > 10 && changes.iter().all(|change| **change == "unchanged"), "{changes:?}");
    assert_eq!(desk.policy(&["diff", &out]).must_exit(0).stdout, "no difference\n");

    let staging =
        desk.file("staging.yaml", &desk.policy(&["export", "--env", "staging"]).must_exit(0).stdout);
    desk.policy(&["diff", &staging, "--env", "staging"]).must_exit(0);
    let own =
        desk.file("own.yaml", &desk.policy(&["export", "--agent", "default-agent"]).must_exit(0).stdout);
    desk.policy(&["diff", &own, "--agent", "default-agent"]).must_exit(0);
}

#[test]
fn an_agents_own_policy_lets_pass_what_a_tenants_rule_holds() {
    let desk = Desk::new();
    desk.policy(&["apply", &desk.file("hold.yaml", &github("Hold", "REQUIRE_APPROVAL"))]).must_exit(0);
    assert_eq!(desk.decision(), Some(11));
    let own = desk.file("own.yaml", &github("Pass", "ALLOW"));
    desk.policy(&["apply", &own, "--agent", "default-agent"]).must_exit(0);
    assert_eq!(desk.decision(), Some(0));
    let passed = desk.world.scan(READ.0, READ.1, READ.2).json();
    let told = desk.policy(&["explain", passed["trace_id"].as_str().unwrap()]).must_exit(0).stdout;
    let line = |start: &str| told.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("decided").contains("default-agent"), "{told}");
    assert!(
        line("silent   Hold").contains("silenced by rule `r` of the agent's own policy `Pass`"),
        "{told}"
    );
    let listed = desk.policy(&["list"]).must_exit(0).stdout;
    assert!(
        listed.lines().any(|line| line.starts_with("Pass") && line.contains("default-agent")),
        "{listed}"
    );
    let stranger = desk.policy(&["apply", &own, "--agent", "nobody"]).must_exit(1);
    assert!(stranger.stderr.contains("no agent is `nobody`"), "{stranger:?}");
    desk.policy(&["delete", "Pass", "--agent", "default-agent"]).must_exit(0);
    assert_eq!(desk.decision(), Some(11));
}

#[test]
fn a_budget_is_counted_across_a_restart() {
    let desk = Desk::new();
    let budgets =
        |desk: &Desk, arguments: &[&str]| desk.world.interven(&[&["admin", "budgets"], arguments].concat());
    let set = ["set", "reads", "--per", "agent", "--limit", "2", "--match", r#"{"tool_names": ["github"]}"#];
    let rule = "{ rule_id: r, condition: { daily_budget_exceeded: reads }, action: DENY }";
    let apply =
        || desk.policy(&["apply", &desk.file("budget.yaml", &format!("name: Budget\nrules:\n  - {rule}\n"))]);
    let early = apply().must_exit(0).stderr;
    assert!(early.starts_with("Budget: warning: the tenant has no budget `reads`"), "{early}");
    budgets(&desk, &set).must_exit(0);
    assert_eq!(apply().must_exit(0).stderr, "");
    assert_eq!(desk.decision(), Some(0));
    let home = desk.world.home();
    desk.world.stop();

    let desk = Desk { world: World::start_in(&home) };
    assert_eq!((desk.decision(), desk.decision()), (Some(0), Some(12)));
    let listed = budgets(&desk, &["list"]).must_exit(0).stdout;
    let line: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(
        (line[0], line[1], line[2], &line[4..]),
        ("reads", "agent", "calls", &["default-agent", "2", "2"][..])
    );
    budgets(&desk, &["set", "reads", "--per", "agent", "--limit", "0"]).must_exit(3);
    budgets(&desk, &["remove", "nothing"]).must_exit(2);
    assert_eq!(budgets(&desk, &["remove", "reads"]).must_exit(0).stdout, "none\n");
    assert_eq!(desk.decision(), Some(0));
}

#[test]
fn each_rules_part_in_a_decision_is_told() {
    let desk = Desk::new();
    let rule = |id: &str, rest: &str| {
        format!("  - {{ rule_id: {id}, match: {{ tool_names: [github] }}, {rest} }}\n")
    };
    let strict = format!(
        "name: Strict\nrules:\n{}{}{}",
        rule("watch", "action: DENY, mode: shadow, priority: 1"),
        rule("intel", "condition: { threat_intel_match: true }, action: DENY, priority: 2"),
        rule("typed", "condition: { body_path_gt: { path: $.n, value: 1 } }, action: DENY, priority: 3")
    );
    desk.policy(&["apply", &desk.file("strict.yaml", &strict)]).must_exit(0);
    desk.policy(&["apply", &desk.file("hold.yaml", &github("Hold", "REQUIRE_APPROVAL"))]).must_exit(0);
    let denied = desk.world.scan("POST", "https://api.github.com/repos/acme/app/issues", r#"{"n": "x"}"#);
    let trace = denied.must_exit(12).json()["trace_id"].as_str().unwrap().to_owned();
    // What is in force now does not matter.
    desk.policy(&["delete", "Strict"]).must_exit(0);
    let told = desk.policy(&["explain", &trace, "--json"]).must_exit(0).json();
    let parts: Vec<String> = told["rules"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|part| ["Strict", "Hold"].contains(&part["rule"]["policy_name"].as_str().unwrap()))
        .map(|part| {
            format!("{} {} {}", part["part"], part["rule"]["rule_id"], part["without_it"]).replace('"', "")
        })
        .collect();
    let expected =
        ["decided typed REQUIRE_APPROVAL", "spoke r DENY", "shadow watch null", "silent intel null"];
    assert_eq!(parts, expected);
    let shown = desk.policy(&["explain", &trace]).must_exit(0).stdout;
    for expected in ["failed closed: $.n is text, not a number", "threat intelligence did not run"] {
        assert!(shown.contains(expected), "{shown}");
    }
}
