//! An operator at work on a running server.

use crate::world::{MERGE, Ran, SLACK, World, interven, leaked_key, run};
use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

fn scan_with(world: &World, key: &str) -> Ran {
    let mut command = interven();
    command.env("INTERVEN_API_KEY", key);
    command.args(["scan", "--method", "GET", "--url", "https://api.github.com/repos/acme/app"]);
    run(command.args(["--server", &world.text("gateway_url")]), "")
}

#[test]
fn a_key_works_from_its_creation_to_its_revocation() {
    let world = World::start();
    let minted =
        world.interven(&["admin", "key", "create", "ci", "--agent", "builder", "--json"]).must_exit(0).json();
    let key = minted["key"].as_str().unwrap();
    scan_with(&world, key).must_exit(0);
    let listed = world.interven(&["admin", "key", "list"]).must_exit(0).stdout;
    assert!(listed.contains(&key[..12]) && !listed.contains(key), "{listed}");
    world.interven(&["admin", "key", "revoke", &key[..12]]).must_exit(0);
    let refused = scan_with(&world, key).must_exit(3);
    assert!(refused.stderr.contains("INVALID_KEY"), "{refused:?}");
    let agents = world.interven(&["admin", "agent", "list"]).must_exit(0).stdout;
    assert!(agents.contains("builder") && agents.contains("default-agent"), "{agents}");
}

/// Sends one of the documented `curl` lines.
fn paste(world: &World, line: &str, secret: (&str, &str)) -> serde_json::Value {
    let line = line.replace("http://localhost:4000", &world.text("gateway_url"));
    let mut shell = std::process::Command::new("sh");
    shell.env(secret.0, secret.1).args(["-c", &line]);
    run(&mut shell, "").must_exit(0).json()
}

#[test]
fn the_page_on_keys_does_what_it_says() {
    let world = World::start();
    let page = include_str!("../../../../docs/keys.md");
    let lines: Vec<&str> =
        page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [ephemeral, lasting] = lines[..] else { panic!("{lines:?}") };

    let minted = paste(&world, ephemeral, ("INTERVEN_API_KEY", &world.text("api_key")));
    let outside = scan_with(&world, minted["key"].as_str().unwrap()).must_exit(12).stdout;
    assert!(outside.contains("EPHEMERAL_SCOPE_VIOLATION"), "{outside}");
    let listed = world.interven(&["admin", "key", "list", "--ephemeral"]).must_exit(0).stdout;
    for told in [minted["ephemeral_id"].as_str().unwrap(), "post the summary", "1 of 1", "slack", "WRITE"] {
        assert!(listed.contains(told), "{listed}");
    }
    let lasting_ones = world.interven(&["admin", "key", "list"]).must_exit(0).stdout;
    assert!(!lasting_ones.contains("post the summary"), "{lasting_ones}");

    let token = std::fs::read_to_string(world.data_dir().join("admin.token")).unwrap();
    let made = paste(&world, lasting, ("INTERVEN_API_KEYS_ADMIN_SECRET", token.trim()));
    scan_with(&world, made["key"].as_str().unwrap()).must_exit(0);
}

#[test]
fn the_page_on_delegation_does_what_it_says() {
    let world = World::start();
    let page = include_str!("../../../../docs/a2a.md");
    let block =
        |language: &str| page.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
    let policy = world.home().path().join("delegation.yaml");
    std::fs::write(&policy, block("yaml")).unwrap();
    world.interven(&["policy", "apply", policy.to_str().unwrap()]).must_exit(0);
    let agent = world.text("agent_id");
    let hand = |line: &str| {
        let line = line.replace("'$FROM'", &agent).replace("'$TO'", &agent);
        paste(&world, &line, ("INTERVEN_API_KEY", &world.text("api_key")))
    };
    assert_eq!(hand(block("sh"))["decision"], "ALLOW");
    let held = hand(&block("sh").replace("summarize_tickets", "delete_branch"));
    assert_eq!(
        (&held["decision"], &held["reason_codes"][0]),
        (&"REQUIRE_APPROVAL".into(), &"DELEGATED_DELETION".into())
    );
    assert_eq!(held["verb"], "ADMIN");
}

#[test]
fn an_approved_call_passes_once_and_explains_itself() {
    let world = World::start();
    let held = world.scan("PUT", MERGE, "{}").must_exit(11).json();
    let approval = held["approval_id"].as_str().unwrap();
    let waiting = world.interven(&["approvals", "list"]).must_exit(0).stdout;
    assert!(waiting.contains(approval), "{waiting}");
    let shown = world.interven(&["approvals", "show", approval]).must_exit(0).stdout;
    assert!(shown.contains("github.merge_pr"), "{shown}");
    world.interven(&["approvals", "approve", approval, "--note", "reviewed"]).must_exit(0);
    let again = world.interven(&["approvals", "deny", approval]).must_exit(3);
    assert!(again.stderr.contains("CONFLICT"), "{again:?}");

    let passed = world.scan("PUT", MERGE, "{}").must_exit(0).json();
    assert_eq!(passed["reason_codes"][0], "RECENT_APPROVAL_GRANT");
    let asked_again = world.scan("PUT", MERGE, "{}").must_exit(11).json();
    assert_ne!(asked_again["approval_id"], held["approval_id"]);
    for answer in [&held, &passed] {
        let trace = answer["trace_id"].as_str().unwrap();
        let explained = world.interven(&["explain", trace]).must_exit(0).stdout;
        assert!(explained.contains("the decision is the same"), "{explained}");
    }
}

