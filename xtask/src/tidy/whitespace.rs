//! Lines end where their text ends, and Rust is indented with spaces.

use super::SOURCES;
use crate::finding::Finding;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(SOURCES)) {
        for (line, text) in file.numbered_lines() {
            if text.ends_with(char::is_whitespace) {
                findings.push(Finding::at_line(&file.path, line, "ends in whitespace"));
            }
            if text.contains('\t') && file.has_extension(&["rs"]) {
                findings.push(Finding::at_line(
                    &file.path,
                    line,
                    "holds a tab: indent with spaces, write `\\t` in strings",
                ));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            findings.push(Finding::about(&file.path, "does not end with a line break"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    #[test]
    fn untidy_lines_are_found() {
        for (path, text, sentences) in [
            ("a.rs", "fn a() {}\n", &[][..]),
            ("a.rs", "fn a() {} \n", &["a.rs:1: ends in whitespace"]),
            ("a.rs", "a\r\nb\n", &[]),
            ("a.rs", "\n\tfn a() {}\n", &["a.rs:2: holds a tab: indent with spaces, write `\\t` in strings"]),
            ("a.py", "x = '\t'\n", &[]),
            ("a.py", "x", &["a.py: does not end with a line break"]),
            ("a.md", "two spaces  \n", &[]),
        ] {
            assert_eq!(found(check, &[(path, text)]), sentences, "{text:?}");
        }
    }
}
