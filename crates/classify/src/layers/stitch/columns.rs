//! Members of one name, over the records of a text that holds several: events of a stream, lines of JSON, items of a list.

use super::{Source, is_piece_byte};
use crate::layers::pieces::{Assembly, may_hold_value};
use std::{collections::BTreeMap, ops::Range};

/// Streams repeat few names: a text with more of them is records.
const MOST_NAMES: usize = 16;
const LONGEST_NAME: usize = 32;

/// Joins the values of each name that more than one record has.
pub(crate) fn join_columns(source: Source<'_>) -> Assembly {
    let mut columns = BTreeMap::<&str, Vec<Range<usize>>>::new();
    for (name, value) in members(source.text) {
        if columns.len() >= MOST_NAMES && !columns.contains_key(name) {
            return Assembly::default();
        }
        columns.entry(name).or_default().push(value);
    }
    let mut out = Assembly::default();
    for column in columns.into_values().filter(|column| column.len() > 1) {
        let mut from = out.text.len();
        for value in column {
            let text = source.text.get(value.clone()).unwrap_or_default();
            if text.bytes().all(is_piece_byte) {
                source.add(value, &mut out);
            } else {
                out.close(from, may_hold_value);
                from = out.text.len();
            }
        }
        out.close(from, may_hold_value);
    }
    out
}

/// Every `"name": "value"` of the text.
fn members(text: &str) -> impl Iterator<Item = (&str, Range<usize>)> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b':', bytes).filter_map(move |colon| {
        let end = colon.checked_sub(1).filter(|at| bytes.get(*at) == Some(&b'"'))?;
        let floor = end.saturating_sub(LONGEST_NAME);
        let name = floor + memchr::memrchr(b'"', bytes.get(floor..end)?)? + 1;
        let after = colon + 1;
        let start = after + usize::from(bytes.get(after) == Some(&b' '));
        (bytes.get(start) == Some(&b'"')).then_some(())?;
        let window = bytes.get(start + 1..bytes.len().min(start + 1 + crate::layers::join::LONGEST_PART))?;
        let len = memchr::memchr(b'"', window)?;
        Some((text.get(name..end)?, start + 1..start + 1 + len))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_a_stream_are_joined() {
        let event = |token: &str| {
            format!("data: {{\"id\":\"x\",\"choices\":[{{\"delta\":{{\"content\":\"{token}\"}}}}]}}\n\n")
        };
        let text: String = ["AK", "IA2", "E5A6", "B7C", "XQ4TZ", "NFM"].map(event).concat();
        assert!(join_columns(Source { segment: 0, text: &text }).text.contains("AKIA2E5A6B7CXQ4TZNFM"));
        let text = "{\"data\": \"AKIA2E5A6\", \"n\": 1}\n{\"data\": \"B7CXQ4TZNFM\", \"n\": 2}";
        assert!(join_columns(Source { segment: 0, text }).text.contains("AKIA2E5A6B7CXQ4TZNFM"));
    }
}
