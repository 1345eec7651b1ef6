//! The lines round a finding, in which every value that was found is masked.

use crate::terminal::printable;
use std::ops::Range;

/// Bytes of a line that are shown on each side of a value, and of a line beside it.
const SIDE_BYTES: usize = 80;
const LINE_BYTES: usize = 2 * SIDE_BYTES;
/// Characters of a value that are shown: enough to find it again, too few to use it.
const MOST_SHOWN: usize = 4;
/// Characters of a revealed value in an excerpt.
const MOST_REVEALED: usize = 120;

/// A value as it may be shown: its first characters, a third of them at most, and how many there are.
pub(crate) fn mask(value: &str) -> String {
    let length = value.chars().count();
    let shown: String = value.chars().take(MOST_SHOWN.min(length / 3)).collect();
    format!("{}…({length})", printable(&shown))
}

/// The text of one source, and where values stand in it.
#[derive(Debug)]
pub(super) struct Masked<'t> {
    text: &'t str,
    /// In order and apart from each other.
    values: Vec<Range<usize>>,
    is_revealed: bool,
}

/// A line with a value in the middle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) before: String,
    pub(super) value: String,
    pub(super) after: String,
}

impl<'t> Masked<'t> {
    /// `values` come in the order of their starts.
    pub(super) fn new(text: &'t str, values: impl Iterator<Item = Range<usize>>, is_revealed: bool) -> Self {
        let mut apart: Vec<Range<usize>> = Vec::new();
        for value in values {
            match apart.last_mut() {
                Some(last) if value.start < last.end => last.end = last.end.max(value.end),
                _ => apart.push(value),
            }
        }
        Self { text, values: apart, is_revealed }
    }

    /// The first line of the value at `span`, with what stands beside it.
    pub(super) fn excerpt(&self, span: &Range<usize>) -> Excerpt {
        let value = self.value_at(span.start).unwrap_or_else(|| span.clone());
        let line = self.line_round(&value);
        let is_line_start = |at: usize| at == 0 || self.text.as_bytes().get(at - 1) == Some(&b'\n');
        let is_line_end = |at: usize| matches!(self.text.as_bytes().get(at), None | Some(b'\r' | b'\n'));
        let ellipsis = |is_whole: bool| if is_whole { "" } else { "…" };
        Excerpt {
            before: format!("{}{}", ellipsis(is_line_start(line.start)), self.show(line.start..value.start)),
            value: self.show_value(&value),
            after: format!("{}{}", self.show(value.end..line.end), ellipsis(is_line_end(line.end))),
        }
    }

    /// Line ends within the value at `span`.
    pub(super) fn height(&self, span: &Range<usize>) -> usize {
        let value = self.value_at(span.start).unwrap_or_else(|| span.clone());
        self.text.get(span.start..value.end).map_or(0, |value| value.matches('\n').count())
    }

    /// Up to `count` lines before the one in which the value at `span` starts, and after the one in which it ends.
    pub(super) fn lines_beside(&self, span: &Range<usize>, count: usize) -> (Vec<String>, Vec<String>) {
        let value = self.value_at(span.start).unwrap_or_else(|| span.clone());
        let head = self.text.get(..value.start).unwrap_or_default();
        let tail = self.text.get(value.end..).unwrap_or_default();
        let mut before: Vec<String> = Vec::new();
        let mut end = head.rfind('\n');
        while let Some(at) = end.filter(|_| before.len() < count) {
            let start = head.get(..at).and_then(|head| head.rfind('\n')).map_or(0, |at| at + 1);
            before.push(self.show(start..self.text.floor_char_boundary(at.min(start + LINE_BYTES))));
            end = start.checked_sub(1);
        }
        before.reverse();
        let mut start = value.end;
        let rows = tail.split_inclusive('\n').map(|line| {
            let row = start..start + line.len();
            start = row.end;
            row
        });
        let after = rows.skip(1).take(count).map(|row| {
            let end = row.end.min(row.start + LINE_BYTES);
            self.show(row.start..self.text.floor_char_boundary(end)).trim_end_matches('\u{fffd}').to_owned()
        });
        (before, after.collect())
    }

