//! Patterns that are compiled on their first use: a call needs a few of the hundreds, a start none.

use crate::needs::Needs;
use crate::value::{Row, Tail, Value, cut, length_of, shorten};
use regex_automata::{
    Anchored, Input, MatchKind,
    meta::{Config, Regex},
    util::{captures::Captures, syntax},
};
use regex_syntax::hir::{Hir, HirKind};
use std::{ops::Range, sync::OnceLock};

/// Largest compiled pattern, in bytes.
const SIZE_LIMIT: usize = 4 << 20;
/// Largest compiled pattern that a tenant wrote, in bytes.
pub(crate) const TENANT_SIZE_LIMIT: usize = 256 << 10;

/// Deepest nesting of groups in a pattern.
pub(crate) const NEST_LIMIT: u32 = 50;

/// One or more patterns searched together.
#[derive(Debug)]
pub(crate) struct LazyPattern {
    patterns: Vec<String>,
    kind: MatchKind,
    size_limit: usize,
    compiled: OnceLock<Pattern>,
}

/// Compiled patterns.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) regex: Regex,
    /// By pattern, how to find the value of its matches.
    values: Vec<Value>,
    /// By pattern, what may go on where it ends.
    tails: Vec<Option<Tail>>,
    /// What no match with a value can do without.
    pub(crate) needs: Option<Needs>,
    /// Whether the end of a match may tell where its value lies.
    is_told_by_end: bool,
    /// Tells where the value of a match lies when its bytes do not.
    way: Option<Way>,
}

/// How to find the value of a match by smaller patterns: what stands before it, itself, and what stands after. Each goes the
/// way that it prefers; if the next can go on from there, then so did the match, because the first way that leads to its end
/// is the one it takes.
#[derive(Debug)]
struct Way {
    before: Regex,
    rest: Rest,
}

#[derive(Debug)]
enum Rest {
    Row(Row),
    /// Followed by so many bytes, whichever these are.
    Before {
        value: Regex,
        after: usize,
    },
    Parts {
        value: Regex,
        after: Regex,
    },
}

impl Way {
    fn follow(&self, text: &str, whole: Range<usize>) -> Option<Range<usize>> {
        let end_of = |part: &Regex, from: usize| {
            let here = Input::new(text).span(from..whole.end).anchored(Anchored::Yes);
            part.search_half(&here).map(|end| end.offset())
        };
        let start = end_of(&self.before, whole.start)?;
        match &self.rest {
            Rest::Row(row) => row.from(start, whole.end, text.as_bytes()),
            Rest::Before { value, after } => {
                let end = end_of(value, start)?;
                (end + after == whole.end).then_some(start..end)
            }
            Rest::Parts { value, after } => {
                let end = end_of(value, start)?;
                (end_of(after, end)? == whole.end).then_some(start..end)
            }
        }
    }
}

impl LazyPattern {
    pub(crate) fn new(patterns: Vec<String>, kind: MatchKind) -> Self {
        Self { patterns, kind, size_limit: SIZE_LIMIT, compiled: OnceLock::new() }
    }

    /// One that a tenant wrote: whoever writes many large ones must not fill the memory.
    pub(crate) fn of_tenant(pattern: String) -> Self {
        Self { size_limit: TENANT_SIZE_LIMIT, ..Self::new(vec![pattern], MatchKind::LeftmostFirst) }
    }

    pub(crate) fn is_of(&self, pattern: &str) -> bool {
        matches!(self.patterns.as_slice(), [own] if own == pattern)
    }

    /// Compiles the patterns, unless they are.
    ///
    /// # Errors
    /// Says what is wrong with a pattern.
    pub(crate) fn compile(&self) -> Result<&Pattern, String> {
        if let Some(compiled) = self.compiled.get() {
            return Ok(compiled);
        }
        let compiled = compile(&self.patterns, self.kind, self.size_limit)?;
        Ok(self.compiled.get_or_init(|| compiled))
    }

    #[expect(
        clippy::expect_used,
        reason = "a test compiles all shipped patterns; others are compiled when made"
    )]
    pub(crate) fn get(&self) -> &Pattern {
        self.compile().expect("the pattern compiles")
    }
}

