//! Text written backwards, where something says so: a right-to-left override, or code that reverses.

use super::{Source, is_piece_byte};
use crate::layers::pieces::{Assembly, may_hold_value};
use aho_corasick::AhoCorasick;
use std::{ops::Range, sync::LazyLock};

/// Shortest and longest token that is turned round, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=512;

/// Reads each long token backwards.
pub(crate) fn turn_round(source: Source<'_>) -> Assembly {
    let mut out = Assembly::default();
    if !is_reversed(source.text) {
        return out;
    }
    let bytes = source.text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|b| is_piece_byte(**b)).count();
        if LENGTHS.contains(&len) {
            turn(source, start..start + len, &mut out);
        }
        start += len + 1;
    }
    out
}

fn turn(source: Source<'_>, token: Range<usize>, out: &mut Assembly) {
    let from = out.text.len();
    for at in token.rev() {
        source.add(at..at + 1, out);
    }
    out.close(from, may_hold_value);
}

/// U+202E (Unicode Standard Annex 9) displays what follows from right to left; the others are how code and shells reverse.
fn is_reversed(text: &str) -> bool {
    const MARKS: [&str; 5] = ["\u{202e}", "revers", "Revers", "[::-1]", "| rev"];
    static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(MARKS).ok());
    FINDER.as_ref().is_some_and(|finder| finder.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_to_be_reversed_is_turned() {
        let read = |text: &str| turn_round(Source { segment: 0, text }).text;
        assert_eq!(read("'MFNZT4QXC7B6A5E2AIKA'[::-1]").trim_end(), "AKIA2E5A6B7CXQ4TZNFM");
        assert_eq!(read("the key is MFNZT4QXC7B6A5E2AIKA"), "");
    }
}
