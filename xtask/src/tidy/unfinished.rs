//! What is not done yet stands in no source: a half-built thing is either finished or not there.

use super::{SOURCES, find_word};
use crate::finding::Finding;
use crate::tree::Tree;

/// In pieces, so that this file passes its own check.
const WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME")];
const CALLS: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimpl", "emented!("),
    concat!("#[ig", "nore"),
    concat!(".skip", "(\""),
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(SOURCES)) {
        for (line, text) in file.numbered_lines() {
            let words = WORDS.iter().filter(|word| find_word(text, word));
            for mark in words.chain(CALLS.iter().filter(|call| text.contains(**call))) {
                findings.push(Finding::at_line(&file.path, line, format!("is unfinished: `{mark}`")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{CALLS, WORDS, check};
    use crate::tidy::found;

    #[test]
    fn unfinished_work_is_found() {
        for mark in WORDS.iter().chain(CALLS) {
            let text = format!("let a = 1;\n    // {mark} later\n");
            for path in ["a.rs", "web/a.tsx", "sdk/a.py"] {
                assert_eq!(found(check, &[(path, &text)]), [format!("{path}:2: is unfinished: `{mark}`")]);
            }
        }
    }

    #[test]
    fn words_that_contain_a_mark_are_fine() {
        for word in WORDS {
            let text = format!("const {word}IST: &str = \"a_{word}\";");
            assert!(found(check, &[("a.rs", &text)]).is_empty(), "{text}");
        }
    }
}
