//! Redaction markers, `[REDACTED:<detector>]`: what was redacted must not be found again, and must hide nothing.

use crate::detectors::Detector;
use std::{collections::BTreeSet, ops::Range};

/// How a marker begins.
pub(crate) const OPENING: &str = "[REDACTED:";
/// Name in the marker of a field that was blanked by its path.
pub(crate) const FIELD: &str = "field";
/// Longest id that is looked for round a span.
const LONGEST_ID: usize = 64;

/// The markers this classifier writes.
#[derive(Debug)]
pub(crate) struct Markers {
    ids: BTreeSet<String>,
}

impl Markers {
    pub(crate) fn of(detectors: &[Detector]) -> Self {
        Self { ids: detectors.iter().map(|d| d.id.clone()).chain([FIELD.to_owned()]).collect() }
    }

    pub(crate) fn write(id: &str) -> String {
        format!("{OPENING}{id}]")
    }

    /// Whether `span` of `text` holds nothing but markers, or parts of one, and at most three other letters.
    pub(crate) fn are_all_of(&self, text: &str, span: &Range<usize>) -> bool {
        let from = span.start.saturating_sub(LONGEST_ID + OPENING.len());
        let to = (span.end + LONGEST_ID).min(text.len());
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
                Some((id, tail)) if self.ids.contains(id) => tail,
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
        ] {
            assert!(is_all(text, value), "{text}");
        }
        for (text, value) in [
            ("hunter2[REDACTED:jwt]", "hunter2[REDACTED:jwt]"),
            ("[REDACTED:hunter2]", "hunter2"),
            ("x [hunter2] y", "hunter2"),
            ("[REDACTED:jwt] hunter2", "hunter2"),
        ] {
            assert!(!is_all(text, value), "{text}");
        }
    }
}
