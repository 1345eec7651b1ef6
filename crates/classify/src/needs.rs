//! Bytes that no match can do without: a look for them spares a search of text that has none, as keywords in prose have no
//! `=` after them.

use crate::bytes::ByteSet;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::ops::Range;

/// Most different bytes that are worth looking for.
const MOST: usize = 6;

/// A match holds one of these.
#[derive(Debug)]
pub(crate) struct Needs(ByteSet);

impl Needs {
    /// What the value of every match of `pattern` comes with; `None` where that may be letters, digits or blanks, which are
    /// everywhere. Of alternatives, those without a group only say what is no value.
    pub(crate) fn of(pattern: &Hir) -> Option<Self> {
        Some(Self(ByteSet::of(&needed(pattern)?)))
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
        let first = self.0.find(within, region.start)?;
        let mut last = first;
        while let Some(next) = self.0.find_last(within, last + 1, last + longest) {
            last = next;
        }
        Some(region.start.max(first.saturating_sub(longest))..region.end.min(last + longest))
    }
}

fn needed(pattern: &Hir) -> Option<Vec<u8>> {
    let is_rare = |byte: &u8| byte.is_ascii_punctuation();
    match pattern.kind() {
        HirKind::Literal(literal) => literal.0.iter().copied().find(is_rare).map(|byte| vec![byte]),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes: Vec<u8> =
                class.iter().flat_map(|range| range.start()..=range.end()).take(MOST + 1).collect();
            (bytes.len() <= MOST && bytes.iter().all(is_rare)).then_some(bytes)
        }
        HirKind::Repetition(repeated) if repeated.min > 0 => needed(&repeated.sub),
        HirKind::Capture(group) => needed(&group.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(needed).min_by_key(Vec::len),
        HirKind::Alternation(parts) => {
            let has_group = |part: &&Hir| part.properties().explicit_captures_len() > 0;
            let any_group = parts.iter().any(|part| has_group(&part));
            let of_each: Option<Vec<Vec<u8>>> =
                parts.iter().filter(|part| !any_group || has_group(part)).map(needed).collect();
            let mut bytes = of_each?.concat();
            bytes.sort_unstable();
            bytes.dedup();
            (bytes.len() <= MOST).then_some(bytes)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_a_needed_byte_is_searched() {
        let needs = Needs(ByteSet::of(b"="));
        let text = format!("{}={}={}", "a".repeat(100), "b".repeat(5), "c".repeat(100));
        let part = needs.next_part(text.as_bytes(), &(0..text.len()), 10).unwrap();
        assert_eq!(part, 90..116);
        assert_eq!(needs.next_part(text.as_bytes(), &(part.end..text.len()), 10), None);
        assert_eq!(needs.next_part(text.as_bytes(), &(95..104), 10), Some(95..104));
    }

    #[test]
    fn what_a_match_cannot_do_without() {
        let of = |pattern: &str| {
            let hir =
                regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
            needed(&hir).map(|bytes| String::from_utf8(bytes).unwrap())
        };
        for (pattern, expected) in [
            ("key=([a-z]+)", Some("=")),
            ("key(?:=>?|:)([a-z]+)", Some(":=")),
            (r#"k["']?[:=]\s*(v+)"#, Some(":=")),
            ("csrf_token|token=([a-z]+)", Some("=")),
            ("(ghp_[a-z]{36})", Some("_")),
            (r"token(?:=|\s)(v)", None),
            ("=?(v)", None),
            ("[!-/](v)", None),
        ] {
            assert_eq!(of(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
