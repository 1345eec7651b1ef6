//! Just enough of Rust's surface to tell shipped code from tests and comments.

/// The lines of a file that ship, with their numbers: up to an inline test module, which stands last by convention.
pub(crate) fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines()).take(count_shipped(text))
}

/// The code of a line without a trailing or whole-line comment. A `//` inside a string also cuts, which only shortens
/// what is looked at.
pub(crate) fn without_comment(line: &str) -> &str {
    line.split_once("//").map_or(line, |(code, _)| code)
}

/// Whether a path holds tests alone.
pub(crate) fn is_test_path(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests" || part == "benches")
}

fn count_shipped(text: &str) -> usize {
    let mut lines = text.lines().map(str::trim).enumerate().peekable();
    while let Some((index, line)) = lines.next() {
        let opens_module = |next: &str| next.starts_with("mod ") && next.ends_with('{');
        if line == "#[cfg(test)]" && lines.peek().is_some_and(|(_, next)| opens_module(next)) {
            return index;
        }
    }
    text.lines().count()
}

#[cfg(test)]
mod tests {
    use super::{is_test_path, shipped_lines, without_comment};

    #[test]
    fn an_inline_test_module_does_not_ship_and_a_test_only_import_hides_nothing() {
        let text = "#[cfg(test)]\nuse x;\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let lines: Vec<_> = shipped_lines(text).collect();
        assert_eq!(lines, [(1, "#[cfg(test)]"), (2, "use x;"), (3, "fn a() {}")]);
    }

    #[test]
    fn comments_are_cut() {
        for (line, code) in [("let a = 1; // one", "let a = 1; "), ("/// docs", ""), ("a / b", "a / b")] {
            assert_eq!(without_comment(line), code);
        }
    }

    #[test]
    fn test_files_are_known_by_their_path() {
        for (path, is_test) in [
            ("a/tests/b.rs", true),
            ("a/src/b/tests.rs", true),
            ("a/src/attests.rs", false),
            ("a/src/lib.rs", false),
        ] {
            assert_eq!(is_test_path(path), is_test, "{path}");
        }
    }
}
