//! A text put together from parts of other texts, with the way back to each.

use super::{Origin, Segment};
use crate::leaves::Role;
use std::ops::Range;

/// Parts of one segment that lie this near are one span of it, so that a value with glue inside is replaced as a whole.
const NEAR: usize = 16;

/// Between two values of one text: it ends every token and every encoded run.
const BREAK: &str = " \n";

#[derive(Debug)]
struct Part {
    out: Range<usize>,
    segment: usize,
    /// As long as `out`, or one encoded character.
    source: Range<usize>,
}

/// Where each part of an assembled text came from.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    parts: Vec<Part>,
    /// Whether the parts belong together for sure: each is the code of one character.
    pub(crate) is_sure: bool,
}

impl Pieces {
    /// Whether `span` takes in more than one part.
    pub(crate) fn is_across(&self, span: &Range<usize>) -> bool {
        self.parts_of(span).nth(1).is_some()
    }

    fn parts_of(&self, span: &Range<usize>) -> impl Iterator<Item = &Part> {
        let first = self.parts.partition_point(|p| p.out.end <= span.start);
        let end = span.end;
        self.parts.iter().skip(first).take_while(move |p| p.out.start < end)
    }

    /// The spans of segments that `span` came from; parts that lie near each other are one.
    pub(crate) fn sources_of(&self, span: &Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut sources: Vec<(usize, Range<usize>)> = self
            .parts_of(span)
            .map(|part| {
                if part.out.len() != part.source.len() {
                    return (part.segment, part.source.clone());
                }
                let from = span.start.max(part.out.start) - part.out.start;
                let to = span.end.min(part.out.end) - part.out.start;
                (part.segment, part.source.start + from..part.source.start + to)
            })
            .collect();
        sources.sort_by_key(|(segment, source)| (*segment, source.start));
        sources.dedup_by(|(segment, next), (last_segment, last)| {
            let is_near = segment == last_segment && next.start <= last.end + NEAR;
            if is_near {
                last.end = last.end.max(next.end);
            }
            is_near
        });
        sources
    }

    pub(crate) fn first_segment(&self) -> Option<usize> {
        self.parts.first().map(|p| p.segment)
    }
}

/// A text while it is put together.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) text: String,
    pieces: Pieces,
}

impl Assembly {
    /// Appends `part`, which stands at `start` of `segment`.
    pub(crate) fn add(&mut self, segment: usize, part: &str, start: usize) {
        if part.is_empty() {
            return;
        }
        let from = self.text.len();
        self.text.push_str(part);
        let source = start..start + part.len();
        self.pieces.parts.push(Part { out: from..self.text.len(), segment, source });
    }

    /// Appends the character that `source` of `segment` is the code of.
    pub(crate) fn add_char(&mut self, segment: usize, c: char, source: Range<usize>) {
        let from = self.text.len();
        self.text.push(c);
        self.pieces.parts.push(Part { out: from..self.text.len(), segment, source });
        self.pieces.is_sure = true;
    }

    /// Ends a value that began at `from` of the text; keeps it when it has more than one part and passes.
    pub(crate) fn close(&mut self, from: usize, is_worth: impl Fn(&str) -> bool) {
        let first = self.pieces.parts.partition_point(|p| p.out.start < from);
        let value = self.text.get(from..).unwrap_or_default();
        if self.pieces.parts.len() - first < 2 || !is_worth(value) {
            self.text.truncate(from);
            self.pieces.parts.truncate(first);
        } else {
            self.text.push_str(BREAK);
        }
    }

    /// The segment that the text begins in.
    pub(crate) fn first_segment(&self) -> Option<usize> {
        self.pieces.first_segment()
    }

    pub(crate) fn into_segment<'l>(mut self, label: &'l str) -> Option<Segment<'l>> {
        if self.pieces.parts.len() < 2 {
            return None;
        }
        if self.text.ends_with(BREAK) {
            self.text.truncate(self.text.len() - BREAK.len());
        }
        let origin = Origin::Joined(Box::new(self.pieces));
        Some(Segment { text: self.text.into(), label, role: Role::Text, origin })
    }
}

/// Whether an assembled text is long enough for a number of a person, or, with fewer digits, for a credential.
pub(crate) fn may_hold_value(text: &str) -> bool {
    const SHORTEST_NUMBER: usize = 9;
    const FEWEST_DIGITS: usize = 4;
    const SHORTEST_CREDENTIAL: usize = 20;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= SHORTEST_NUMBER && digits >= FEWEST_DIGITS
        || text.len() >= SHORTEST_CREDENTIAL && digits > 0
}
