//! Each foreign crate is named once, in the root manifest, with the reason it is there.

use crate::finding::Finding;
use crate::tree::Tree;

const MANIFEST: &str = "Cargo.toml";
const SECTION: &str = "[workspace.dependencies]";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(manifest) = tree.file(MANIFEST) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut is_inside = false;
    for (line, text) in manifest.numbered_lines() {
        if text.starts_with('[') {
            is_inside = text.trim() == SECTION;
            continue;
        }
        let (entry, reason) = split_comment(text);
        let Some((name, value)) = entry.split_once('=').filter(|_| is_inside) else { continue };
        let is_ours = value.contains("path =");
        if !is_ours && !reason.chars().any(char::is_alphabetic) {
            let name = name.trim();
            findings.push(Finding::at_line(
                MANIFEST,
                line,
                format!("`{name}` has no comment that says why it is here"),
            ));
        }
    }
    findings
}

/// A line of TOML as what it says and its comment; a `#` inside a string starts none.
fn split_comment(line: &str) -> (&str, &str) {
    let mut is_quoted = false;
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => return line.split_at(at),
            _ => {}
        }
    }
    (line, "")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    fn sentences(line: &str) -> Vec<String> {
        let manifest = format!(
            "[workspace]\nmembers = []\n[workspace.dependencies]\n{line}\n[profile.dev]\ndebug = 1\n"
        );
        found(check, &[("Cargo.toml", &manifest)])
    }

    #[test]
    fn foreign_crates_need_a_reason_and_ours_do_not() {
        for fine in
            ["serde = \"1\" # every wire type", "ours = { path = \"crates/ours\" }", "# a heading", ""]
        {
            assert!(sentences(fine).is_empty(), "{fine}");
        }
        for silent in ["serde = \"1\"", "serde = \"1\" #", "serde = { version = \"1\", features = [\"#\"] }"]
        {
            assert_eq!(
                sentences(silent),
                ["Cargo.toml:4: `serde` has no comment that says why it is here"],
                "{silent}"
            );
        }
    }
}