    fn value_at(&self, at: usize) -> Option<Range<usize>> {
        let index = self.values.partition_point(|value| value.end <= at);
        self.values.get(index).filter(|value| value.start <= at).cloned()
    }

    /// The line round a value, cut on both sides where it is long.
    fn line_round(&self, value: &Range<usize>) -> Range<usize> {
        let from = self.text.floor_char_boundary(value.start.saturating_sub(SIDE_BYTES));
        let to = self.text.floor_char_boundary((value.end + SIDE_BYTES).min(self.text.len()));
        let before = self.text.get(from..value.start).unwrap_or_default();
        let after = self.text.get(value.end..to).unwrap_or_default();
        let start = before.rfind('\n').map_or(from, |at| from + at + 1);
        let end = after.find(['\r', '\n']).map_or(to, |at| value.end + at);
        start..end
    }

    /// A part of the text in which values are masked, also those that only reach into it.
    fn show(&self, part: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = part.start;
        let first = self.values.partition_point(|value| value.end <= part.start);
        for value in self.values.iter().skip(first).take_while(|value| value.start < part.end) {
            shown.push_str(self.text.get(at..value.start).unwrap_or_default());
            shown.push_str(&self.show_value(value));
            at = value.end;
        }
        shown.push_str(self.text.get(at..part.end).unwrap_or_default());
        printable(&shown.replace('\t', " "))
    }

    fn show_value(&self, value: &Range<usize>) -> String {
        let value = self.text.get(value.clone()).unwrap_or_default();
        match self.is_revealed {
            true => printable(
                &value.lines().next().unwrap_or_default().chars().take(MOST_REVEALED).collect::<String>(),
            ),
            false => mask(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, values: &[&str], of: &str) -> String {
        let spans = values.iter().map(|value| {
            let start = text.find(value).unwrap();
            start..start + value.len()
        });
        let start = text.find(of).unwrap();
        let shown = Masked::new(text, spans, false).excerpt(&(start..start + of.len()));
        format!("{}[{}]{}", shown.before, shown.value, shown.after)
    }

    #[test]
    fn all_values_of_a_line_are_masked_and_long_lines_are_cut() {
        let text = "first\nkey: abcdefghijkl pin 12345 end\r\nlast";
        assert_eq!(
            excerpt(text, &["abcdefghijkl", "12345"], "abcdefghijkl"),
            "key: [abcd…(12)] pin 1…(5) end"
        );
        assert_eq!(excerpt(text, &["abcdefghijkl", "12345"], "12345"), "key: abcd…(12) pin [1…(5)] end");
        assert_eq!(excerpt(text, &["abcdefghijkl", "ijkl pin 12345"], "ijkl"), "key: [abcd…(22)] end");
        let long = format!("{}\tsecret-value{}", "ü".repeat(5000), "x".repeat(5000));
        let shown = excerpt(&long, &["secret-value"], "secret-value");
        assert!(shown.len() < 300 && shown.contains("ü [secr…(12)]xxx"), "{shown}");
        assert!(shown.starts_with('…') && shown.ends_with('…'), "{shown}");
        assert_eq!(
            excerpt(
                "-----BEGIN\nabc\nEND----- tail\nx",
                &["-----BEGIN\nabc\nEND-----"],
                "-----BEGIN\nabc\nEND-----"
            ),
            "[----…(23)] tail"
        );
    }

    #[test]
    fn lines_beside_a_value_are_masked_too() {
        let text = "one\ntwo 98765432\nthe secret-value here\n\nfour 98765432\nfive";
        let span = |value: &str, at: usize| at..at + value.len();
        let first = text.find("98765432").unwrap();
        let middle = text.find("secret-value").unwrap();
        let last = text.rfind("98765432").unwrap();
        let values = [span("98765432", first), span("secret-value", middle), span("98765432", last)];
        let masked = Masked::new(text, values.into_iter(), false);
        let (before, after) = masked.lines_beside(&span("secret-value", middle), 2);
        assert_eq!(before, ["one", "two 98…(8)"]);
        assert_eq!(after, ["", "four 98…(8)"]);
        let (before, after) = masked.lines_beside(&span("secret-value", middle), 9);
        assert_eq!((before.len(), after.len()), (2, 3));
    }
}
