//! A text put together from parts of other texts, with the way back to each.

use super::{Origin, Segment};
use crate::leaves::Role;
use std::ops::Range;

/// Parts of one segment that lie this near are one span of it, so that a value with glue inside is replaced as a whole.
const NEAR: usize = 16;

/// Between two values of one text: it ends every token and every encoded run.
const BREAK: &str = " \n";

/// A call can make a hundred thousand of them, so they are small.
#[derive(Debug)]
struct Part {
    out: Narrow,
    source: Narrow,
    segment: u32,
    writing: Writing,
}

/// A range of a text shorter than 4 GiB.
#[derive(Clone, Copy, Debug)]
struct Narrow {
    start: u32,
    end: u32,
}

/// How the source of a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// As it is.
    Plain,
    /// As the code of one character.
    Code,
    /// In groups of so many bytes, with so many between: a row of thousands is one part.
    Groups { len: u8, gap: u8 },
}

impl Narrow {
    fn of(range: Range<usize>) -> Self {
        Self { start: narrow(range.start), end: narrow(range.end) }
    }

    fn start(self) -> usize {
        widen(self.start)
    }

    fn end(self) -> usize {
        widen(self.end)
    }
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn widen(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl Part {
    fn new(segment: usize, out: Range<usize>, source: Range<usize>, writing: Writing) -> Self {
        Self { out: Narrow::of(out), source: Narrow::of(source), segment: narrow(segment), writing }
    }

    fn segment(&self) -> usize {
        widen(self.segment)
    }

    /// What of `span` lies in this part, from its start.
    fn within(&self, span: &Range<usize>) -> Range<usize> {
        let (start, end) = (self.out.start(), self.out.end());
        span.start.max(start) - start..span.end.min(end) - start
    }

    /// Whether `span` of the text takes in more than one group of this row.
    fn is_across_groups(&self, span: &Range<usize>) -> bool {
        let Writing::Groups { len, .. } = self.writing else { return false };
        let (span, len) = (self.within(span), usize::from(len.max(1)));
        !span.is_empty() && span.start / len < (span.end - 1) / len
    }

    /// Where `span` of the text, as far as it lies in this part, stands in the source.
    fn source_of(&self, span: &Range<usize>) -> Range<usize> {
        let span = self.within(span);
        let start = self.source.start();
        match self.writing {
            Writing::Plain => start + span.start..start + span.end,
            Writing::Code => start..self.source.end(),
            Writing::Groups { len, gap } => {
                let place = |at: usize| start + at + at / usize::from(len.max(1)) * usize::from(gap);
                place(span.start)..span.end.checked_sub(1).map_or(start, |last| place(last) + 1)
            }
        }
    }
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
        let mut parts = self.parts_of(span);
        let first = parts.next();
        parts.next().is_some() || first.is_some_and(|part| part.is_across_groups(span))
    }

    fn parts_of(&self, span: &Range<usize>) -> impl Iterator<Item = &Part> {
        let first = self.parts.partition_point(|p| p.out.end() <= span.start);
        let end = span.end;
        self.parts.iter().skip(first).take_while(move |p| p.out.start() < end)
    }

    /// The spans of segments that `span` came from; parts that lie near each other are one.
    pub(crate) fn sources_of(&self, span: &Range<usize>) -> Vec<(usize, Range<usize>)> {
        let mut sources: Vec<(usize, Range<usize>)> =
            self.parts_of(span).map(|part| (part.segment(), part.source_of(span))).collect();
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
        self.parts.first().map(Part::segment)
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
        self.pieces.parts.push(Part::new(segment, from..self.text.len(), source, Writing::Plain));
    }

    /// Appends a row that stands at `start` of `segment`: groups of `len` bytes, with `gap` bytes between that are left out.
    pub(crate) fn add_row(&mut self, segment: usize, row: &str, start: usize, len: u8, gap: u8) {
        let from = self.text.len();
        let (width, stride) = (usize::from(len), usize::from(len.max(1)) + usize::from(gap));
        let mut at = 0;
        while at < row.len() {
            self.text.push_str(row.get(at..row.len().min(at + width)).unwrap_or_default());
            at += stride;
        }
        let (out, source) = (from..self.text.len(), start..start + row.len());
        self.pieces.parts.push(Part::new(segment, out, source, Writing::Groups { len, gap }));
    }

    /// Appends the character that `source` of `segment` is the code of.
    pub(crate) fn add_char(&mut self, segment: usize, c: char, source: Range<usize>) {
        let from = self.text.len();
        self.text.push(c);
        self.pieces.parts.push(Part::new(segment, from..self.text.len(), source, Writing::Code));
        self.pieces.is_sure = true;
    }

    /// Ends a value that began at `from` of the text; keeps it when it has more than one part and passes.
    pub(crate) fn close(&mut self, from: usize, is_worth: impl Fn(&str) -> bool) {
        let first = self.pieces.parts.partition_point(|p| p.out.start() < from);
        let value = self.text.get(from..).unwrap_or_default();
        let parts = self.pieces.parts.get(first..).unwrap_or_default();
        if !is_together(parts) || !is_worth(value) {
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

    /// Leaves out what follows the first `most` bytes; answers whether something did.
    pub(crate) fn cut(&mut self, most: usize) -> bool {
        let is_longer = self.text.len() > most;
        if is_longer {
            self.text.truncate(self.text.floor_char_boundary(most));
            let len = narrow(self.text.len());
            self.pieces.parts.retain_mut(|part| {
                part.out.end = part.out.end.min(len);
                part.out.start < len
            });
        }
        is_longer
    }

    pub(crate) fn into_segment<'l>(mut self, label: &'l str) -> Option<Segment<'l>> {
        if !is_together(&self.pieces.parts) {
            return None;
        }
        if self.text.ends_with(BREAK) {
            self.text.truncate(self.text.len() - BREAK.len());
        }
        let origin = Origin::Joined(Box::new(self.pieces));
        Some(Segment { text: self.text.into(), label, role: Role::Text, origin })
    }
}

/// Whether parts are more than one stretch of one text.
fn is_together(parts: &[Part]) -> bool {
    match parts {
        [] => false,
        [part] => matches!(part.writing, Writing::Groups { .. }),
        _ => true,
    }
}

/// Shortest text that is a value: a number of a person.
pub(crate) const SHORTEST_VALUE: usize = 9;

/// Whether an assembled text is long enough for a number of a person, or, with fewer digits, for a credential.
pub(crate) fn may_hold_value(text: &str) -> bool {
    const FEWEST_DIGITS: usize = 4;
    const SHORTEST_CREDENTIAL: usize = 20;
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.len() >= SHORTEST_VALUE && digits >= FEWEST_DIGITS || text.len() >= SHORTEST_CREDENTIAL && digits > 0
}
