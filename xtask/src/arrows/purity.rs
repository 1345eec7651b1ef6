//! The decision core answers the same question the same way forever: nothing in it may look at the world.

use super::graph::Graph;
use super::layers::{Kind, LAYERS, layer_of};
use crate::finding::Finding;
use crate::rust_source::{is_test_path, shipped_lines, without_comment};
use crate::tree::Tree;

/// Crates whose purpose is I/O: out of reach, however long the chain.
const OUT_OF_REACH: &[&str] = &["tokio", "mio", "axum", "hyper", "reqwest", "rusqlite", "tokio-postgres"];

/// Randomness, forbidden as a direct dependency. A chain to it cannot be: `uuid` and the hash crates make it optional,
/// and cargo shows the features of the whole workspace. What the sources may call closes that gap.
const NOT_DIRECTLY: &[&str] = &["getrandom", "rand", "rand_core"];

struct Mention {
    text: &'static str,
    instead: &'static str,
}

const fn mention(text: &'static str, instead: &'static str) -> Mention {
    Mention { text, instead }
}

const CLOCK: &str = "take the time as an argument";
const WORLD: &str = "take the value as an argument";
const RANDOM: &str = "take the randomness as an argument";

const MENTIONS: &[Mention] = &[
    mention("SystemTime::now", CLOCK),
    mention("Instant::now", CLOCK),
    mention("jiff::Timestamp::now", CLOCK),
    mention("Zoned::now", CLOCK),
    mention("TimeZone::system", CLOCK),
    mention("std::env", WORLD),
    mention("std::fs", WORLD),
    mention("std::process", WORLD),
    mention("std::net", "take addresses from `core::net`, and open no sockets"),
    mention("std::thread", "leave threads to the caller"),
    mention("rand::", RANDOM),
    mention("getrandom", RANDOM),
    mention("OsRng", RANDOM),
    mention("new_v4", RANDOM),
    mention("now_v7", RANDOM),
    mention("RandomState", "use an order that is the same on every run"),
];

pub(crate) fn find_impure_dependencies(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_pure = |member: &&str| layer_of(member).is_some_and(|layer| layer.kind == Kind::Pure);
    for member in graph.members().filter(is_pure) {
        for target in OUT_OF_REACH {
            if let Some(chain) = graph.chain(member, target) {
                let chain = chain.join(" → ");
                findings.push(Finding::about(member, format!("is pure and reaches `{target}`: {chain}")));
            }
        }
        for target in graph.arrows_from(member).filter(|target| NOT_DIRECTLY.contains(target)) {
            findings.push(Finding::about(member, format!("is pure and depends on `{target}`: {RANDOM}")));
        }
    }
    findings
}

pub(crate) fn find_impure_sources(tree: &Tree) -> Vec<Finding> {
    let folders: Vec<String> = LAYERS
        .iter()
        .filter(|layer| layer.kind == Kind::Pure)
        .map(|layer| format!("crates/{}/src/", layer.package.trim_start_matches("interven-")))
        .collect();
    let is_pure = |path: &str| folders.iter().any(|folder| path.starts_with(folder));
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(&["rs"])) {
        if !is_pure(&file.path) || is_test_path(&file.path) {
            continue;
        }
        for (line, text) in shipped_lines(&file.text) {
            for mention in MENTIONS.iter().filter(|mention| is_mentioned(without_comment(text), mention.text))
            {
                findings.push(Finding::at_line(
                    &file.path,
                    line,
                    format!("a pure crate mentions `{}`: {}", mention.text, mention.instead),
                ));
            }
        }
    }
    findings
}

fn is_mentioned(code: &str, text: &str) -> bool {
    says(code, text) || text.strip_prefix("std::").is_some_and(|module| is_imported_in_group(code, module))
}

/// Whether `use std::{…}` on one line names the module.
fn is_imported_in_group(code: &str, module: &str) -> bool {
    let group = code.split_once("std::{").map_or("", |(_, group)| group);
    group.split([',', '{', '}']).any(|item| item.trim().split("::").next() == Some(module))
}

/// Whether `words` stands in the code at the start of a word: `rand::` is not in `operand::`.
fn says(code: &str, words: &str) -> bool {
    code.match_indices(words).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::{find_impure_dependencies, find_impure_sources};
    use crate::arrows::graph::Graph;
    use crate::tree::Tree;

    #[test]
    fn a_long_chain_to_the_network_is_shown_whole() {
        let graph = Graph::of(&[
            ("interven-engine", &["interven-types"]),
            ("interven-types", &["clever"]),
            ("clever", &["tokio"]),
            ("interven-store", &["tokio"]),
        ]);
        let sentences: Vec<_> = find_impure_dependencies(&graph).iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "interven-engine: is pure and reaches `tokio`: interven-engine → interven-types → clever → tokio",
                "interven-types: is pure and reaches `tokio`: interven-types → clever → tokio",
            ]
        );
    }

    #[test]
    fn randomness_is_refused_directly_and_tolerated_behind_a_library() {
        let direct = Graph::of(&[("interven-vault", &["getrandom"])]);
        assert_eq!(find_impure_dependencies(&direct).len(), 1);
        let behind = Graph::of(&[("interven-vault", &["uuid"]), ("uuid", &["getrandom"])]);
        assert!(find_impure_dependencies(&behind).is_empty());
    }

    #[test]
    fn sources_of_pure_crates_do_not_look_at_the_world() {
        for (path, text, is_found) in [
            ("crates/types/src/a.rs", "let t = std::time::SystemTime::now();", true),
            ("crates/types/src/a.rs", "use std::fs;", true),
            ("crates/types/src/a.rs", "use std::{fmt, fs::File};", true),
            ("crates/types/src/a.rs", "use std::{fmt, sync::Arc};", false),
            ("crates/vault/src/a.rs", "let n = rand::random();", true),
            ("crates/policy/src/a.rs", "operand::parse()", false),
            ("crates/types/src/a.rs", "impl From<std::time::SystemTime> for T {", false),
            ("crates/types/src/a.rs", "// never `std::fs`", false),
            ("crates/types/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}", false),
            ("crates/types/tests/a.rs", "use std::fs;", false),
            ("crates/gateway/src/a.rs", "use std::fs;", false),
        ] {
            let findings = find_impure_sources(&Tree::of(&[(path, text)]));
            assert_eq!(!findings.is_empty(), is_found, "{path} {text}");
        }
    }
}
