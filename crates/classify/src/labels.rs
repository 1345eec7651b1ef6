//! Whether a value has its label: the words right before it, right after it, or at the head of its column.
//!
//! `SSN: 536…`, `{"ssn": "536…"}`, `{"type": "ssn", "value": "536…"}`, `my social security number is 536…`,
//! `536… (SSN)`, and in tables of text (CSV, TSV, Markdown) `name,ssn` some lines above. What stands between label
//! and value may be words and punctuation, but neither another value nor another key.

use crate::{
    bytes::ByteSet,
    prefilter::{ceil_boundary, floor_boundary},
    words::{Words, is_word_at},
};
use std::ops::Range;

/// How far before a value its label may end, and how far after it one may start, in bytes.
const BEFORE: usize = 80;
const AFTER: usize = 12;
/// What may stand between a value and the label after it: `536… (SSN)`, `536… is my SSN`.
const LEADS_BACK: [&str; 14] = [
    "", "-", "–", "is", "is a", "is an", "is the", "is my", "is his", "is her", "is your", "is our", "as",
    "as the",
];
/// Digits in a row that are another value.
const OTHER_VALUE: usize = 3;
/// Keys that only say that a value follows: `{"type": "ssn", "value": …}`.
const NEUTRAL_KEYS: [&str; 25] = [
    "value",
    "number",
    "no",
    "nr",
    "num",
    "identifier",
    "code",
    "text",
    "content",
    "data",
    "answer",
    "input",
    "raw",
    "display",
    "val",
    "v",
    "string",
    "stringValue",
    "string_value",
    "s",
    "n",
    "start",
    "plain_text",
    "#text",
    "$t",
];

/// What ends the field of a value, and what stands between fields.
static FIELD_ENDS: ByteSet = ByteSet::of(b"\",\n;|:=\t");
static BORDERS: ByteSet = ByteSet::of(b"\n,;&{|\t");

/// Whether one of `labels` belongs to the value at `span`.
pub(crate) fn is_labelled(labels: &Words, text: &str, span: &Range<usize>) -> bool {
    is_labelled_before(labels, text, span.start) || is_labelled_after(labels, text, span.end)
}

fn is_labelled_before(labels: &Words, text: &str, end: usize) -> bool {
    let start = ceil_boundary(text, end.saturating_sub(BEFORE));
    let near = text.get(start..end).unwrap_or_default();
    // A label stands after the value before this one.
    let start = start + end_of_last_value(near);
    let before = text.get(start..end).unwrap_or_default();
    let mut latest = None;
    let mut from = 0;
    while let Some(found) = labels.find_in(before, from) {
        from = found.start + 1;
        if is_word_at(text, start + found.start..start + found.end) {
            latest = Some(found.end);
        }
    }
    latest.and_then(|at| before.get(at..)).is_some_and(leads_to_value)
}

/// Whether the last words before the value at `span`, in its own field, are one of `names`: `version 1.2.3.4`,
/// `"id": "4111…"`. That something else of that name stands near, as in `<?xml version="1.0"?><ip>`, is not enough.
pub(crate) fn is_named(names: &Words, text: &str, span: &Range<usize>) -> bool {
    const FARTHEST: usize = 40;
    let start = ceil_boundary(text, span.start.saturating_sub(FARTHEST));
    let before = text.get(start..span.start).unwrap_or_default();
    let mut from = 0;
    while let Some(found) = names.find_in(before, from) {
        from = found.start + 1;
        let gap = before.get(found.end..).unwrap_or_default();
        let between = skip_neutral_key(skip_signs(gap));
        let is_list = !between.contains(char::is_alphabetic);
        if (is_list
            || !between.contains(['"', '\'', '<', '>', '{', '}', '|', '&', ';', ':', '=', '\n', '\t']))
            && is_word_at(text, start + found.start..start + found.end)
        {
            return true;
        }
    }
    false
}

