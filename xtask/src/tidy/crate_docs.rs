//! Every package says what it is for, and every crate in it opens with its documentation.

use crate::finding::Finding;
use crate::tree::Tree;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in tree.files.iter().filter(|file| file.name() == "Cargo.toml") {
        if !manifest.text.lines().any(|line| line.trim() == "[package]") {
            continue;
        }
        if !has_description(&manifest.text) {
            findings.push(Finding::about(&manifest.path, "has no `description`"));
        }
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        for root in tree.files.iter().filter(|file| is_crate_root(&file.path, folder)) {
            if !root.text.trim_start().starts_with("//!") {
                findings.push(Finding::about(&root.path, "opens without a crate-level doc comment (`//!`)"));
            }
        }
    }
    findings
}

fn has_description(manifest: &str) -> bool {
    let package = manifest.lines().skip_while(|line| line.trim() != "[package]").skip(1);
    package.take_while(|line| !line.starts_with('[')).any(|line| {
        line.split_once('=').is_some_and(|(key, value)| {
            key.trim() == "description" && value.trim().trim_matches('"').chars().any(char::is_alphabetic)
        })
    })
}

/// The files at which cargo starts a library or a program by convention.
fn is_crate_root(path: &str, folder: &str) -> bool {
    let Some(inside) = path.strip_prefix(folder).and_then(|path| path.strip_prefix("src/")) else {
        return false;
    };
    match inside.strip_prefix("bin/") {
        Some(program) => {
            program.ends_with("/main.rs") || (program.ends_with(".rs") && !program.contains('/'))
        }
        None => inside == "lib.rs" || inside == "main.rs",
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    const GOOD: &str = "[package]\nname = \"a\"\ndescription = \"Weighs a call\"\n";

    #[test]
    fn a_described_package_with_documented_crates_is_fine() {
        let files = [
            ("a/Cargo.toml", GOOD),
            ("a/src/lib.rs", "//! A.\n"),
            ("a/src/b.rs", ""),
            ("a/src/bin/c/d.rs", ""),
        ];
        assert!(found(check, &files).is_empty());
    }

    #[test]
    fn a_workspace_manifest_needs_no_description() {
        assert!(found(check, &[("Cargo.toml", "[workspace]\n")]).is_empty());
    }

    #[test]
    fn missing_and_empty_descriptions_are_named() {
        for manifest in [
            "[package]\nname = \"a\"\n",
            "[package]\ndescription = \"\"\n",
            "[package]\nname = \"a\"\n[lib]\ndescription = \"elsewhere\"\n",
        ] {
            assert_eq!(found(check, &[("a/Cargo.toml", manifest)]), ["a/Cargo.toml: has no `description`"]);
        }
    }

    #[test]
    fn undocumented_libraries_and_programs_are_named() {
        for root in ["a/src/lib.rs", "a/src/main.rs", "a/src/bin/b.rs", "a/src/bin/c/main.rs"] {
            let expected = format!("{root}: opens without a crate-level doc comment (`//!`)");
            assert_eq!(found(check, &[("a/Cargo.toml", GOOD), (root, "mod x;\n")]), [expected]);
        }
    }
}
