//! What no match can do without: a look for it spares a search of text that has none, as keywords in prose have no `=` after
//! them, and words are shorter than tokens.

use crate::bytes::ByteSet;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::ops::Range;

/// Most different bytes that are worth looking for.
const MOST: usize = 6;
/// Fewest bytes of a row that is worth looking for.
const SHORTEST_ROW: usize = 14;

/// What is in every match.
#[derive(Debug)]
pub(crate) struct Needs {
    /// What is looked for.
    first: Need,
    /// What must be there as well.
    others: Vec<AnyOf>,
}

#[derive(Debug)]
enum Need {
    /// One of these bytes.
    Byte(AnyOf),
    /// So many of these bytes in a row.
    Row(Box<ByteSet>, usize),
}

impl Needs {
    /// What the value of every match of `pattern` comes with; `None` where that may be a few letters, digits or blanks, which
    /// are everywhere. Of alternatives, those without a group only say what is no value.
    pub(crate) fn of(pattern: &Hir) -> Option<Self> {
        let mut others = needed(pattern);
        others.sort_by_key(|bytes| commonness(bytes));
        let first = match row_of(pattern) {
            Some((bytes, len)) => Need::Row(Box::new(ByteSet::of(&bytes)), len),
            None if others.is_empty() => return None,
            None => Need::Byte(AnyOf(others.remove(0))),
        };
        Some(Self { first, others: others.into_iter().map(AnyOf).collect() })
    }

    /// The part of `region`, from its start on, that a match of at most `longest` bytes may lie in, if any; what follows is
    /// to be asked for again.
    pub(crate) fn next_part(
        &self,
        bytes: &[u8],
        region: &Range<usize>,
        longest: usize,
    ) -> Option<Range<usize>> {
        let within = bytes.get(..region.end)?;
        let mut from = region.start;
        loop {
            let near = self.first.next_cluster(within, from, longest)?;
            let part = from.max(near.start.saturating_sub(longest))..region.end.min(near.end + longest);
            let bytes = within.get(part.clone())?;
            if self.others.iter().all(|other| other.find(bytes).is_some()) {
                return Some(part);
            }
            from = part.end;
        }
    }
}

impl Need {
    /// From the first to the last of what follows each other within `longest` bytes.
    fn next_cluster(&self, within: &[u8], from: usize, longest: usize) -> Option<Range<usize>> {
        match self {
            Self::Byte(any) => {
                let first = from + any.find(within.get(from..)?)?;
                let mut last = first;
                while let Some(rest) = within.get(last + 1..within.len().min(last + longest))
                    && let Some(next) = any.find_last(rest)
                {
                    last += 1 + next;
                }
                Some(first..last)
            }
            Self::Row(set, len) => {
                let first = set.find_row(within, from, *len)?;
                let mut last = first.end;
                while let Some(next) =
                    set.find_row(within, last, *len).filter(|row| row.start <= last + longest)
                {
                    last = next.end;
                }
                Some(first.start..last)
            }
        }
    }
}

/// A few different bytes.
#[derive(Debug, PartialEq, Eq)]
struct AnyOf(Vec<u8>);

impl AnyOf {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match *self.0.as_slice() {
            [a] => memchr::memchr(a, bytes),
            [a, b] => memchr::memchr2(a, b, bytes),
            [a, b, c] => memchr::memchr3(a, b, c, bytes),
            _ => bytes.iter().position(|byte| self.0.contains(byte)),
        }
    }

    fn find_last(&self, bytes: &[u8]) -> Option<usize> {
        match *self.0.as_slice() {
            [a] => memchr::memrchr(a, bytes),
            [a, b] => memchr::memrchr2(a, b, bytes),
            [a, b, c] => memchr::memrchr3(a, b, c, bytes),
            _ => bytes.iter().rposition(|byte| self.0.contains(byte)),
        }
    }
}

/// The row that every match has, of the bytes of tokens, which chance makes least often: 14 digits are rarer than 27 letters
/// and digits.
fn row_of(pattern: &Hir) -> Option<(Vec<u8>, usize)> {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-+/=.~%".contains(byte);
    match pattern.kind() {
        HirKind::Repetition(repeated) => {
            let len = usize::try_from(repeated.min).ok().filter(|len| *len >= SHORTEST_ROW)?;
            let HirKind::Class(Class::Bytes(class)) = repeated.sub.kind() else { return None };
            let bytes: Vec<u8> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
            bytes.iter().all(is_of_token).then_some((bytes, len))
        }
        HirKind::Capture(group) => row_of(&group.sub),
        HirKind::Concat(parts) => {
            let rarity = |(bytes, len): &(Vec<u8>, usize)| *len as f64 * (256.0 / bytes.len() as f64).log2();
            parts.iter().filter_map(row_of).max_by(|a, b| rarity(a).total_cmp(&rarity(b)))
        }
        _ => None,
    }
}

/// How often text has one of these, on no particular scale: names and prose are full of hyphens and dots.
fn commonness(bytes: &[u8]) -> usize {
    bytes.iter().map(|byte| if b"-_./,".contains(byte) { 4 } else { 1 }).sum()
}

