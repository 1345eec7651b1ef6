//! A lint is silenced with `expect` and a reason, so that the exception disappears when its cause does.

use crate::finding::Finding;
use crate::tree::Tree;

/// In pieces, so that this file passes its own check.
const SILENCED: &[&str] = &[concat!("#[al", "low("), concat!("#![al", "low(")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(&["rs"])) {
        for (line, text) in file.numbered_lines() {
            if SILENCED.iter().any(|attribute| text.trim_start().starts_with(attribute)) {
                findings.push(Finding::at_line(
                    &file.path,
                    line,
                    "silences a lint for good: write `#[expect(…, reason = \"…\")]`",
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{SILENCED, check};
    use crate::tidy::found;

    #[test]
    fn silenced_lints_are_found_and_expected_ones_are_not() {
        for attribute in SILENCED {
            let text = format!("fn a() {{}}\n    {attribute}dead_code)]\n");
            assert_eq!(
                found(check, &[("a.rs", &text)]),
                ["a.rs:2: silences a lint for good: write `#[expect(…, reason = \"…\")]`"]
            );
        }
        assert!(found(check, &[("a.rs", "#[expect(dead_code, reason = \"why\")]\n")]).is_empty());
    }
}