impl Pattern {
    /// The first match in `range` of `text`, from its value on at the latest, and its value. `captures` are for the patterns
    /// that need them, and made on first use.
    pub(crate) fn find(
        &self,
        text: &str,
        range: Range<usize>,
        captures: &mut Option<Captures>,
    ) -> Option<(Range<usize>, Range<usize>)> {
        if self.is_told_by_end {
            let end = self.regex.search_half(&Input::new(text).span(range.clone()))?;
            let number = end.pattern().as_usize();
            if let Some(value) = self.values.get(number).and_then(|v| v.locate_from_end(end.offset())) {
                let value = self.prolong(number, value, text, range.end);
                return Some((value.clone(), value));
            }
        }
        self.find_whole(text, range, captures)
    }

    /// The first match in `range` of `text`, and its value.
    pub(crate) fn find_whole(
        &self,
        text: &str,
        range: Range<usize>,
        captures: &mut Option<Captures>,
    ) -> Option<(Range<usize>, Range<usize>)> {
        let found = self.regex.search(&Input::new(text).span(range.clone()))?;
        let (number, whole) = (found.pattern().as_usize(), found.range());
        let located = self.values.get(number).and_then(|v| v.locate(text.as_bytes(), whole.clone()));
        let follow = || self.way.as_ref()?.follow(text, whole.clone());
        let value = located.or_else(follow).or_else(|| {
            let captures = captures.get_or_insert_with(|| self.regex.create_captures());
            let here = Input::new(text).span(whole.clone()).anchored(Anchored::Yes);
            self.regex.search_captures(&here, captures);
            captures.get_group(1).map(|group| group.range())
        });
        let value = self.prolong(number, value.unwrap_or(whole.clone()), text, range.end);
        Some((whole, value))
    }

    /// The value of a match of the pattern `number` with what goes on behind it.
    fn prolong(&self, number: usize, value: Range<usize>, text: &str, end: usize) -> Range<usize> {
        let tail = self.tails.get(number).and_then(Option::as_ref);
        let rest = text.as_bytes().get(value.end..end).unwrap_or_default();
        value.start..value.end + tail.map_or(0, |tail| tail.measure(rest))
    }
}

/// Compiles patterns over bytes with ASCII classes: `\b`, `\w` and `.` stay in the fast automaton whatever the text.
fn compile(patterns: &[String], kind: MatchKind, size_limit: usize) -> Result<Pattern, String> {
    let syntax = syntax::Config::new().unicode(false).utf8(false).nest_limit(NEST_LIMIT);
    let fail = |e: &dyn std::error::Error| {
        let cause = e.source().map(ToString::to_string).unwrap_or_default();
        format!("has a pattern that does not compile: {e}: {cause}")
    };
    let mut parsed = syntax::parse_many_with(patterns, &syntax).map_err(|e| fail(&e))?;
    let needs = if let [single] = parsed.as_slice() { Needs::of(single) } else { None };
    if kind == MatchKind::LeftmostFirst
        && let [single] = parsed.as_slice()
        && let Some(alternatives) = split(single)
    {
        parsed = alternatives;
    }
    let config = Config::new().match_kind(kind).utf8_empty(false).nfa_size_limit(Some(size_limit));
    let build = |parsed: &[Hir]| {
        Regex::builder().configure(config.clone()).build_many_from_hir(parsed).map_err(|e| fail(&e))
    };
    let (parsed, tails): (Vec<Hir>, Vec<Option<Tail>>) = parsed
        .into_iter()
        .map(|pattern| match shorten(&pattern) {
            Some((shorter, tail)) => (shorter, Some(tail)),
            None => (pattern, None),
        })
        .unzip();
    let values: Vec<Value> = parsed.iter().map(Value::of).collect();
    // Of alternatives that were split, one has groups; patterns that were given together keep theirs.
    let captured = parsed.iter().zip(&values).filter(|(_, value)| matches!(value, Value::Captured));
    let way = match captured.map(|(pattern, _)| cut(pattern)).collect::<Vec<_>>().as_slice() {
        [Some(parts)] if patterns.len() == 1 => {
            let [before, value, after] = parts;
            let one = |part: &Hir| build(std::slice::from_ref(part));
            let rest = match (Row::of(parts), length_of(after)) {
                (Some(row), _) => Rest::Row(row),
                (None, Some(after)) => Rest::Before { value: one(value)?, after },
                (None, None) => Rest::Parts { value: one(value)?, after: one(after)? },
            };
            Some(Way { before: one(before)?, rest })
        }
        _ => None,
    };
    let is_told_by_end = values.iter().any(|value| value.locate_from_end(usize::MAX).is_some());
    Ok(Pattern { regex: build(&parsed)?, values, tails, needs, is_told_by_end, way })
}

