//! Words that number the pieces of a value: `part 1:`, `second half is`, `(3)`.

use super::{is_piece_byte, measure_space};
use std::ops::Range;

/// Longest label, in bytes, with what sets it apart.
const LONGEST: usize = 48;

/// What lies between two pieces when a label ends at `closer`: from the end of the one to the start of the other.
pub(crate) fn measure_label(bytes: &[u8], closer: usize) -> Option<Range<usize>> {
    let floor = closer.saturating_sub(LONGEST);
    let window = bytes.get(floor..closer)?;
    let mut label = closer;
    let mut is_numbered = false;
    let mut at = closer;
    for word in window.rsplit(|b| !b.is_ascii_alphanumeric()) {
        at = at.checked_sub(word.len())?;
        match rate_word(word) {
            Some(numbers) => is_numbered |= numbers,
            None if word.is_empty() => {}
            None => break,
        }
        label = at;
        at = at.saturating_sub(1).max(floor);
        if matches!(bytes.get(at), Some(b':' | b'=' | b'{' | b'}')) {
            break;
        }
    }
    if !is_numbered {
        return None;
    }
    let start = floor + bytes.get(floor..label)?.iter().rposition(|b| !is_apart(*b))? + 1;
    let is_before =
        start < label && start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|b| is_piece_byte(*b));
    if !is_before {
        return None;
    }
    let mut end = closer + 1;
    while bytes.get(end).is_some_and(|b| matches!(b, b':' | b'=' | b')' | b']' | b'>' | b'"' | b'\'' | b'`'))
    {
        end += 1;
    }
    end += measure_space(bytes, end);
    end += usize::from(matches!(bytes.get(end), Some(b'"' | b'\'' | b'`')));
    bytes.get(end).is_some_and(|b| is_piece_byte(*b)).then_some(start..end)
}

/// What sets a piece apart from the label after it.
fn is_apart(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(
            byte,
            b',' | b';' | b'.' | b'|' | b'"' | b'\'' | b'`' | b'(' | b'[' | b'#' | b'-' | b'*' | b':'
        )
}

/// Whether a word numbers a piece; `None` for one that is no part of a label.
fn rate_word(word: &[u8]) -> Option<bool> {
    const LONGEST_WORD: usize = 9;
    const LONGEST_NUMBER: usize = 4;
    if word.first()?.is_ascii_digit() {
        return (word.len() <= LONGEST_NUMBER).then_some(true);
    }
    let mut lower = [0; LONGEST_WORD];
    let lower = lower.get_mut(..word.len())?;
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    match &*lower {
        b"bit" | b"block" | b"chunk" | b"fifth" | b"finally" | b"first" | b"four" | b"fourth"
        | b"fragment" | b"half" | b"last" | b"one" | b"part" | b"piece" | b"prefix" | b"remainder"
        | b"rest" | b"second" | b"section" | b"segment" | b"suffix" | b"third" | b"three" | b"two"
        | b"zero" => Some(true),
        b"a" | b"and" | b"b" | b"beginning" | b"c" | b"d" | b"end" | b"is" | b"key" | b"left" | b"line"
        | b"next" | b"no" | b"number" | b"of" | b"right" | b"the" | b"then" | b"token" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_reach_from_piece_to_piece() {
        let between = |text: &str| {
            let label = text.match_indices(':').find_map(|(at, _)| measure_label(text.as_bytes(), at));
            label.and_then(|label| text.get(label).map(str::to_owned))
        };
        assert_eq!(between("part 1: abc1 part 2: def2").as_deref(), Some(" part 2: "));
        assert_eq!(
            between("abc1\", and the second half is: \"def2").as_deref(),
            Some("\", and the second half is: \"")
        );
        assert_eq!(between("the host: abc"), None);
        assert_eq!(between("abc1\nnext: def2"), None);
    }
}
