//! Many segments as one text, so that one pass searches them all and labels stand beside their values.

use super::{Layers, Origin};
use crate::leaves::{Leaves, Role};
use interven_types::Place;
use std::ops::Range;

/// The segments of one level, written as `"key": "value"` lines.
pub(crate) struct Flat {
    pub(crate) text: String,
    /// Where each segment starts, in rising order.
    starts: Vec<(usize, usize)>,
}

impl Flat {
    pub(crate) fn of(layers: &Layers<'_>, level: &Range<usize>, leaves: &Leaves<'_>) -> Self {
        let segments = layers.segments.get(level.clone()).unwrap_or_default();
        let size = segments.iter().map(|s| s.text.len() + s.label.len() + 8).sum();
        let mut flat = Self { text: String::with_capacity(size), starts: Vec::with_capacity(segments.len()) };
        for (offset, segment) in segments.iter().enumerate() {
            let index = level.start + offset;
            let is_header = matches!(segment.origin, Origin::Leaf(leaf) if matches!(leaves.place(leaf), Place::Header(_)));
            let is_leaf = matches!(segment.origin, Origin::Leaf(_));
            // A leaf's key stands right before it; layers and headers bring their label along.
            let (open, close) = match segment.role {
                Role::Key => ("\"", "\": "),
                Role::Number => ("", "\n"),
                Role::Text if segment.label.is_empty() || is_header => ("", "\n"),
                Role::Text => ("\"", "\"\n"),
            };
            if is_header {
                flat.text.push_str(segment.label);
                flat.text.push_str(": ");
            } else if !is_leaf && !segment.label.is_empty() {
                flat.text.push('"');
                flat.text.push_str(segment.label);
                flat.text.push_str("\": ");
            }
            flat.text.push_str(open);
            flat.starts.push((flat.text.len(), index));
            flat.text.push_str(&segment.text);
            flat.text.push_str(close);
        }
        flat
    }

    /// The segment that holds all of `span`, and the span within it.
    pub(crate) fn locate(&self, span: &Range<usize>, layers: &Layers<'_>) -> Option<(usize, Range<usize>)> {
        let after = self.starts.partition_point(|(start, _)| *start <= span.start);
        let (start, segment) = after.checked_sub(1).and_then(|i| self.starts.get(i)).copied()?;
        let len = layers.segments.get(segment)?.text.len();
        (span.end <= start + len).then(|| (segment, span.start - start..span.end - start))
    }
}
