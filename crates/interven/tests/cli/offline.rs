//! What needs no server.

use crate::world::{MERGE, SLACK, interven, leaked_key, run};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

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
    assert_eq!(ran.stdout, "1 policies with 1 rules are sound\n");
    run(interven().args(["policy", "validate", "-", "--json"]), &rule("tool_names: [slack]")).must_exit(0);
    run(interven().args(["policy", "validate", "nowhere.yaml"]), "").must_exit(2);
}

#[test]
fn text_is_classified_by_line_and_column_and_masked() {
    let leaked = leaked_key();
    let ran = run(interven().arg("classify"), &format!("first\nkey: {leaked}\n")).must_exit(1);
    assert!(ran.stdout.starts_with("-:2:6: SECRETS "), "{ran:?}");
    assert!(ran.stdout.contains(&format!(" {}…", &leaked[..4])) && !ran.stdout.contains(&leaked), "{ran:?}");
    let ran = run(interven().args(["classify", "--json"]), "nothing here").must_exit(0);
    assert_eq!(ran.stdout, "[]\n");
}

#[test]
fn a_stream_of_texts_and_bodies_is_classified() {
    let leaked = leaked_key();
    let input = format!(
        "{{\"id\":1,\"text\":\"key {leaked}\"}}\n{{\"id\":2,\"body\":{{\"a\":[\"{leaked}\"]}}}}\n{{\"id\":3}}\nnot json\n"
    );
    let lines = run(interven().args(["classify", "--jsonl"]), &input).must_exit(0).json_lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    let hit = &lines[0]["hits"][0];
    assert_eq!((&lines[0]["id"], &hit["class"], &hit["path"]), (&1.into(), &"SECRETS".into(), &"".into()));
    assert_eq!((&hit["start"], &hit["end"]), (&4.into(), &24.into()));
    assert_eq!(lines[1]["hits"][0]["path"], "/a/0");
    assert_eq!((&lines[2]["id"], &lines[2]["code"]), (&3.into(), &"INVALID_REQUEST".into()));
    assert_eq!(lines[3]["code"], "INVALID_REQUEST");
}

#[test]
fn each_line_is_answered_while_the_writer_waits() {
    let mut child = interven()
        .args(["classify", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in ["1", "2"] {
        writeln!(input, "{{\"id\":{id},\"text\":\"a\"}}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), format!("{{\"id\":{id},\"hits\":[]}}"));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = interven()
        .args(["classify", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // Until the command has ended, and the pipe to it with it.
    while input.write_all(b"{\"id\":1,\"text\":\"a\"}\n").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
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
