//! House rules that no compiler knows, one file each.

mod allow_attributes;
mod crate_docs;
mod dependency_reasons;
mod length;
mod links;
mod machine_paths;
mod module_names;
mod registry_hosts;
mod shell_safety;
mod unfinished;
mod whitespace;

use std::path::Path;

use crate::finding::{Finding, print_findings};
use crate::tree::Tree;

const CHECKS: &[fn(&Tree) -> Vec<Finding>] = &[
    allow_attributes::check,
    crate_docs::check,
    dependency_reasons::check,
    length::check,
    links::check,
    machine_paths::check,
    module_names::check,
    registry_hosts::check,
    shell_safety::check,
    unfinished::check,
    whitespace::check,
];

/// Languages that people write here by hand.
const SOURCES: &[&str] = &["rs", "ts", "tsx", "js", "mjs", "py", "sh"];

pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let tree = Tree::read(root)?;
    Ok(print_findings("tidy", CHECKS.iter().flat_map(|check| check(&tree)).collect()))
}

/// Whether a character can be part of a name: what stands on either side of a word must not be.
fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The places at which `word` stands alone.
fn find_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
fn found(check: fn(&Tree) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(ToString::to_string).collect()
}
