//! What needs no server.

use crate::world::{MERGE, SLACK, interven, leaked_key, run};
use std::fs;

#[test]
fn a_policy_file_with_a_mistake_is_named_by_line_and_column() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("p.yaml");
    let rule = |matches: &str| {
        format!("name: x\nrules:\n  - rule_id: a\n    match: {{ {matches} }}\n    action: DENY\n")
    };
    fs::write(&path, rule("tool_nams: [slack]")).unwrap();
    let ran = run(interven().args(["policy", "validate"]).arg(&path), "").must_exit(1);
    assert!(ran.stdout.starts_with(&format!("{}:4:14: error: unknown key", path.display())), "{ran:?}");
    fs::write(&path, rule("tool_names: [slack]")).unwrap();
    let ran = run(interven().args(["policy", "validate"]).arg(&path), "").must_exit(0);
    assert_eq!(ran.stdout, "sound: 1 policy with 1 rule\n");
    run(interven().args(["policy", "validate", "-", "--json"]), &rule("tool_names: [slack]")).must_exit(0);
    run(interven().args(["policy", "validate", "nowhere.yaml"]), "").must_exit(2);
}

#[test]
fn policy_files_are_checked_beside_each_other_and_beside_the_names_of_calls() {
    let home = tempfile::tempdir().unwrap();
    let (deny, allow) = (home.path().join("deny.yaml"), home.path().join("allow.yaml"));
    fs::write(
        &deny,
        "name: No chat\nrules:\n  - { rule_id: chat, match: { tool_names: [slack, teams] }, action: DENY }\n",
    )
    .unwrap();
    let posting = |operation: &str| {
        let matches = format!("{{ tool_names: [slack], operations: [{operation}] }}");
        format!("name: Post\nrules:\n  - rule_id: post\n    match: {matches}\n    action: ALLOW\n")
    };
    fs::write(&allow, posting("post_mesage")).unwrap();
    let ran = run(interven().args(["policy", "validate"]).args([&deny, &allow]), "").must_exit(0);
    let at = |line: u32, column: u32| format!("{}:{line}:{column}: warning: ", allow.display());
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(
        lines[0].starts_with(
            &(at(4, 48) + "`slack` has no operation `post_mesage`; did you mean `post_message`?")
        ),
        "{ran:?}"
    );
    assert!(
        lines[1]
            .starts_with(&(at(3, 5) + "the rule never decides: `chat` of the policy `No chat` denies all")),
        "{ran:?}"
    );
    fs::write(&allow, posting("post_message")).unwrap();
    let ran = run(interven().args(["policy", "validate"]).arg(&allow), "").must_exit(0);
    assert_eq!(ran.stdout, "sound: 1 policy with 1 rule\n");
}

#[test]
fn a_policy_file_is_formatted_in_place_and_keeps_its_comments() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("p.yaml");
    let text = "rules:\n- {action: DENY, match: {tools: [slack]}, rule_id: a} # why\nname: 'x'\n";
    let expected =
        "name: x\nrules:\n  - rule_id: a # why\n    match: { tool_names: [slack] }\n    action: DENY\n";
    let named = format!("{}\n", path.display());
    fs::write(&path, text).unwrap();
    let fmt = |more: &[&str]| run(interven().args(["policy", "fmt"]).args(more).arg(&path), "");
    assert_eq!(fmt(&["--check"]).must_exit(1).stdout, named);
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "a check writes nothing");
    assert_eq!(fmt(&[]).must_exit(0).stdout, named);
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fmt(&[]).must_exit(0).stdout, "", "it is in form already");
    assert_eq!(fmt(&["--check", "--json"]).must_exit(0).json(), serde_json::json!([]));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside the file");
    assert_eq!(run(interven().args(["policy", "fmt", "-"]), text).must_exit(0).stdout, expected);

    let broken = home.path().join("broken.yaml");
    fs::write(&broken, "nam: x\n").unwrap();
    fs::write(&path, text).unwrap();
    let ran = run(interven().args(["policy", "fmt"]).args([&broken, &path]), "").must_exit(1);
    assert!(ran.stderr.contains("broken.yaml:1:1: error: unknown key `nam`"), "{ran:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), expected, "the sound file is formatted all the same");
    assert_eq!(fs::read_to_string(&broken).unwrap(), "nam: x\n");
}

#[test]
fn calls_are_judged_in_process() {
    let home = tempfile::tempdir().unwrap();
    let pack = home.path().join("pack.yaml");
    fs::write(&pack, "name: P\nrules:\n  - { rule_id: r, match: { verbs: [READ] }, action: DENY, reason_code: NO_READING }\n")
        .unwrap();
    let leak = format!(
        "{{\"id\":\"a\",\"method\":\"POST\",\"url\":\"{SLACK}\",\"body\":{{\"text\":\"{}\"}}}}",
        leaked_key()
    );
    let input = format!(
        "{leak}\n{{\"id\":\"b\",\"method\":\"PUT\",\"url\":\"{MERGE}\"}}\n{{\"id\":\"c\",\"method\":\"GET\",\"url\":\"//\"}}\n"
    );
    let lines = run(interven().args(["scan", "--jsonl", "--local"]), &input).must_exit(0).json_lines();
    let decisions: Vec<_> =
        lines.iter().map(|line| (line["id"].as_str(), line["decision"].as_str())).collect();
    assert_eq!(
        decisions,
        [(Some("a"), Some("DENY")), (Some("b"), Some("REQUIRE_APPROVAL")), (Some("c"), None)],
        "{lines:?}"
    );
    assert_eq!(lines[2]["code"], "INVALID_REQUEST");
    assert!(lines[0].get("ledger_seq").is_none(), "nothing was recorded: {}", lines[0]);

    let mut command = interven();
    command
        .args(["scan", "--local", "--method", "GET", "--url", "https://a.example/", "--json", "--pack"])
        .arg(&pack);
    assert_eq!(run(&mut command, "").must_exit(12).json()["reason_codes"][0], "NO_READING");
}

#[test]
fn wrong_usage_exits_with_two() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        &["scan", "--method", "GET"][..],
        &["scan", "--local", "--method", "GET", "--url", "https://a.example", "--body", "{"],
        &["scan", "--local", "--method", "GET", "--url", "relative"],
        &["approvals", "approve", "no-uuid"],
        &["approvals", "list"],
        &["no-such-command"],
    ] {
        run(interven().args(arguments).current_dir(home.path()), "").must_exit(2);
    }
}

#[test]
fn both_api_descriptions_are_printed() {
    for (arguments, path) in
        [(&["openapi"][..], "/v1/scan"), (&["openapi", "--telemetry"], "/api/telemetry/activity")]
    {
        let document = run(interven().args(arguments), "").must_exit(0).json();
        assert!(document["paths"].get(path).is_some(), "{path}");
    }
}
