//! Looking detectors up, and trying them.

use crate::world::{interven, leaked_key, run};

#[test]
fn detectors_are_listed_by_class_provider_and_word() {
    let ids = |arguments: &[&str]| {
        let rows =
            run(interven().args(["detectors", "list", "--json"]).args(arguments), "").must_exit(0).json();
        rows.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = ids(&[]);
    assert!(all.len() > 400, "{}", all.len());
    let phi = ids(&["--class", "PHI"]);
    assert!(phi.contains(&"npi".to_owned()) && phi.len() < 50, "{phi:?}");
    let found = ids(&["--provider", "GitHub", "--search", "ghp_"]);
    assert!(found.contains(&"github_pat".to_owned()) && found.len() < 10, "{found:?}");
    let ran = run(interven().args(["detectors", "list", "--search", "no such word"]), "").must_exit(1);
    assert_eq!(ran.stdout, "none\n");
}

#[test]
fn a_detector_is_shown_with_its_examples_masked() {
    let ran = run(interven().args(["detectors", "show", "us_ssn"]), "").must_exit(0);
    assert!(ran.stdout.contains("matches       SSN 536…(11)\n"), "{ran:?}");
    let sheet =
        run(interven().args(["detectors", "show", "us_ssn", "--json", "--reveal"]), "").must_exit(0).json();
    assert_eq!((&sheet["validator"], &sheet["class"]), (&"us_ssn".into(), &"PII".into()));
    assert!(sheet["positive"][0].as_str().unwrap().contains("536-"), "{sheet}");
    let ran = run(interven().args(["detectors", "show", "us-snn"]), "").must_exit(2);
    assert_eq!(ran.stderr, "interven: there is no detector `us-snn`; did you mean `us_ssn`?\n");
}

#[test]
fn a_trial_says_why_not() {
    let test = |id: &str, text: &str| run(interven().args(["detectors", "test", id, "-"]), text);
    let leaked = leaked_key();
    let ran = test("aws_access_key_id", &format!("key {leaked}")).must_exit(0);
    assert_eq!(ran.stdout, format!("aws_access_key_id: {}…(20) at character 5: HIGH\n", &leaked[..4]));
    // A token's shape with a wrong checksum; in pieces, so that none stands in the source.
    let broken = ["gh", "p_", "nkf40lgyqJip3dx24Vowxc", "DZFVabcdEFGH12"].concat();
    for (id, text, reason) in [
        ("payment_card", "card 4111 1111 1111 1112", ": nothing: the validator `payment_card` refuses it\n"),
        ("github_pat", broken.as_str(), ": MEDIUM: the validator `github_crc` refuses it\n"),
        (
            "aws_access_key_id",
            "nothing",
            "aws_access_key_id: nothing: none of its keywords stands in the text: `akia`",
        ),
    ] {
        let ran = test(id, text);
        assert!(ran.stdout.contains(reason), "{ran:?}");
    }
    // One detector alone opens no layers.
    let ran = test("us_ssn", "c3NuIDUzNi0yMi04NDE3").must_exit(1);
    assert!(
        ran.stdout.ends_with("`interven classify` finds it in a layer of the text (base64, escapes, …)\n"),
        "{ran:?}"
    );
}

#[test]
fn every_example_of_the_data_can_be_tried() {
    let ran = run(interven().args(["detectors", "test", "us_ssn"]), "").must_exit(0);
    assert!(ran.stdout.starts_with("1 detectors, ") && ran.stdout.ends_with(", 0 failed\n"), "{ran:?}");
    let ran = run(interven().args(["detectors", "test"]), "").must_exit(0);
    assert!(ran.stdout.ends_with(" 0 failed\n"), "{ran:?}");
}
