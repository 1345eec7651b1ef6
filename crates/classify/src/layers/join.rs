//! A value cut into pieces: strings that stand side by side are also read as one.

use super::{
    Segment,
    budget::Budget,
    pieces::{Assembly, SHORTEST_VALUE, may_hold_value},
    read_code,
};
use crate::{leaves::Leaves, prefilter::measure_time};
use std::ops::Range;

/// Longest part of a string that is read together with its neighbour, in bytes.
pub(crate) const LONGEST_PART: usize = 512;

/// Longest text that numbers a piece, with what sets it apart.
const LONGEST_NUMBERING: usize = 28;

/// Joins each group of neighbours where the end of one and the start of the next could be one token.
pub(crate) fn join_siblings<'l>(leaves: &Leaves<'l>, budget: &mut Budget) -> Vec<Segment<'l>> {
    let mut segments = Vec::new();
    let mut chain = Chain::default();
    for group in leaves.groups() {
        for leaf in group {
            let text = leaves.list.get(*leaf).map_or("", |source| source.text.as_ref());
            // A time is a value of its own, and stands beside most strings there are.
            if measure_time(text.as_bytes(), 0).is_some() {
                chain.finish(leaves, budget, &mut segments);
                continue;
            }
            let tail = last_token(text);
            let numbered = if tail <= LONGEST_NUMBERING { measure_number(text) } else { 0 };
            if numbered > 0 && numbered < text.len() && tail <= numbered {
                chain.add(*leaf, numbered..text.len());
                continue;
            }
            if tail == 0 {
                chain.add(*leaf, 0..text.len());
                continue;
            }
            chain.add(*leaf, 0..first_token(text));
            chain.finish(leaves, budget, &mut segments);
            chain.add(*leaf, tail..text.len());
        }
        chain.finish(leaves, budget, &mut segments);
    }
    segments
}

/// Tokens that could be one: most of them are not, and cost no more than being counted.
#[derive(Default)]
struct Chain {
    pieces: Vec<(usize, Range<usize>)>,
    len: usize,
}

impl Chain {
    fn add(&mut self, leaf: usize, piece: Range<usize>) {
        if !piece.is_empty() {
            self.len += piece.len();
            self.pieces.push((leaf, piece));
        }
    }

    fn finish<'l>(&mut self, leaves: &Leaves<'l>, budget: &mut Budget, segments: &mut Vec<Segment<'l>>) {
        if self.pieces.len() > 1 && self.len >= SHORTEST_VALUE {
            let mut assembly = Assembly::default();
            for (leaf, piece) in &self.pieces {
                let text = leaves.list.get(*leaf).and_then(|source| source.text.get(piece.clone()));
                assembly.add(*leaf, text.unwrap_or_default(), piece.start);
            }
            assembly.close(0, may_hold_value);
            budget.spend_on(&mut assembly);
            if let Some(first) = assembly.first_segment() {
                let label = leaves.list.get(first).map_or("", |leaf| leaf.label);
                segments.extend(assembly.into_segment(label));
            }
        }
        self.pieces.clear();
        self.len = 0;
    }
}

/// Reads each array of numbers that are codes of characters as their text.
pub(crate) fn read_code_rows<'l>(leaves: &Leaves<'l>) -> Vec<Segment<'l>> {
    let read = |row: Range<usize>| {
        let mut assembly = Assembly::default();
        let label = leaves.list.get(row.start).map_or("", |leaf| leaf.label);
        for leaf in row {
            let text = leaves.list.get(leaf).map_or("", |leaf| leaf.text.as_ref());
            if let Some(c) = text.parse().ok().and_then(read_code) {
                assembly.add_char(leaf, c, 0..text.len());
            }
        }
        assembly.into_segment(label)
    };
    leaves.code_rows().filter_map(read).collect()
}

/// Length of what numbers a piece: `part1: `, `chunk 2/3 = `, `[2] `, `3) `.
fn measure_number(text: &str) -> usize {
    const LONGEST: usize = 24;
    let bytes = text.as_bytes();
    let is_of_number =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'_' | b'-' | b'#' | b'/' | b'[' | b'(');
    let len = bytes.iter().take(LONGEST).take_while(|b| is_of_number(b)).count();
    let has_digit = bytes.iter().take(len).any(u8::is_ascii_digit);
    let is_closed = matches!(bytes.get(len), Some(b':' | b'=' | b')' | b']'));
    if !has_digit || !is_closed {
        return 0;
    }
    let after = bytes
        .iter()
        .skip(len)
        .take(4)
        .take_while(|b| matches!(b, b':' | b'=' | b')' | b']' | b' ' | b'>'))
        .count();
    len + after
}

/// Length of the unbroken text at the start.
fn first_token(text: &str) -> usize {
    text.bytes().take(LONGEST_PART).position(|b| !is_token_byte(b)).unwrap_or(text.len().min(LONGEST_PART))
}

/// Start of the unbroken text at the end.
fn last_token(text: &str) -> usize {
    let len = text
        .bytes()
        .rev()
        .take(LONGEST_PART)
        .position(|b| !is_token_byte(b))
        .unwrap_or(LONGEST_PART.min(text.len()));
    text.len() - len
}

/// Bytes of one token: printable ASCII without white space and quotes.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Origin;
    use serde_json::json;

    #[test]
    fn numbers_of_pieces_are_left_out() {
        for (text, piece) in [
            ("part1: AKIA", "AKIA"),
            ("chunk 2/3 = xyz", "xyz"),
            ("[2] xyz", "xyz"),
            ("(3) xyz", "xyz"),
            ("host: xyz", "host: xyz"),
            ("plain", "plain"),
        ] {
            assert_eq!(text.get(measure_number(text)..), Some(piece));
        }
    }

    #[test]
    fn only_the_touching_tokens_are_joined() {
        let body = json!(["the key is ghp_ab", "cd12", "ef34 and more text", "unrelated"]);
        let leaves = Leaves::of_body(&body);
        let segments = join_siblings(&leaves, &mut Budget::default());
        let texts: Vec<&str> = segments.iter().map(|s| s.text.as_ref()).collect();
        assert_eq!(texts, ["ghp_abcd12ef34"]);
        let Origin::Joined(joined) = &segments[0].origin else { panic!("not joined") };
        assert_eq!(joined.sources_of(&(4..12)), [(0, 15..17), (1, 0..4), (2, 0..2)]);
        assert!(!joined.is_across(&(0..6)));
    }
}
