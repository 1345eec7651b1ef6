//! Links between the documents lead somewhere, and so do the headings they name.

use crate::finding::Finding;
use crate::tree::{TextFile, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in tree.files.iter().filter(|file| file.has_extension(&["md"])) {
        for (line, text) in prose_lines(&document.text) {
            for target in link_targets(&text).into_iter().filter(|target| !is_elsewhere(target)) {
                if let Some(problem) = find_problem(tree, document, target) {
                    findings.push(Finding::at_line(
                        &document.path,
                        line,
                        format!("links to `{target}`: {problem}"),
                    ));
                }
            }
        }
    }
    findings
}

fn find_problem(tree: &Tree, document: &TextFile, target: &str) -> Option<&'static str> {
    let (path, heading) =
        target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let resolved = match path {
        "" => Some(document.path.clone()),
        path => resolve(&document.path, path),
    };
    let Some(resolved) = resolved.filter(|path| tree.has(path)) else { return Some("there is no such file") };
    let linked = tree.file(&resolved).filter(|file| file.has_extension(&["md"]))?;
    let heading = heading?;
    (!headings(&linked.text).any(|anchor| anchor == heading)).then_some("there is no such heading")
}

/// Whether a link leaves the repository: it has a scheme.
fn is_elsewhere(target: &str) -> bool {
    target
        .split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(|letter| letter.is_ascii_alphanumeric()))
}

/// The path from the root of the repository; none when the link climbs out of it.
fn resolve(document: &str, target: &str) -> Option<String> {
    let (folder, target) = match target.strip_prefix('/') {
        Some(from_root) => ("", from_root),
        None => (document.rsplit_once('/').map_or("", |(folder, _)| folder), target),
    };
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(path.pop()?),
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// Lines outside of fenced blocks, with what stands between backticks blanked.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut is_fenced = false;
    (1..).zip(text.lines()).filter_map(move |(line, text)| {
        let is_fence = text.trim_start().starts_with("```");
        is_fenced ^= is_fence;
        let spans = text.split('`').enumerate();
        let prose = spans.map(|(index, span)| if index % 2 == 0 { span } else { "code" }).collect();
        (!is_fence && !is_fenced).then_some((line, prose))
    })
}

/// Targets of `[text](target "title")`, of `[name]: target` and of `href="…"` or `src="…"`.
fn link_targets(line: &str) -> Vec<&str> {
    let after_each =
        |mark: &'static str| line.match_indices(mark).filter_map(move |(at, _)| line.get(at + mark.len()..));
    let inline = after_each("](").filter_map(|rest| rest.split([')', ' ']).next());
    let html =
        ["href=\"", "src=\""].into_iter().flat_map(after_each).filter_map(|rest| rest.split('"').next());
    let reference =
        line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target.trim());
    inline.chain(html).chain(reference).map(|target| target.trim_matches(['<', '>'])).collect()
}

/// The anchors that code hosts give to headings: lower case, spaces as hyphens, other punctuation dropped.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let mut is_fenced = false;
    text.lines().filter_map(move |line| {
        is_fenced ^= line.starts_with("```");
        let title =
            line.strip_prefix('#').filter(|_| !is_fenced)?.trim_start_matches('#').strip_prefix(' ')?;
        let letters = title.trim().chars().flat_map(char::to_lowercase);
        let anchor = letters.filter_map(|letter| match letter {
            ' ' | '-' => Some('-'),
            letter if letter.is_alphanumeric() || letter == '_' => Some(letter),
            _ => None,
        });
        Some(anchor.collect())
    })
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    fn sentences(text: &str) -> Vec<String> {
        found(
            check,
            &[
                ("docs/a.md", text),
                ("docs/adr/1.md", "# Why: SQLite & one `writer`\n```\n# no heading\n```\n"),
                ("README.md", "# Read me\n"),
            ],
        )
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        for text in [
            "[one](adr/1.md) and [all](adr/) ![picture](../README.md \"title\")",
            "[one](adr/1.md#why-sqlite--one-writer)",
            "[root](/README.md#read-me)",
            "# Here\n[here](#here)",
            "[web](https://example.com/x.md) [mail](mailto:a@example.com)",
            "[name]: adr/1.md",
            "```\n[code](nowhere.md)\n```",
            "`[code](nowhere.md)`",
        ] {
            assert!(sentences(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_named() {
        for (text, sentence) in [
            ("\n[x](gone.md)", "docs/a.md:2: links to `gone.md`: there is no such file"),
            ("[x](1.md)", "docs/a.md:1: links to `1.md`: there is no such file"),
            ("[x](../../README.md)", "docs/a.md:1: links to `../../README.md`: there is no such file"),
            ("[x](#gone)", "docs/a.md:1: links to `#gone`: there is no such heading"),
            (
                "[x](adr/1.md#no-heading)",
                "docs/a.md:1: links to `adr/1.md#no-heading`: there is no such heading",
            ),
            ("[x]: gone.md", "docs/a.md:1: links to `gone.md`: there is no such file"),
            ("<img src=\"gone.png\">", "docs/a.md:1: links to `gone.png`: there is no such file"),
        ] {
            assert_eq!(sentences(text), [sentence]);
        }
    }
}
