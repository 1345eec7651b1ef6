//! A module is named after what it holds; a drawer for everything holds nothing in particular.

use super::SOURCES;
use crate::finding::Finding;
use crate::tree::Tree;

const DRAWERS: &[&str] = &["utils", "util", "common", "helpers", "helper", "misc"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(SOURCES)) {
        let mut folders: Vec<&str> = file.path.split('/').collect();
        let stem = folders.pop().and_then(|name| name.split('.').next()).unwrap_or_default();
        for name in folders.into_iter().chain([stem]).filter(|name| DRAWERS.contains(name)) {
            findings.push(Finding::about(&file.path, say(name)));
        }
        for (line, text) in file.numbered_lines().filter(|_| file.has_extension(&["rs"])) {
            if let Some(name) = declared_module(text).filter(|name| DRAWERS.contains(name)) {
                findings.push(Finding::at_line(&file.path, line, say(name)));
            }
        }
    }
    findings
}

fn say(name: &str) -> String {
    format!("`{name}` says nothing about what it holds: name it after that")
}

fn declared_module(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
    (words.next() == Some("mod")).then(|| words.next())?.map(|name| name.trim_end_matches([';', '{']))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    #[test]
    fn drawers_are_found_in_declarations() {
        for text in ["mod utils;", "    pub(crate) mod helpers {", "pub mod common;"] {
            assert_eq!(found(check, &[("src/lib.rs", text)]).len(), 1, "{text}");
        }
        for text in ["mod utility_bill;", "// mod utils;", "use common::x;", "mod tests {"] {
            assert!(found(check, &[("src/lib.rs", text)]).is_empty(), "{text}");
        }
    }

    #[test]
    fn drawers_are_found_in_paths() {
        for path in ["tests/common/mod.rs", "web/src/utils.ts", "sdk/helpers.test.ts", "misc/a.py"] {
            assert_eq!(found(check, &[(path, "")]).len(), 1, "{path}");
        }
        for path in ["docs/common.md", "src/commonplace.rs"] {
            assert!(found(check, &[(path, "")]).is_empty(), "{path}");
        }
    }
}
