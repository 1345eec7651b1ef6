//! Many segments as one text, so that one pass searches them all and labels stand beside their values.

use super::{Layers, Origin, Segment, runs};
use crate::leaves::{Leaves, Role};
use interven_types::Place;
use std::ops::Range;

/// The segments of one level, written as `"key": "value"` lines.
#[derive(Debug)]
pub(crate) struct Flat {
    pub(crate) text: String,
    /// Where each segment starts, in rising order.
    starts: Vec<usize>,
    /// The segment that starts first; the others follow in their order.
    first: usize,
    /// Whether its segments were put together on the mere chance that their pieces are one value.
    pub(crate) is_loose: bool,
}

impl Flat {
    /// Lays out the segments of `range`, all of which are loose or none.
    pub(crate) fn of(segments: &[Segment<'_>], range: Range<usize>, leaves: &Leaves<'_>) -> Self {
        let first = range.start;
        let segments = segments.get(range).unwrap_or_default();
        let is_loose = segments.first().is_some_and(Segment::is_loose);
        let size = segments.iter().map(|s| s.text.len() + s.label.len() + 8).sum();
        let mut flat = Self {
            text: String::with_capacity(size),
            starts: Vec::with_capacity(segments.len()),
            first,
            is_loose,
        };
        for segment in segments {
            let is_header = segment.role == Role::Text
                && matches!(segment.origin, Origin::Leaf(leaf) if matches!(leaves.place(leaf), Place::Header(_)));
            // A leaf's key stands right before it; layers, headers and cells of tables bring their label along.
            let has_key = matches!(segment.origin, Origin::Leaf(leaf) if !leaves.is_cell(leaf));
            let (open, close) = match segment.role {
                Role::Key => ("\"", "\": "),
                Role::Number => ("", "\n"),
                Role::Text if segment.label.is_empty() || is_header => ("", "\n"),
                Role::Text => ("\"", "\"\n"),
            };
            if is_header {
                flat.text.push_str(segment.label);
                flat.text.push_str(": ");
            } else if !has_key && !segment.label.is_empty() {
                flat.text.push('"');
                flat.text.push_str(segment.label);
                flat.text.push_str("\": ");
            }
            flat.text.push_str(open);
            flat.starts.push(flat.text.len());
            flat.text.push_str(&segment.text);
            flat.text.push_str(close);
        }
        flat
    }

    /// The segment that holds all of `span`, and the span within it.
    pub(crate) fn locate(&self, span: &Range<usize>, layers: &Layers<'_>) -> Option<(usize, Range<usize>)> {
        let rank = self.rank_of(span.start)?;
        let start = *self.starts.get(rank)?;
        let segment = self.first + rank;
        let len = layers.segments.get(segment)?.text.len();
        (span.end <= start + len).then(|| (segment, span.start - start..span.end - start))
    }

    /// The segments of this level.
    pub(crate) fn segments(&self) -> Range<usize> {
        self.first..self.first + self.starts.len()
    }

    /// The ranks that lie within `reach` bytes of those in `ranks`.
    pub(crate) fn around(&self, ranks: &Range<usize>, reach: usize) -> Range<usize> {
        let start_of = |rank: usize| self.starts.get(rank).copied().unwrap_or(self.text.len());
        let from = start_of(ranks.start).saturating_sub(reach);
        let to = start_of(ranks.end) + reach;
        self.rank_of(from).unwrap_or(0)..self.starts.partition_point(|start| *start < to)
    }

    /// Segments that may hold another layer: an escape, a character beyond ASCII, or a long run. Looks at many bytes at
    /// once, and no further at a segment once it is suspect, so that what holds no layer costs next to nothing.
    pub(crate) fn find_suspects(&self) -> Vec<usize> {
        let bytes = self.text.as_bytes();
        let mut suspects = Vec::new();
        for find in [find_escape, find_beyond_ascii, runs::find_long] {
            let mut at = 0;
            while let Some(found) = find(bytes, at) {
                // What stands before the first segment is a label.
                let rank = self.rank_of(found);
                suspects.extend(rank.map(|rank| self.first + rank));
                at = match self.starts.get(rank.map_or(0, |rank| rank + 1)) {
                    Some(next) => *next,
                    None => break,
                };
            }
        }
        suspects.sort_unstable();
        suspects.dedup();
        suspects
    }

    /// Which of the segments `at` lies in or after.
    fn rank_of(&self, at: usize) -> Option<usize> {
        self.starts.partition_point(|start| *start <= at).checked_sub(1)
    }
}

fn find_escape(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr3(b'\\', b'%', b'&', bytes.get(from..)?).map(|at| from + at)
}

fn find_beyond_ascii(bytes: &[u8], from: usize) -> Option<usize> {
    const STRIDE: usize = 64;
    let rest = bytes.get(from..)?;
    let chunk = rest.chunks(STRIDE).position(|chunk| !chunk.is_ascii())? * STRIDE;
    rest.get(chunk..)?.iter().position(|b| !b.is_ascii()).map(|at| from + chunk + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn suspects_are_the_segments_with_another_layer() {
        let long = "x".repeat(40);
        let body = json!(["plain words", "100%25", r"gr\u00fc", "ü", "short", format!("a {long}"), "R&D", 7]);
        let leaves = Leaves::of_body(&body);
        let layers = Layers::of(&leaves);
        assert_eq!(layers.levels[0].find_suspects(), [1, 2, 3, 5, 6]);
    }
}
