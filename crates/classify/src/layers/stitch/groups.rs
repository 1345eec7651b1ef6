//! Characters, or groups of equally many, set apart by one separator: `A K I A`, `41:4b:49`, `QUtJ-QTJF`.

use super::Source;
use crate::{
    bytes::ByteSet,
    layers::pieces::{Assembly, may_hold_value},
};

/// What a group is made of.
static GROUP: ByteSet = ByteSet::alphanumeric_and(b"+/=_");

const LONGEST_GROUP: usize = 8;
const LONGEST_SEPARATOR: usize = 4;
const FEWEST_GROUPS: usize = 4;
const FEWEST_CHARS: usize = 9;

/// Joins every row of groups.
pub(crate) fn join_groups(source: Source<'_>) -> Assembly {
    let bytes = source.text.as_bytes();
    let mut out = Assembly::default();
    let mut at = 0;
    while at < bytes.len() {
        at += if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"0x")) { 2 } else { 0 };
        let len = measure_group(bytes, at);
        if len == 0 {
            at += 1;
            continue;
        }
        if len > LONGEST_GROUP {
            at += GROUP.run(bytes, at, usize::MAX);
            continue;
        }
        match measure_row(bytes, at, len) {
            Some(row) => {
                let from = out.text.len();
                let text = source.text.get(at..row.end).unwrap_or_default();
                if let (Ok(len), Ok(gap)) = (u8::try_from(len), u8::try_from(row.separator)) {
                    out.add_row(source.segment, text, at, len, gap);
                }
                out.close(from, |text| len == 1 || may_hold_value(text));
                at = row.end;
            }
            None => at += len,
        }
    }
    out
}

struct Row {
    separator: usize,
    end: usize,
}

/// The row of groups of `len` bytes that starts at `at`.
fn measure_row(bytes: &[u8], at: usize, len: usize) -> Option<Row> {
    let separator = separator_at(bytes, at + len)?;
    // Escapes are undone elsewhere; of those with a backslash, only digits that have no mark of their own.
    let is_hex = bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    if separator.iter().any(|b| matches!(b, b'%' | b'&') || *b == b'\\' && !is_hex) {
        return None;
    }
    let is_single = len == 1;
    let mut groups = 1;
    let mut end = at + len;
    loop {
        let start = end + separator.len();
        if bytes.get(end..start) != Some(separator) {
            break;
        }
        // One by one, any character may stand alone, also a blank between two words.
        let measured = if is_single {
            usize::from(bytes.get(start).is_some_and(|b| matches!(b, b' '..=b'~')))
        } else {
            measure_group(bytes, start)
        };
        if measured == 0 || measured > len {
            break;
        }
        groups += 1;
        end = start + measured;
        // What is left over stands last.
        if measured < len {
            break;
        }
    }
    let fewest = if is_single { FEWEST_CHARS } else { FEWEST_GROUPS };
    (groups >= fewest).then_some(Row { separator: separator.len(), end })
}

fn measure_group(bytes: &[u8], at: usize) -> usize {
    GROUP.run(bytes, at, LONGEST_GROUP + 1)
}

/// What separates groups: up to four bytes, which may announce hexadecimal (`, 0x`).
fn separator_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let mark = rest.iter().take(LONGEST_SEPARATOR).take_while(|b| b.is_ascii() && !GROUP.has(**b)).count();
    let len = if rest.get(mark..)?.starts_with(b"0x") { mark + 2 } else { mark };
    (mark > 0).then(|| rest.get(..len)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_joined() {
        for (text, joined) in [
            ("A K I A 2 E 5 A 6", "AKIA2E5A6"),
            ("so: A-K-I-A-_-2-E-5-A", "AKIA_2E5A"),
            ("41 4b 49 41 32", "414b494132"),
            ("{0x41, 0x4b, 0x49, 0x41, 0x32}", "414b494132"),
            ("AKIA.2E5A.6B7C.XQ4", "AKIA2E5A6B7CXQ4"),
            ("the key is short and long words stay", ""),
            ("10.2.3.4", ""),
        ] {
            let out = join_groups(Source { segment: 0, text });
            assert_eq!(out.text.trim_end(), joined, "{text}");
        }
    }
}
