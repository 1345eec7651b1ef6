//! Redaction markers, `[REDACTED:<detector>]` and `[REDACTED:<detector>_<index>]`: what was redacted must not be found
//! again, and must hide nothing.

use crate::detectors::Detector;
use std::{collections::BTreeSet, ops::Range};

/// How a marker begins.
pub(crate) const OPENING: &str = "[REDACTED:";
/// Name in the marker of a field that was blanked by its path.
pub(crate) const FIELD: &str = "field";
/// Six digits: with more, a marker could carry a number of its own.
pub(crate) const LARGEST_INDEX: u32 = 999_999;
/// Longest id of a detector that a tenant writes.
pub(crate) const LONGEST_ID: usize = 64;
/// Longest id that is looked for round a span, with its index.
const LONGEST_INSIDE: usize = LONGEST_ID + "_999999".len();

/// The markers this classifier writes.
#[derive(Debug)]
pub(crate) struct Markers {
    ids: BTreeSet<String>,
}

impl Markers {
    pub(crate) fn of(detectors: &[Detector]) -> Self {
        Self { ids: detectors.iter().map(|d| d.id.clone()).chain([FIELD.to_owned()]).collect() }
    }

    /// The marker of the first value of a detector, or of a later one.
    pub(crate) fn write(id: &str, index: u32) -> String {
        if index < 2 { format!("{OPENING}{id}]") } else { format!("{OPENING}{id}_{index}]") }
    }

    /// The detector and the index that stand inside a marker of ours.
    fn read(&self, inside: &str) -> Option<(&str, u32)> {
        if let Some(id) = self.ids.get(inside) {
            return Some((id, 1));
        }
        let (id, digits) = inside.rsplit_once('_')?;
        let is_index = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        let index = digits.parse().ok().filter(|index| is_index && (2..=LARGEST_INDEX).contains(index))?;
        Some((self.ids.get(id)?, index))
    }

    /// Every marker of ours in `text`.
    pub(crate) fn find_all(&self, text: &str) -> impl Iterator<Item = (&str, u32)> {
        memchr::memmem::find_iter(text.as_bytes(), OPENING).filter_map(move |at| {
            let bytes = text.as_bytes().get(at + OPENING.len()..)?;
            let end = bytes.iter().take(LONGEST_INSIDE + 1).position(|b| *b == b']')?;
            self.read(std::str::from_utf8(bytes.get(..end)?).ok()?)
        })
    }

    /// Whether `span` of `text` holds nothing but markers, or parts of one, and at most three other letters.
    pub(crate) fn are_all_of(&self, text: &str, span: &Range<usize>) -> bool {
        let from = span.start.saturating_sub(LONGEST_INSIDE + OPENING.len());
        let to = (span.end + LONGEST_INSIDE).min(text.len());
        let bytes = text.as_bytes();
        let before = bytes.get(from..span.start).unwrap_or_default();
        let value = bytes.get(span.clone()).unwrap_or_default();
        let is_plain = !value.contains(&b'[') && !before.contains(&b'[');
        if is_plain {
            return false;
        }
        // Widen to whole markers, so that a span inside one is seen as what it is.
        let start =
            before.iter().rposition(|b| matches!(b, b'[' | b']')).filter(|at| before.get(*at) == Some(&b'['));
        let after = bytes.get(span.end..to).unwrap_or_default();
        let end =
            after.iter().position(|b| matches!(b, b'[' | b']')).filter(|at| after.get(*at) == Some(&b']'));
        let start = start.map_or(span.start, |at| from + at);
        let end = end.map_or(span.end, |at| span.end + at + 1);
        text.get(start..end).is_some_and(|wide| wide.contains(OPENING) && self.count_outside(wide) < 4)
    }

    /// Letters and digits outside of markers.
    fn count_outside(&self, text: &str) -> usize {
        let mut left = 0;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPENING) {
            left += count_letters(before);
            rest = match after.split_once(']') {
                Some((inside, tail)) if self.read(inside).is_some() => tail,
                _ => {
                    left += OPENING.len();
                    after
                }
            };
        }
        left + count_letters(rest)
    }
}

fn count_letters(text: &str) -> usize {
    text.bytes().filter(|b| b.is_ascii_alphanumeric() || !b.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_nothing_and_hide_nothing() {
        let markers = Markers { ids: BTreeSet::from(["jwt".to_owned(), "internal_only".to_owned()]) };
        let is_all = |text: &str, value: &str| {
            let start = text.find(value).unwrap();
            markers.are_all_of(text, &(start..start + value.len()))
        };
        for (text, value) in [
            ("a [REDACTED:jwt] b", "[REDACTED:jwt]"),
            ("a [REDACTED:internal_only] b", "internal_only"),
            ("[REDACTED:jwt], [REDACTED:jwt]", "[REDACTED:jwt], [REDACTED:jwt]"),
            ("[REDACTED:jwt_2], [REDACTED:jwt]", "[REDACTED:jwt_2], [REDACTED:jwt]"),
            ("x [REDACTED:internal_only_999999]", "only_999999"),
        ] {
            assert!(is_all(text, value), "{text}");
        }
        for (text, value) in [
            ("hunter2[REDACTED:jwt]", "hunter2[REDACTED:jwt]"),
            ("[REDACTED:hunter2]", "hunter2"),
            ("[REDACTED:jwt_hunter2]", "jwt_hunter2"),
            ("[REDACTED:jwt_5364399]", "5364399"),
            ("[REDACTED:jwt_0123456]", "0123456"),
            ("x [hunter2] y", "hunter2"),
            ("[REDACTED:jwt] hunter2", "hunter2"),
        ] {
            assert!(!is_all(text, value), "{text}");
        }
    }
}
