//! Runs the examples of `docs/policies.md`.

#![cfg(test)]

use interven_policy::{check_yaml, parse_suite};

const PAGE: &str = include_str!("../../../docs/policies.md");
const FILE: &str = "policy.yaml";

/// The fenced blocks of the page: line number, what stands behind the fence, and the text.
fn blocks() -> Vec<(usize, &'static str, String)> {
    let mut lines = (1..).zip(PAGE.lines());
    let mut blocks = Vec::new();
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            blocks.push((number, info, text.map(|line| format!("{line}\n")).collect()));
        }
    }
    blocks
}

/// What `interven policy validate` prints about a text; empty when it is sound.
fn findings(text: &str) -> String {
    match check_yaml(text, FILE) {
        Ok((_, findings)) => findings.iter().map(|finding| format!("{finding}\n")).collect(),
        Err(errors) => format!("{errors}\n"),
    }
}

/// `yaml`, or `yaml NAME` for a file of that name.
fn is_policy(info: &str) -> bool {
    info == "yaml"
        || info.strip_prefix("yaml ").is_some_and(|name| name.ends_with(".yaml") && !is_suite(info))
}

fn is_suite(info: &str) -> bool {
    info == "yaml tests" || info.ends_with(".tests.yaml")
}

#[test]
fn every_example_is_sound() {
    let examples: Vec<_> = blocks().into_iter().filter(|(_, info, _)| is_policy(info)).collect();
    assert!(examples.len() > 10, "the examples were not found");
    for (line, _, text) in examples {
        assert_eq!(findings(&text), "", "example at line {line}");
    }
}

#[test]
fn every_finding_shown_is_what_the_checker_says() {
    let blocks = blocks();
    let shown = blocks.windows(2).filter(|pair| pair[0].1 == "yaml finding");
    let shown: Vec<_> = shown.map(|pair| (pair[0].0, &pair[0].2, &pair[1])).collect();
    assert!(!shown.is_empty(), "the findings were not found");
    for (line, text, (_, info, expected)) in shown {
        assert_eq!((*info, &findings(text)), ("text", expected), "example at line {line}");
    }
}

#[test]
fn every_test_file_shown_can_be_read() {
    let shown: Vec<_> = blocks().into_iter().filter(|(_, info, _)| is_suite(info)).collect();
    assert!(!shown.is_empty(), "the test files were not found");
    for (line, _, text) in shown {
        assert_eq!(parse_suite(&text, FILE).err(), None, "test file at line {line}");
    }
}

#[test]
fn no_block_goes_unread() {
    let is_known =
        |info: &str| is_policy(info) || is_suite(info) || ["yaml finding", "text", "sh"].contains(&info);
    let unknown: Vec<_> = blocks().into_iter().filter(|(_, info, _)| !is_known(info)).collect();
    assert_eq!(unknown, []);
}