/// The alternatives of a pattern, so that a match tells which of them it is; groups are counted anew in each, so only
/// one may have any.
fn split(pattern: &Hir) -> Option<Vec<Hir>> {
    let HirKind::Alternation(alternatives) = pattern.kind() else { return None };
    let with_groups = alternatives.iter().filter(|a| a.properties().explicit_captures_len() > 0).count();
    (with_groups <= 1).then(|| alternatives.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captures cost several times the search. A group inside of alternatives needs them, also where the parser draws out what
    /// alternatives begin with.
    #[test]
    fn shipped_patterns_do_without_captures() {
        let needs_captures = |pattern: &str| {
            let compiled = compile(&[pattern.to_owned()], MatchKind::LeftmostFirst, SIZE_LIMIT).unwrap();
            compiled.way.is_none() && compiled.values.iter().any(|value| matches!(value, Value::Captured))
        };
        let shipped = crate::detectors::shipped().unwrap().into_iter();
        let slow: Vec<String> = shipped.filter(|d| needs_captures(&d.pattern)).map(|d| d.id).collect();
        assert_eq!(slow, ["saml_assertion"]);
    }

    #[test]
    fn the_value_is_the_first_group_however_it_is_found() {
        for (pattern, text, value, needs_captures) in [
            (r"a+", "xaay", "aa", false),
            (r"\b(sk-[a-z]+)\b", "x sk-abc.", "sk-abc", false),
            (r"key=([a-z]+);", "key=abc;", "abc", false),
            (r"(?:^|[^\w])(\d{3})(?:$|[^\w])", "a 123 b", "123", false),
            (r"(?:^|[^\w])(\d{3})(?:$|[^\w])", "123", "123", false),
            (r"(?:^|[^\w.-])(\d+(-)\d+)(?:$|[^\w.-]|[.-](?:\D|$))", "x 1-2.y", "1-2", false),
            (r"x=+([a-z=]+)", "x==a=b", "a=b", false),
            (r"(?:^|[^\w])(\(?\d+)", "(12", "(12", true),
            (r"(?:^|[^\w])(\(?\d+)", "x(12", "12", false),
            (r"(?:^|[^\w])(\(?\d+)", "x (12", "(12", false),
            (r"(\w+)(?:$|[^,])", "ab", "ab", false),
            (r"(\w+)(?:$|[^,])", "ab,", "a", true),
            (r"(?:a|ac)(d+|c{3})", "acdd", "dd", true),
            (r"(?:a(b)|c(d))", "cd", "cd", true),
            (r"x[a-z=]*=([a-z]{3})\b", "xy=abc", "abc", false),
            (r"x=+([a-z=]{2,9})", "x=====a==b===", "a==b===", false),
            (r"k=([a-z]{2,4})", "k=abcdef", "abcd", false),
            (r"k=([a-z]{2,4})!*", "k=abc!!", "abc", false),
            (r"\b([a-z]+\.[a-z]*)", "x ab.cde f", "ab.cde", false),
            (r"(ab)(c*)", "abccc", "ab", false),
            (r"no:\w+|\b(\w+);", "no:ab;", "no:ab", false),
            (r"no:\w+|\b(\w+);", "yes;", "yes", false),
            (r"no:\w+|x=+([a-z=]{2,9})", "no x=ab", "ab", false),
        ] {
            let compiled = compile(&[pattern.to_owned()], MatchKind::LeftmostFirst, SIZE_LIMIT).unwrap();
            let mut captures = None;
            let (_, found) = compiled.find(text, 0..text.len(), &mut captures).unwrap();
            assert_eq!((text.get(found), captures.is_some()), (Some(value), needs_captures), "{pattern}");
        }
    }
}