fn skip_signs(text: &str) -> &str {
    text.trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// What stands behind a key that says nothing: `{"kind": "version", "value": …}`.
fn skip_neutral_key(text: &str) -> &str {
    let word = text.find(|c: char| !c.is_alphanumeric()).map_or(text, |end| text.get(..end).unwrap_or(text));
    let is_neutral = NEUTRAL_KEYS.iter().any(|key| key.eq_ignore_ascii_case(word));
    if is_neutral { skip_signs(text.get(word.len()..).unwrap_or_default()) } else { text }
}

fn is_labelled_after(labels: &Words, text: &str, start: usize) -> bool {
    const LONGEST_LABEL: usize = 40;
    let end = floor_boundary(text, start.saturating_add(AFTER + LONGEST_LABEL));
    let after = text.get(start..end).unwrap_or_default();
    // A quote, comma or line break ends the field; an opening bracket or a few words may follow the value.
    let field = FIELD_ENDS.find(after.as_bytes(), 0).and_then(|at| after.get(..at)).unwrap_or(after);
    let mut from = 0;
    while let Some(found) = labels.find_in(field, from) {
        from = found.start + 1;
        let gap = field.get(..found.start).unwrap_or_default();
        let gap = gap.trim_matches([' ', '(', '[']);
        if !LEADS_BACK.iter().any(|lead| lead.eq_ignore_ascii_case(gap)) {
            return false;
        }
        if is_word_at(text, start + found.start..start + found.end) {
            return true;
        }
    }
    false
}

/// Whether what stands between a label and a value holds no other key.
fn leads_to_value(gap: &str) -> bool {
    // The key, if there is one, stands after the last border of fields: `n/a", "order": "`.
    let Some(border) = BORDERS.find_last(gap.as_bytes(), 0, gap.len()) else { return true };
    let field = gap.get(border + 1..).unwrap_or_default();
    let Some((key, _)) = field.rsplit_once([':', '=']) else { return true };
    let key = key.trim_matches(|c: char| !c.is_alphanumeric());
    key.is_empty() || NEUTRAL_KEYS.iter().any(|neutral| neutral.eq_ignore_ascii_case(key))
}

/// Where the last digits end that are a value of their own.
fn end_of_last_value(text: &str) -> usize {
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate().rev() {
        run = if byte.is_ascii_digit() { run + 1 } else { 0 };
        if run == OTHER_VALUE {
            return at + OTHER_VALUE;
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_stands_right_before_or_after_its_value() {
        let labels = Words::new(&["ssn".to_owned(), "social security number".to_owned()]).unwrap();
        let is_near = |text: &str| {
            let start = text.find("536").unwrap();
            is_labelled(&labels, text, &(start..start + 9))
        };
        for text in [
            "SSN: 536904399",
            r#"{"ssn": "536904399"}"#,
            r#"{"type": "ssn", "value": "536904399"}"#,
            "his social security number, says he, is 536904399",
            "536904399 (SSN)",
            "536904399 is my SSN",
            "user_ssn=536904399",
        ] {
            assert!(is_near(text), "{text}");
        }
        for text in [
            r#"{"ssn": "n/a", "order": "536904399"}"#,
            "ssn 000123456 order 536904399",
            "ssn=none&order=536904399",
            "lesson: 536904399",
            r#"["536904399", "ssn"]"#,
            r#"{"note": "ask for his ssn", "id": "536904399"}"#,
            "536904399, ssn: none",
            "536904399 Ada <ssn@example.org>",
        ] {
            assert!(!is_near(text), "{text}");
        }
        let far = format!("SSN{}536904399", " ".repeat(100));
        assert!(!is_near(&far));
    }

    #[test]
    fn a_name_is_the_last_before_its_value_in_the_same_field() {
        let names = Words::new(&["version".to_owned(), "id".to_owned()]).unwrap();
        let is_named = |text: &str| {
            let start = text.find("536").unwrap();
            is_named(&names, text, &(start..start + 9))
        };
        for text in [
            "version 536904399",
            "Version: 536904399",
            r#"{"user_id": "536904399"}"#,
            r#"{"messageId": 536904399}"#,
            "versions 12 and 536904399",
            r#"{"version": ["12", "536904399"]}"#,
            "<version>536904399</version>",
            "?id=536904399",
            r#"{"kind": "version", "value": "536904399"}"#,
        ] {
            assert!(is_named(text), "{text}");
        }
        for text in [
            r#"<?xml version="1.0"?><ip>536904399</ip>"#,
            r#"{"version": 2, "card": 536904399}"#,
            "id=7&card=536904399",
            "paid 536904399",
            "536904399 is the id",
        ] {
            assert!(!is_named(text), "{text}");
        }
    }
}
