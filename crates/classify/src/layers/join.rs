//! A value cut into pieces: strings that stand side by side are also read as one.

use super::{Origin, Segment};
use crate::{
    leaves::{Leaves, Role},
    prefilter::measure_time,
};
use std::{borrow::Cow, ops::Range};

/// Longest part of a string that is read together with its neighbour, in bytes.
const LONGEST_PART: usize = 512;
/// Joined text shorter than this holds no number of a person, or, with fewer digits, no credential.
const SHORTEST_NUMBER: usize = 9;
const FEWEST_DIGITS: usize = 4;
const SHORTEST_CREDENTIAL: usize = 20;

#[derive(Debug)]
struct Part {
    out: Range<usize>,
    leaf: usize,
    /// Where the part starts in its leaf.
    start: usize,
}

/// Parts of neighbouring leaves, read as one text.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    parts: Vec<Part>,
}

impl Joined {
    /// Whether `span` takes in text of more than one leaf.
    pub(crate) fn is_across(&self, span: &Range<usize>) -> bool {
        self.sources_of(span).nth(1).is_some()
    }

    /// The parts of leaves that `span` covers.
    pub(crate) fn sources_of(&self, span: &Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let span = span.clone();
        let first = self.parts.partition_point(|p| p.out.end <= span.start);
        let end = span.end;
        self.parts.iter().skip(first).take_while(move |p| p.out.start < end).map(move |part| {
            let from = span.start.max(part.out.start) - part.out.start;
            let to = span.end.min(part.out.end) - part.out.start;
            (part.leaf, part.start + from..part.start + to)
        })
    }

    pub(crate) fn first_leaf(&self) -> Option<usize> {
        self.parts.first().map(|p| p.leaf)
    }
}

/// Joins each group of neighbours where the end of one and the start of the next could be one token.
pub(crate) fn join_siblings<'l>(leaves: &Leaves<'l>) -> Vec<Segment<'l>> {
    let mut segments = Vec::new();
    let (mut text, mut joined) = (String::new(), Joined::default());
    for group in leaves.groups() {
        for leaf in group {
            let Some(source) = leaves.list.get(*leaf) else { continue };
            // A time is a value of its own, and stands beside most strings there are.
            let is_time = measure_time(source.text.as_bytes(), 0).is_some();
            let numbered = if is_time { 0 } else { measure_number(&source.text) };
            let piece = source.text.get(numbered..).unwrap_or_default();
            if numbered > 0 && !piece.is_empty() && first_token(piece) == piece.len() {
                add(&mut text, &mut joined, *leaf, piece, numbered);
                continue;
            }
            let head = if is_time { 0 } else { first_token(&source.text) };
            if head == 0 {
                finish(leaves, &mut text, &mut joined, &mut segments);
            }
            if head == source.text.len() {
                add(&mut text, &mut joined, *leaf, &source.text, 0);
                continue;
            }
            add(&mut text, &mut joined, *leaf, source.text.get(..head).unwrap_or_default(), 0);
            finish(leaves, &mut text, &mut joined, &mut segments);
            let tail = if is_time { source.text.len() } else { last_token(&source.text) };
            add(&mut text, &mut joined, *leaf, source.text.get(tail..).unwrap_or_default(), tail);
        }
        finish(leaves, &mut text, &mut joined, &mut segments);
    }
    segments
}

fn add(text: &mut String, joined: &mut Joined, leaf: usize, part: &str, start: usize) {
    if part.is_empty() {
        return;
    }
    let from = text.len();
    text.push_str(part);
    joined.parts.push(Part { out: from..text.len(), leaf, start });
}

fn finish<'l>(leaves: &Leaves<'l>, text: &mut String, joined: &mut Joined, segments: &mut Vec<Segment<'l>>) {
    // Most of what is joined is nothing: its buffers are used again.
    if joined.parts.len() > 1 && may_hold_value(text) {
        let (text, joined) = (std::mem::take(text), std::mem::take(joined));
        let label = joined.first_leaf().and_then(|leaf| leaves.list.get(leaf)).map_or("", |leaf| leaf.label);
        segments.push(Segment {
            text: Cow::Owned(text),
            label,
            role: Role::Text,
            origin: Origin::Joined(Box::new(joined)),
        });
    } else {
        text.clear();
        joined.parts.clear();
    }
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

fn may_hold_value(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= SHORTEST_NUMBER && digits >= FEWEST_DIGITS
        || text.len() >= SHORTEST_CREDENTIAL && digits > 0
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
        let segments = join_siblings(&leaves);
        let texts: Vec<&str> = segments.iter().map(|s| s.text.as_ref()).collect();
        assert_eq!(texts, ["ghp_abcd12ef34"]);
        let Origin::Joined(joined) = &segments[0].origin else { panic!("not joined") };
        assert_eq!(joined.sources_of(&(4..12)).collect::<Vec<_>>(), [(0, 15..17), (1, 0..4), (2, 0..2)]);
        assert!(!joined.is_across(&(0..6)));
    }
}
