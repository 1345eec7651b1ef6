//! What a check has to say: a place and a sentence.

use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; none where the whole file or crate is meant.
    line: Option<usize>,
    sentence: String,
}

impl Finding {
    pub(crate) fn at_line(path: &str, line: usize, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), sentence: sentence.into() }
    }

    pub(crate) fn about(path: &str, sentence: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, sentence: sentence.into() }
    }
}

/// `path:line: sentence`, the form that editors turn into a link.
impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.path, self.sentence),
            None => write!(out, "{}: {}", self.path, self.sentence),
        }
    }
}

/// Prints the findings in the order of their places; answers whether there were none.
pub(crate) fn print_findings(check: &str, mut findings: Vec<Finding>) -> bool {
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("{check}: nothing to say"),
        count => println!("{check}: {count} to fix"),
    }
    findings.is_empty()
}
