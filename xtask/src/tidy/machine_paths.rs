//! The tree names no directory of the machine that somebody wrote it on.

use crate::finding::Finding;
use crate::rust_source::{is_test_path, shipped_lines};
use crate::tree::{TextFile, Tree};

/// The first segment of an absolute path under which people keep checkouts and homes.
struct Place {
    segment: &'static str,
    /// Whether an example of an agent's command may well name it.
    is_fair_in_examples: bool,
}

const PLACES: &[Place] = &[
    Place { segment: "home", is_fair_in_examples: true },
    Place { segment: "Users", is_fair_in_examples: true },
    Place { segment: "root", is_fair_in_examples: true },
    Place { segment: "work", is_fair_in_examples: false },
];

/// Parts of a path that mark data about what agents do.
const EXAMPLES: &[&str] = &[
    "/tests/",
    "/testdata/",
    "/fixtures/",
    "/data/",
    "/cases/",
    "policies/",
    ".test.",
    "/conformance/",
    "fuzz/",
];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let shipped = count_lines_that_are_no_example(file);
        for (line, text) in file.numbered_lines() {
            let is_example = line > shipped;
            let is_banned = |place: &&Place| !(is_example && place.is_fair_in_examples);
            for place in PLACES.iter().filter(is_banned) {
                if let Some(path) = find_path(text, place.segment) {
                    findings.push(Finding::at_line(
                        &file.path,
                        line,
                        format!("names `{path}`, a place on one machine"),
                    ));
                }
            }
        }
    }
    findings
}

fn count_lines_that_are_no_example(file: &TextFile) -> usize {
    let rooted = format!("/{}", file.path);
    if is_test_path(&file.path) || EXAMPLES.iter().any(|mark| rooted.contains(mark)) {
        return 0;
    }
    match file.has_extension(&["rs"]) {
        true => shipped_lines(&file.text).count(),
        false => file.text.lines().count(),
    }
}

/// The first absolute path under `/segment/` that names something there. A segment in the middle of an address or of
/// a longer path is none.
fn find_path<'line>(line: &'line str, segment: &str) -> Option<&'line str> {
    let start = format!("/{segment}/");
    line.match_indices(&start).find_map(|(at, _)| {
        let before = line.get(..at)?.chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || "_-.~/}*>)".contains(letter)) {
            return None;
        }
        let path = line
            .get(at..)?
            .split(|letter: char| !(letter.is_alphanumeric() || "/_.-".contains(letter)))
            .next()?;
        (path.len() > start.len()).then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    #[test]
    fn paths_of_a_machine_are_found_outside_of_examples() {
        for (path, text, is_found) in [
            ("README.md", "see /home/ada/interven", true),
            ("README.md", "see (/Users/ada/x)", true),
            ("a.rs", concat!("// from /ro", "ot/notes.txt"), true),
            ("docs/a.md", "https://example.com/home/ada", false),
            ("docs/a.md", concat!("GET /v1/ro", "ot/x and ./home/x and ${X}/home/y"), false),
            ("docs/a.md", "a directory /home/ of people", false),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod tests {\n    cat(\"/home/ada/.ssh/id\");\n}", false),
            ("policies/shell.yaml", concat!("- /ro", "ot/.ssh/*"), false),
            ("crates/a/data/b.toml", "\"/Users/ada\"", false),
        ] {
            assert_eq!(!found(check, &[(path, text)]).is_empty(), is_found, "{path}: {text}");
        }
    }

    #[test]
    fn a_checkout_is_no_example_of_anything() {
        let text = format!("open(\"/{}/shared/rows\")", "work");
        assert_eq!(
            found(check, &[("crates/a/tests/b.rs", &text)]),
            [format!("crates/a/tests/b.rs:1: names `/{}/shared/rows`, a place on one machine", "work")]
        );
    }
}
