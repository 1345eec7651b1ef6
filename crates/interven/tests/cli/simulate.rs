//! An author tries a draft on what was recorded.

use crate::world::{MERGE, Ran, SLACK, World, interven, leaked_key, run};

const READ: &str = "https://api.github.com/repos/acme/app";

const DRAFT: &str = "
policies:
  - name: Quiet
    rules:
      - rule_id: no-pii
        match: { tool_names: [slack] }
        condition: { has_data_class: [PII] }
        action: DENY
      - rule_id: refunds
        match: { tool_names: [stripe] }
        action: DENY
      - rule_id: watch
        mode: shadow
        match: { tool_names: [github] }
        action: DENY
";

impl World {
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.data_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn simulate(&self, arguments: &[&str]) -> Ran {
        self.interven(&[&["policy", "simulate"], arguments].concat())
    }
}

fn trace_of(answer: &Ran) -> String {
    answer.json()["trace_id"].as_str().unwrap().to_owned()
}

#[test]
fn an_author_sees_what_a_draft_would_have_decided_otherwise() {
    let world = World::start();
    world.scan("GET", READ, "null").must_exit(0);
    let redacted =
        trace_of(&world.scan("POST", SLACK, r#"{"text":"write to bob@example.org"}"#).must_exit(10));
    world.scan("POST", SLACK, &format!(r#"{{"text":"{}"}}"#, leaked_key())).must_exit(12);
    let held = world.scan("PUT", MERGE, "{}").must_exit(11).json();
    world.interven(&["approvals", "approve", held["approval_id"].as_str().unwrap()]).must_exit(0);
    world.scan("PUT", MERGE, "{}").must_exit(0);
    world.interven(&["admin", "settings", "set", "monitor=true"]).must_exit(0);
    let monitored =
        trace_of(&world.scan("POST", SLACK, r#"{"text":"write to eve@example.org"}"#).must_exit(0));

    let file = world.write("draft.yaml", DRAFT);
    let told = world.simulate(&[&file]).must_exit(1);
    assert!(told.stdout.starts_with("2 of 6 calls since "), "{}", told.stdout);
    for expected in [
        "IN FORCE  DRAFT  CALLS\nSANITIZE  DENY   2\n",
        "SANITIZE -> DENY\nTRACE",
        "Quiet / no-pii     -            DENY           2        2\n",
        "Quiet / refunds    -            DENY           never    never\n",
        "Quiet / watch      -            DENY (shadow)  3        -\n",
        "1 call: recorded in monitor mode",
    ] {
        assert!(told.stdout.contains(expected), "{expected:?} in {}", told.stdout);
    }
    let at = |trace: &str| told.stdout.find(trace).unwrap();
    assert!(at(&monitored) < at(&redacted), "the newest comes first: {}", told.stdout);
    assert!(told.stdout.contains("slack.post_message  P5 Redact"), "{}", told.stdout);
    assert!(!told.stdout.contains("example.org") && told.stderr.is_empty(), "{told:?}");

    let report = world.simulate(&[&file, "--since", "1h", "--tool", "slack", "--json"]).must_exit(1).json();
    assert_eq!(
        (&report["scans"], &report["changed"], &report["monitored"]),
        (&3.into(), &2.into(), &1.into())
    );
    assert_eq!(report["changes"][0]["examples"][1]["trace_id"], *redacted);
    let narrow = world.simulate(&[&file, "--limit", "1", "--agent", "default-agent", "--json"]).must_exit(1);
    assert_eq!(narrow.json()["scans"], 1);

    // A draft that is in force already.
    world.interven(&["policy", "apply", &file]).must_exit(0);
    let same = world.simulate(&[&file, "--until", "2999-01-01"]).must_exit(0);
    assert!(same.stdout.starts_with("0 of 6 calls from "), "{}", same.stdout);
    assert!(same.stdout.contains("(changed since: policies)"), "{}", same.stdout);
    let nothing = world.simulate(&[&file, "--env", "production"]).must_exit(0);
    assert!(nothing.stdout.starts_with("nothing was recorded since "), "{}", nothing.stdout);
    assert!(nothing.stdout.ends_with(" in production\n"), "{}", nothing.stdout);
}

#[test]
fn what_is_asked_wrongly_is_named_before_anything_is_sent() {
    let world = World::start();
    let file = world.write("draft.yaml", DRAFT);
    let wrong = world.write("wrong.yaml", "name: x\nrules:\n  - rule_id: a\n    action: DENNY\n");
    let nowhere = ["--server", "http://127.0.0.1:1"];
    for (arguments, code, expected) in [
        (vec![wrong.as_str()], 1, "wrong.yaml:4:13: error: "),
        (vec![&file, "--since", "7"], 2, "write 7d, 12h or 90m"),
        (vec![&file, "--since", "2999-01-01"], 2, "it must be before now"),
        (vec![&file, "--since", "1h", "--until", "2h"], 2, "it must be before --until, "),
        (vec![&file, "--limit", "0"], 2, "--limit"),
        (vec!["/nowhere.yaml"], 2, "`/nowhere.yaml` cannot be read"),
        (vec![], 2, "<FILES|--pack <NAME>>"),
        (vec![&file], 3, "is the server running there?"),
    ] {
        let mut command = interven();
        command.env("INTERVEN_ADMIN_TOKEN", "t").args(["policy", "simulate"]).args(&arguments).args(nowhere);
        let refused = run(&mut command, "").must_exit(code);
        assert!(refused.stderr.contains(expected), "{arguments:?}: {refused:?}");
        assert!(refused.stdout.is_empty(), "{refused:?}");
    }
    let unknown = world.simulate(&[&file, "--agent", "nobody"]).must_exit(2);
    assert!(unknown.stderr.contains("no agent is named `nobody`"), "{unknown:?}");
}