/// Sets of bytes of which every match has one each.
fn needed(pattern: &Hir) -> Vec<Vec<u8>> {
    let is_rare = |byte: &u8| byte.is_ascii_punctuation();
    let mut sets = match pattern.kind() {
        HirKind::Literal(literal) => {
            literal.0.iter().copied().filter(is_rare).map(|byte| vec![byte]).collect()
        }
        HirKind::Class(Class::Bytes(class)) => {
            let bytes: Vec<u8> =
                class.iter().flat_map(|range| range.start()..=range.end()).take(MOST + 1).collect();
            if bytes.len() <= MOST && bytes.iter().all(is_rare) { vec![bytes] } else { Vec::new() }
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => needed(&repeated.sub),
        HirKind::Capture(group) => needed(&group.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(needed).collect(),
        HirKind::Alternation(parts) => needed_of_any(parts).into_iter().collect(),
        _ => Vec::new(),
    };
    sets.sort_unstable();
    sets.dedup();
    sets
}

/// What a match of one of these has, whichever it is: of each, its rarest.
fn needed_of_any(parts: &[Hir]) -> Option<Vec<u8>> {
    let has_group = |part: &&Hir| part.properties().explicit_captures_len() > 0;
    let any_group = parts.iter().any(|part| has_group(&part));
    let rarest = |part: &Hir| needed(part).into_iter().min_by_key(|bytes| commonness(bytes));
    let of_each: Option<Vec<Vec<u8>>> =
        parts.iter().filter(|part| !any_group || has_group(part)).map(rarest).collect();
    let mut bytes = of_each?.concat();
    bytes.sort_unstable();
    bytes.dedup();
    (bytes.len() <= MOST).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_a_needed_byte_is_searched() {
        let needs = Needs { first: Need::Byte(AnyOf(b"=".to_vec())), others: Vec::new() };
        let text = format!("{}={}={}", "a".repeat(100), "b".repeat(5), "c".repeat(100));
        let part = needs.next_part(text.as_bytes(), &(0..text.len()), 10).unwrap();
        assert_eq!(part, 90..116);
        assert_eq!(needs.next_part(text.as_bytes(), &(part.end..text.len()), 10), None);
        assert_eq!(needs.next_part(text.as_bytes(), &(95..104), 10), Some(95..104));
        for (others, expected) in [("b", Some(90..116)), ("d", None)] {
            let needs = Needs { first: Need::Byte(AnyOf(b"=".to_vec())), others: vec![AnyOf(others.into())] };
            assert_eq!(needs.next_part(text.as_bytes(), &(0..text.len()), 10), expected, "{others}");
        }
    }

    #[test]
    fn only_what_is_near_a_long_row_is_searched() {
        let needs =
            Needs { first: Need::Row(Box::new(ByteSet::alphanumeric_and(b"")), 20), others: Vec::new() };
        let text = format!("{}{} {}", "words and ".repeat(30), "a1".repeat(12), "more words ".repeat(30));
        let part = needs.next_part(text.as_bytes(), &(0..text.len()), 40).unwrap();
        assert_eq!(part, 260..364);
        assert_eq!(needs.next_part(text.as_bytes(), &(part.end..text.len()), 40), None);
        assert_eq!(needs.next_part(text.as_bytes(), &(0..290), 40), None);
        for start in 0..40 {
            let text = format!("{}{}", " ".repeat(start), "b".repeat(20));
            assert!(needs.next_part(text.as_bytes(), &(0..text.len()), 5).is_some(), "{start}");
        }
    }

    #[test]
    fn the_row_that_chance_makes_least_often_is_looked_for() {
        for (pattern, expected) in [
            ("[0-9]{14,17}=([A-Za-z0-9_-]{27,40})", Some((10, 14))),
            ("[A-Za-z0-9_-]{40} [0-9]{14}", Some((64, 40))),
            ("[0-9]{13}", None),
        ] {
            let hir =
                regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
            assert_eq!(row_of(&hir).map(|(bytes, len)| (bytes.len(), len)), expected, "{pattern}");
        }
    }

    #[test]
    fn what_a_match_cannot_do_without() {
        let of = |pattern: &str| {
            let hir =
                regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
            let sets = needed(&hir).into_iter().map(|bytes| String::from_utf8(bytes).unwrap());
            sets.collect::<Vec<_>>()
        };
        for (pattern, expected) in [
            ("key=([a-z]+)", &["="][..]),
            ("key(?:=>?|:)([a-z]+)", &[":="]),
            (r#"k["']?[:=]\s*(v+)"#, &[":="]),
            ("csrf_token|token=([a-z]+)", &["="]),
            ("(ghp_[a-z]{36})", &["_"]),
            ("key[:=]([a-f]+-[a-f]+)", &["-", ":="]),
            (r"token(?:=|\s)(v)", &[]),
            ("=?(v)", &[]),
            ("[!-/](v)", &[]),
        ] {
            assert_eq!(of(pattern), expected, "{pattern}");
        }
    }
}
