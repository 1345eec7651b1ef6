//! What is wrong with a policy, and where.

use std::fmt;

/// How bad a finding is: an error keeps a policy from being saved, a warning does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Warning,
    Error,
}

/// One finding about a policy text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Name of the text as the caller gave it; empty when the policy did not come from a file.
    pub file: String,
    /// Counted from 1; absent when the policy did not come from a text.
    pub line: Option<u32>,
    /// Counted from 1, in characters.
    pub column: Option<u32>,
    /// `policies[0].rules[2].match.tool_names`; empty for the whole text.
    pub path: String,
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(f, ":{line}:{column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
        })?;
        f.write_str(&self.message)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, " (at {})", self.path) }
    }
}

/// Every finding that kept a text from being read; at least one is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Where in a text: both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// One step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// A path into a document, root first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    pub(crate) fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A finding before anyone knows which file it is about.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(crate) path: Path,
    pub(crate) message: String,
}

/// Collects findings about one policy.
#[derive(Debug, Default)]
pub(crate) struct Findings(pub(crate) Vec<Finding>);

impl Findings {
    pub(crate) fn error(&mut self, path: Path, message: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Error, path, message: message.into() });
    }

    pub(crate) fn warn(&mut self, path: Path, message: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Warning, path, message: message.into() });
    }
}

impl Findings {
    /// The findings about a policy that did not come from a text.
    pub(crate) fn unlocated(self) -> Vec<Diagnostic> {
        self.0.into_iter().map(Finding::unlocated).collect()
    }
}

impl Finding {
    pub(crate) fn unlocated(self) -> Diagnostic {
        Diagnostic {
            severity: self.severity,
            file: String::new(),
            line: None,
            column: None,
            path: self.path.to_string(),
            message: self.message,
        }
    }
}

/// The candidate that a person most likely meant, if any is close enough to be a typing error.
pub fn nearest<'c>(typed: &str, candidates: &[&'c str]) -> Option<&'c str> {
    nearest_within(typed, candidates, (typed.chars().count() / 3).max(1))
}

/// The nearest candidate that at most `tolerated` changes of a character lead to.
pub(crate) fn nearest_within<'c>(typed: &str, candidates: &[&'c str], tolerated: usize) -> Option<&'c str> {
    /// Longer names are nobody's typing error, and the distance is quadratic.
    const MAX_CHARS: usize = 64;
    let typed: Vec<char> = typed.chars().take(MAX_CHARS + 1).collect();
    if typed.len() > MAX_CHARS {
        return None;
    }
    candidates
        .iter()
        .filter(|candidate| candidate.chars().count().abs_diff(typed.len()) <= tolerated)
        .map(|candidate| (distance(&typed, candidate), *candidate))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, ignoring ASCII case.
fn distance(typed: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (i, expected) in candidate.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, got) in row.iter_mut().skip(1).zip(typed) {
            let substituted = diagonal + usize::from(!got.eq_ignore_ascii_case(&expected));
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_only_when_it_is_near() {
        let names = ["tool_name", "tool_names", "operations", "verbs"];
        for (typed, expected) in [
            ("tool_nams", Some("tool_name")),
            ("tool_namess", Some("tool_names")),
            ("Operations", Some("operations")),
            ("verb", Some("verbs")),
            ("colour", None),
            (&"x".repeat(100_000), None),
        ] {
            assert_eq!(nearest(typed, &names), expected, "{typed}");
        }
    }
}
