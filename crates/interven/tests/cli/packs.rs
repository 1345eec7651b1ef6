//! The packs that come with the program.

use crate::world::{SLACK, World, interven, run};
use std::{fs, path::Path};

#[test]
fn every_pack_stops_and_allows_what_its_cases_say() {
    let packs = run(interven().args(["policy", "packs", "--json"]), "").must_exit(0).json();
    let names: Vec<&str> =
        packs.as_array().unwrap().iter().map(|pack| pack["name"].as_str().unwrap()).collect();
    assert!(!names.is_empty());
    let ran = run(interven().args(["policy", "test", "--require-coverage", "--json"]).args(&names), "");
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    let report = ran.json();
    for (name, suite) in names.iter().zip(report["suites"].as_array().unwrap()) {
        let decisions: Vec<&str> = suite["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| case["got"]["decision"].as_str().unwrap())
            .collect();
        let allowed = decisions.iter().filter(|decision| **decision == "ALLOW").count();
        assert!(allowed >= 15, "{name} allows {allowed} calls");
        assert!(decisions.len() - allowed >= 15, "{name} stops {} calls", decisions.len() - allowed);
    }
}

#[test]
fn every_pack_is_sound_and_says_what_it_is_for() {
    let packs = run(interven().args(["policy", "packs", "--json"]), "").must_exit(0).json();
    for pack in packs.as_array().unwrap() {
        let name = pack["name"].as_str().unwrap();
        let ran = run(interven().args(["policy", "validate", "--pack", name]), "").must_exit(0);
        assert_eq!(ran.stdout.lines().count(), 1, "{name} is not without warnings: {}", ran.stdout);
        assert!(!pack["frameworks"].as_array().unwrap().is_empty(), "{name} is tagged");
        let text = run(interven().args(["policy", "packs", name]), "").must_exit(0).stdout;
        let header: String =
            text.lines().take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n");
        for part in [&format!("# {name}: "), "\n# Stops\n", "\n# Does not stop\n", "\n# Adjust\n"] {
            assert!(header.contains(part), "the header of {name} lacks {part:?}");
        }
    }
}

#[test]
fn a_pack_is_printed_under_any_of_its_names() {
    let text = |name: &str| run(interven().args(["policy", "packs", name]), "").must_exit(0).stdout;
    assert_eq!(text("sre-starter.yaml"), text("sre"));
    let ran = run(interven().args(["policy", "packs", "vibe-codr"]), "").must_exit(2);
    assert!(ran.stderr.contains("did you mean `vibe-coder`?"), "{ran:?}");
}

#[test]
fn a_file_of_that_path_comes_before_a_pack() {
    let home = tempfile::tempdir().unwrap();
    let scan = |pack: &str| {
        let arguments = [
            "scan",
            "--local",
            "--method",
            "POST",
            "--url",
            "shell://exec",
            "--body",
            "{\"command\":\"rm -rf ~\"}",
            "--pack",
        ];
        run(interven().current_dir(home.path()).args(arguments).arg(pack), "").code
    };
    assert_eq!(scan("vibe-coder.yaml"), Some(12));
    fs::write(home.path().join("vibe-coder.yaml"), "name: Mine\nrules: [{ rule_id: all, action: ALLOW }]\n")
        .unwrap();
    assert_eq!(scan("vibe-coder.yaml"), Some(0));
    assert_eq!(scan("vibe-coder"), Some(12));
}

#[test]
fn a_pack_is_watched_first_and_then_in_force_where_it_belongs() {
    let world = World::start();
    let leak = "{\"channel\":\"C1\",\"text\":\"MRN: 00123456, diagnosis: E11.9\"}";
    let scan = || world.scan("POST", SLACK, leak);
    world.interven(&["policy", "apply", "--pack", "healthcare-hipaa", "--shadow"]).must_exit(0);
    scan().must_exit(0);
    let apply = ["policy", "apply", "--pack", "healthcare-hipaa-starter.yaml", "--env", "default"];
    let applied = world.interven(&apply).must_exit(0).stdout;
    assert_eq!(
        applied.lines().filter(|line| line.contains("HIPAA / ") && line.contains("default")).count(),
        4
    );
    assert_eq!(scan().must_exit(12).json()["reason_codes"][0], "PHI_EGRESS_CHAT_BLOCKED");
}

#[test]
fn a_copy_of_a_pack_is_a_policy_file_with_tests() {
    let home = tempfile::tempdir().unwrap();
    let in_home = |arguments: &[&str]| run(interven().current_dir(home.path()).args(arguments), "");
    let save = |file: &str, text: String| fs::write(home.path().join(file), text).unwrap();
    save("mine.yaml", in_home(&["policy", "packs", "sre"]).must_exit(0).stdout);
    save("mine.tests.yaml", in_home(&["policy", "packs", "sre", "--tests"]).must_exit(0).stdout);
    in_home(&["policy", "test", "mine.yaml", "--require-coverage"]).must_exit(0);
    let changed = fs::read_to_string(home.path().join("mine.yaml")).unwrap().replacen("DENY", "ALLOW", 1);
    save("mine.yaml", changed);
    let ran = in_home(&["policy", "test", "mine.yaml"]).must_exit(1);
    assert!(ran.stdout.contains("expected DENY by `production-account`, got REQUIRE_APPROVAL by"), "{ran:?}");
}

#[test]
fn packs_are_written_in_the_form_that_fmt_gives() {
    let packs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/packs");
    let files = fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path());
    let policies: Vec<_> = files.filter(|path| !path.to_str().unwrap().ends_with(".tests.yaml")).collect();
    assert_eq!(policies.len(), 12);
    run(interven().args(["policy", "fmt", "--check"]).args(policies), "").must_exit(0);
}

#[test]
fn the_default_policies_have_cases_too() {
    let defaults = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/defaults.yaml");
    run(interven().args(["policy", "test", "--require-coverage"]).arg(defaults), "").must_exit(0);
}
