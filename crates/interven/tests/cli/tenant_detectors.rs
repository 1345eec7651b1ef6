//! A tenant's detectors from the command line, as docs/tenant-detectors.md shows them.

use crate::world::{Ran, SLACK, World, interven, run};
use std::path::Path;

impl World {
    fn detectors(&self, arguments: &[&str]) -> Ran {
        self.interven(&[&["admin", "detectors"], arguments].concat())
    }

    fn detectors_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = interven();
        command.args(["admin", "detectors"]).args(arguments).arg("--data-dir").arg(self.data_dir());
        run(&mut command, input)
    }

    /// Writes a file beside the data, and returns its path.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.data_dir().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn say(&self, text: &str) -> Ran {
        self.scan("POST", SLACK, &format!("{{\"text\":\"{text}\"}}"))
    }
}

/// The blocks of that language in the page about detectors.
fn documented(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tenant-detectors.md");
    let text = std::fs::read_to_string(page).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(language))
        .map(|block| block.trim_start().to_owned())
        .collect()
}

#[test]
fn the_documented_detectors_are_added_found_lowered_and_removed() {
    let world = World::start();
    let files = documented("toml");
    assert_eq!(files.len(), 2);
    for (n, text) in files.iter().enumerate() {
        let file = world.file(&format!("{n}.toml"), text);
        let added = world.detectors(&["add", &file]).must_exit(0).stdout;
        assert!(
            added.contains("positive[0]") && added.contains(" ok ") && added.contains("is added"),
            "{added}"
        );
    }
    let listed = world.detectors(&["list"]).must_exit(0).stdout;
    let first: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(first[..6], ["acme_employee", "PII", "HIGH", "1", "custom", "on"]);

    let found = world.say("badge of emp-204417").must_exit(10).json();
    assert_eq!(found["sanitized_body"]["text"], "badge of emp-[REDACTED:acme_employee]");
    world.detectors(&["set", "acme_employee", "--confidence", "low", "--weight", "0.5"]).must_exit(0);
    assert_eq!(
        world.say("badge of emp-204417").must_exit(0).json()["classifications"].as_array().unwrap().len(),
        0
    );
    world.detectors(&["set", "acme_employee", "--default"]).must_exit(0);
    world.detectors(&["disable", "acme_employee"]).must_exit(0);
    let off = world.say("badge of emp-204417").must_exit(0).stdout;
    assert!(off.contains("detector:acme_employee") && off.contains("switched off"), "{off}");
    world.detectors(&["enable", "acme_employee"]).must_exit(0);
    world.say("badge of emp-204417").must_exit(10);
    world.detectors(&["remove", "acme_employee"]).must_exit(0);
    world.say("badge of emp-204417").must_exit(0);
    let versions = world.interven(&["admin", "settings", "versions", "--json"]).must_exit(0).json();
    assert_eq!(versions.as_array().unwrap().len(), 8);
    world.interven(&["admin", "settings", "restore", "3"]).must_exit(0);
    world.say("badge of emp-204417").must_exit(10);
}

#[test]
fn a_detector_whose_examples_do_not_hold_is_not_sent() {
    let world = World::start();
    let text = documented("toml").remove(0).replace("emp-204417", "staff 204417");
    let file = world.file("wrong.toml", &text);
    let refused = world.detectors(&["add", &file]).must_exit(1);
    assert!(refused.stdout.contains("WRONG"), "{refused:?}");
    assert!(refused.stderr.contains("`detector[0].positive[0]` is not found in"), "{refused:?}");
    let misread = world.file("misread.toml", "[[detector]]\nid = 'a'\nprefilter = 'digits'\n");
    world.detectors(&["add", &misread]).must_exit(2);
    world.detectors(&["add", "nowhere.toml"]).must_exit(2);
    let settings = world.interven(&["admin", "settings", "show"]).must_exit(0).stdout;
    assert!(settings.starts_with("version 1,"), "{settings}");
}

#[test]
fn an_exception_is_made_of_a_value_that_stands_on_no_command_line() {
    let world = World::start();
    let ssn = "536-22-8417";
    world.say(&format!("her ssn is {ssn}")).must_exit(10);
    let except = ["except", "--value-from-stdin", "--detector", "us_ssn", "--note", "the test person"];
    world.detectors_with(&except, &format!("{ssn}\n")).must_exit(0);
    let answer = world.say(&format!("her ssn is {ssn}")).must_exit(0).stdout;
    assert!(answer.contains("finding exception: the test person (1 finding)"), "{answer}");
    let hash = run(interven().args(["admin", "detectors", "hash"]), ssn).must_exit(0).stdout;
    let listed = world.detectors(&["exceptions"]).must_exit(0).stdout;
    assert!(
        listed.contains(&hash[..12]) && listed.contains("the test person") && !listed.contains(ssn),
        "{listed}"
    );

    world
        .detectors(&["except", "--path", "/text", "--note", "free text", "--expires", "2020-01-01T00:00:00Z"])
        .must_exit(0);
    world.detectors(&["unexcept", "3"]).must_exit(2);
    let removed = world.detectors(&["unexcept", "1"]).must_exit(0).stdout;
    assert!(removed.contains("exception 1 is removed: the test person"), "{removed}");
    world.say(&format!("her ssn is {ssn}")).must_exit(10);
}

#[test]
fn what_the_server_or_the_command_refuses_says_what_to_do() {
    let world = World::start();
    for (arguments, code, told) in [
        (&["disable", "emial"][..], 3, "did you mean `email`?"),
        (&["set", "emial", "--weight", "2"], 3, "did you mean `email`?"),
        (&["set", "email", "--weight", "9"], 3, "must be 0 to 4"),
        (&["set", "email", "--confidence", "huge"], 2, "--confidence huge"),
        (&["set", "email"], 2, "--confidence"),
        (&["enable", "email"], 2, "is not switched off"),
        (&["remove", "email"], 2, "is switched off with `disable`"),
        (&["except", "--note", "everything"], 2, "--value-from-stdin"),
        (&["except", "--tool", "slack", "--detector", "emails", "--note", "n"], 3, "did you mean `email`?"),
        (&["except", "--path", "text", "--note", "n"], 3, "JSON Pointer"),
        (&["hash"], 2, "no value on the standard input"),
    ] {
        let refused = world.detectors(arguments).must_exit(code);
        assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
    }
}