#[test]
fn a_denied_call_stays_denied() {
    let world = World::start();
    let held = world.scan("PUT", MERGE, "{}").must_exit(11).json();
    world.interven(&["approvals", "deny", held["approval_id"].as_str().unwrap()]).must_exit(0);
    let retried = world.scan("PUT", MERGE, "{}").must_exit(12).json();
    assert_eq!(retried["reason_codes"][0], "RECENT_APPROVAL_DENIED");
}

#[test]
fn the_record_shows_what_was_found_and_the_value_only_when_revealed() {
    let world = World::start();
    let leaked = leaked_key();
    let denied = world.scan("POST", SLACK, &format!("{{\"text\":\"key {leaked}\"}}")).must_exit(12).json();
    let trace = denied["trace_id"].as_str().unwrap();
    let shown = world.interven(&["activity", "show", trace]).must_exit(0).stdout;
    assert!(shown.contains("DENY") && shown.contains("slack.post_message"), "{shown}");
    assert!(!shown.contains(&leaked), "{shown}");
    let revealed = world.interven(&["activity", "show", trace, "--reveal"]).must_exit(0).stdout;
    assert!(revealed.contains(&leaked), "{revealed}");
    let tail = world.interven(&["activity", "tail", "--decision", "DENY"]).must_exit(0).stdout;
    assert!(tail.contains(trace) && tail.contains("DENY"), "{tail}");
}

#[test]
fn a_followed_record_goes_on() {
    let world = World::start();
    world.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(0);
    let mut command = interven();
    command.args(["activity", "tail", "-n", "1", "--follow", "--json", "--data-dir"]).arg(world.data_dir());
    let mut follower = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    let mut position = || {
        let row: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        row["ledger_seq"].as_u64().unwrap()
    };
    assert_eq!(position(), 1);
    world.scan("GET", "https://api.github.com/repos/acme/other", "null").must_exit(0);
    assert_eq!(position(), 2);
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_suspended_agent_is_denied_until_it_is_reactivated() {
    let world = World::start();
    let ask = || world.scan("GET", "https://api.github.com/repos/acme/app", "null");
    ask().must_exit(0);
    world.interven(&["admin", "agent", "suspend", "default-agent"]).must_exit(0);
    assert_eq!(ask().must_exit(12).json()["reason_codes"][0], "AGENT_SUSPENDED");
    world.interven(&["admin", "agent", "reactivate", "default-agent"]).must_exit(0);
    ask().must_exit(0);
    let shown = world.interven(&["admin", "agent", "reset-trust", "default-agent"]).must_exit(0).stdout;
    assert!(shown.contains("1.00"), "{shown}");
}

#[test]
fn settings_change_by_path_and_are_bounded() {
    let world = World::start();
    let set = |change: &str| world.interven(&["admin", "settings", "set", change, "--json"]);
    let changed = set("approvals.grant_window_seconds=300").must_exit(0).json();
    assert_eq!(changed["settings"]["approvals"]["grant_window_seconds"], 300);
    assert_eq!(changed["version"], 2);
    let refused = set("approvals.grant_window_seconds=5").must_exit(3);
    assert!(refused.stderr.contains("60 to 3600"), "{refused:?}");
    set("aprovals.x=5").must_exit(3);
    set("nonsense").must_exit(2);
    let reset = world.interven(&["admin", "settings", "reset", "--json"]).must_exit(0).json();
    assert_eq!(reset["settings"]["approvals"]["grant_window_seconds"], 600);
}

#[test]
fn tenants_and_people_are_managed() {
    let world = World::start();
    let created =
        world.interven(&["admin", "user", "create", "ada@example.com", "--role", "auditor"]).must_exit(0);
    assert!(created.stdout.contains("one-time password "), "{created:?}");
    world.interven(&["admin", "user", "password", "ada@example.com"]).must_exit(0);
    world.interven(&["admin", "user", "disable", "ada@example.com"]).must_exit(0);
    let people = world.interven(&["admin", "user", "list"]).must_exit(0).stdout;
    assert!(people.contains("auditor") && people.contains("disabled"), "{people}");

    world.interven(&["admin", "tenant", "create", "second"]).must_exit(0);
    let unclear = world.interven(&["admin", "key", "list"]).must_exit(3);
    assert!(unclear.stderr.contains("X-Interven-Tenant"), "{unclear:?}");
    let none = world.interven(&["admin", "key", "list", "--tenant", "second"]).must_exit(0).stdout;
    assert_eq!(none, "none\n");
}

#[test]
fn an_applied_policy_is_in_force_at_once() {
    let world = World::start();
    let path = world.data_dir().join("quiet.yaml");
    let rule = "{ rule_id: r, match: { tool_names: [github] }, action: DENY, reason_code: QUIET }";
    std::fs::write(&path, format!("name: Quiet\nrules:\n  - {rule}\n")).unwrap();
    let applied = world.interven(&["policy", "apply", path.to_str().unwrap()]).must_exit(0).stdout;
    assert!(applied.contains("Quiet"), "{applied}");
    let denied = world.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(12).json();
    assert_eq!(denied["policy_name"], "Quiet");
    let listed = world.interven(&["policy", "list"]).must_exit(0).stdout;
    assert!(listed.contains("Quiet") && listed.contains("P1 "), "{listed}");
}
