//! A file tells one story; past this many lines it tells several.

use super::SOURCES;
use crate::finding::Finding;
use crate::tree::Tree;

const LONGEST: usize = 800;

/// Code that a program wrote is as long as it is.
const GENERATED: &[&str] = &["/generated/", ".gen."];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.has_extension(SOURCES)) {
        let is_generated = GENERATED.iter().any(|mark| file.path.contains(mark));
        let lines = file.text.lines().count();
        if lines > LONGEST && !is_generated {
            findings.push(Finding::about(
                &file.path,
                format!("has {lines} lines, more than {LONGEST}: split it"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, check};
    use crate::tidy::found;

    #[test]
    fn the_limit_is_inclusive_and_for_source_code_written_by_hand() {
        let longest = "x\n".repeat(LONGEST);
        let longer = "x\n".repeat(LONGEST + 1);
        assert!(found(check, &[("a.rs", &longest)]).is_empty());
        assert!(found(check, &[("data/a.toml", &longer), ("web/generated/api.ts", &longer)]).is_empty());
        for path in ["a.rs", "a.tsx", "a.py"] {
            assert_eq!(
                found(check, &[(path, &longer)]),
                [format!("{path}: has 801 lines, more than 800: split it")]
            );
        }
    }
}
