//! The packs that come with the program.

use crate::world::{interven, run};
use std::fs;

const ALIASES: [&str; 5] =
    ["vibe-coder", "vibe-coder.yaml", "vibe-coder-starter", "vibe-coder-starter.yaml", "vibe-coder.yml"];

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
fn a_pack_has_one_text_under_all_its_names() {
    let home = tempfile::tempdir().unwrap();
    let text = |name: &str| {
        run(interven().current_dir(home.path()).args(["policy", "packs", name]), "").must_exit(0).stdout
    };
    for name in ALIASES {
        assert_eq!(text(name), text("vibe-coder"), "{name}");
        run(interven().current_dir(home.path()).args(["policy", "validate", "--pack", name]), "")
            .must_exit(0);
    }
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
