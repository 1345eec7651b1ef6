//! `interven policy test` and the packs that come with the program.

use crate::world::{Ran, interven, run};
use std::{fs, path::Path};
use tempfile::TempDir;

const POLICY: &str = "\
name: Money
rules:
  - rule_id: large-payout
    match: { operations: [create_payout] }
    condition: { body_path_gt: { path: $.amount, value: 100 } }
    action: REQUIRE_APPROVAL
  - rule_id: night
    match: { operations: [create_payout] }
    condition: { time_of_day_outside: { start: '07:00', end: '19:00', tz: UTC } }
    action: DENY
    reason_code: NIGHT
  - rule_id: drifted
    condition: { mcp_drift_detected: true }
    action: DENY
";

const TESTS: &str = "\
tests:
  - name: A large payout waits
    request: { method: POST, url: https://api.stripe.com/v1/payouts, body: { amount: 500 } }
    expect: { decision: REQUIRE_APPROVAL, rule_id: large-payout }
  - name: A payout at night
    request: { method: POST, url: https://api.stripe.com/v1/payouts, body: { amount: 5 } }
    given: { now: 2026-11-22T03:00:00Z }
    expect: { decision: DENY, reason_codes: [NIGHT] }
  - name: A small payout passes
    request: { method: POST, url: https://api.stripe.com/v1/payouts, body: { amount: 5 } }
    expect: ALLOW
";

fn home(tests: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("money.yaml"), POLICY).unwrap();
    fs::write(home.path().join("money.tests.yaml"), tests).unwrap();
    home
}

fn test_in(home: &Path, arguments: &[&str]) -> Ran {
    run(interven().current_dir(home).args(["policy", "test"]).args(arguments), "")
}

#[test]
fn either_file_of_a_pair_names_both() {
    let home = home(TESTS);
    for arguments in
        [&["money.yaml"][..], &["money.tests.yaml"], &["money.yaml", "money.tests.yaml"], &["./money.yaml"]]
    {
        let ran = test_in(home.path(), arguments).must_exit(0);
        let file = if arguments[0].starts_with("./") { "./money.tests.yaml" } else { "money.tests.yaml" };
        let expected = format!(
            "{file}: warning: no case exercises Money / drifted\n3 passed, 0 failed; 2 of 3 rules exercised\n"
        );
        assert_eq!(ran.stdout, expected, "{arguments:?}");
    }
    test_in(home.path(), &["money.yaml", "--require-coverage"]).must_exit(1);
}

#[test]
fn what_engines_would_bring_is_given() {
    let drift = "  - name: The tool changed
    request: { method: POST, url: mcp://files/read, body: {} }
    given: { mcp_drift_detected: true }
    expect: { rule_id: drifted }
";
    let home = home(&format!("{TESTS}{drift}"));
    test_in(home.path(), &["money.yaml", "--require-coverage"]).must_exit(0);
}

#[test]
fn a_case_that_fails_says_what_came_and_why() {
    let home = home(&TESTS.replace("expect: ALLOW", "expect: DENY"));
    let report = home.path().join("out.xml");
    let ran = test_in(home.path(), &["money.yaml", "--junit", "out.xml"]).must_exit(1);
    assert!(
        ran.stdout.starts_with(
            "money.tests.yaml:9: failed: A small payout passes: expected DENY, got ALLOW by no rule \
             (stripe.create_payout, WRITE)\n"
        ),
        "{ran:?}"
    );
    let xml = fs::read_to_string(&report).unwrap();
    for part in [
        "<testsuites name=\"interven policy test\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"",
        "<testsuite name=\"money.tests.yaml\" tests=\"3\" failures=\"1\"",
        "<testcase name=\"A large payout waits\" classname=\"money.tests.yaml\" file=\"money.tests.yaml\" line=\"2\" time=\"",
        "<failure message=\"expected DENY, got ALLOW by no rule (stripe.create_payout, WRITE)\">",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    let order: Vec<_> =
        ["A large payout", "A payout at night", "A small payout"].map(|name| xml.find(name)).into();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{xml}");

    let json = test_in(home.path(), &["money.yaml", "--json"]).must_exit(1).json();
    let case = &json["suites"][0]["cases"][2];
    assert_eq!((&case["got"]["decision"], &case["line"]), (&"ALLOW".into(), &9.into()), "{case}");
    assert_eq!(json["suites"][0]["cases"][0]["problem"], serde_json::Value::Null);
    assert_eq!(json["suites"][0]["rules_not_exercised"][0]["rule_id"], "drifted");
}

#[test]
fn files_that_cannot_be_run_are_told_with_their_place() {
    for (wrong, right, expected) in [
        (
            "expect: ALLOW",
            "expect: ALOW",
            "money.tests.yaml:11:13: error: unknown value `ALOW`; did you mean `ALLOW`?",
        ),
        (
            "large-payout }",
            "large-payot }",
            "no policy under test has a rule `large-payot`; did you mean `large-payout`?",
        ),
        ("  - name: A small", "tests: []\n  - name: A small", "error: "),
    ] {
        let home = home(&TESTS.replacen(wrong, right, 1));
        let ran = test_in(home.path(), &["money.yaml", "--junit", "out.xml"]).must_exit(1);
        assert!(
            ran.stdout.contains(expected) && ran.stdout.contains("; not run: 1 file\n"),
            "{right}: {ran:?}"
        );
        let xml = fs::read_to_string(home.path().join("out.xml")).unwrap();
        assert!(xml.contains("errors=\"1\"") && xml.contains("<error message="), "{xml}");
    }
    let broken = home(TESTS);
    fs::write(broken.path().join("money.yaml"), POLICY.replace("DENY", "DENNY")).unwrap();
    let ran = test_in(broken.path(), &["money.yaml"]).must_exit(1);
    assert!(ran.stdout.starts_with("money.yaml:10:13: error: unknown value `DENNY`"), "{ran:?}");
}

#[test]
fn what_is_not_there_is_wrong_usage() {
    let home = home(TESTS);
    fs::write(home.path().join("alone.yaml"), POLICY).unwrap();
    fs::write(home.path().join("orphan.tests.yaml"), TESTS).unwrap();
    for (argument, expected) in [
        ("alone.yaml", "`alone.yaml` has no tests: `alone.tests.yaml` is not there"),
        ("orphan.tests.yaml", "names neither `policies` nor a `pack`, and `orphan.yaml` is not there"),
        ("vibe-codr", "`vibe-codr` is no file, and there is no pack `vibe-codr`; did you mean `vibe-coder`?"),
        ("nowhere/at/all.yaml", "`interven policy packs` lists them"),
    ] {
        let ran = test_in(home.path(), &[argument]).must_exit(2);
        assert!(ran.stderr.contains(expected), "{argument}: {ran:?}");
    }
    test_in(home.path(), &[]).must_exit(2);
}

#[test]
fn a_test_file_names_policies_elsewhere() {
    let home = home(TESTS);
    fs::create_dir(home.path().join("tests")).unwrap();
    let named = format!("policies: [../money.yaml]\n{TESTS}");
    fs::write(home.path().join("tests/all.tests.yaml"), named).unwrap();
    test_in(home.path(), &["tests/all.tests.yaml"]).must_exit(0);
}
