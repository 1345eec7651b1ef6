//! Patterns that are compiled on their first use: a call needs a few of the hundreds, a start none.

use regex_automata::{
    MatchKind,
    meta::{Config, Regex},
    util::syntax,
};
use std::sync::OnceLock;

/// Largest compiled pattern, in bytes.
const SIZE_LIMIT: usize = 4 << 20;

/// One or more patterns searched together.
#[derive(Debug)]
pub(crate) struct LazyPattern {
    patterns: Vec<String>,
    kind: MatchKind,
    regex: OnceLock<Regex>,
}

impl LazyPattern {
    pub(crate) fn new(patterns: Vec<String>, kind: MatchKind) -> Self {
        Self { patterns, kind, regex: OnceLock::new() }
    }

    /// Compiles the patterns, unless they are.
    ///
    /// # Errors
    /// Says what is wrong with a pattern.
    pub(crate) fn compile(&self) -> Result<&Regex, String> {
        if let Some(regex) = self.regex.get() {
            return Ok(regex);
        }
        let regex = compile(&self.patterns, self.kind)?;
        Ok(self.regex.get_or_init(|| regex))
    }

    #[expect(
        clippy::expect_used,
        reason = "a test compiles all shipped patterns; others are compiled when made"
    )]
    pub(crate) fn get(&self) -> &Regex {
        self.compile().expect("the pattern compiles")
    }
}

/// Compiles patterns over bytes with ASCII classes: `\b`, `\w` and `.` stay in the fast automaton whatever the text.
fn compile(patterns: &[String], kind: MatchKind) -> Result<Regex, String> {
    Regex::builder()
        .configure(Config::new().match_kind(kind).utf8_empty(false).nfa_size_limit(Some(SIZE_LIMIT)))
        .syntax(syntax::Config::new().unicode(false).utf8(false).nest_limit(50))
        .build_many(patterns)
        .map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            format!("has a pattern that does not compile: {e}: {cause}")
        })
}
