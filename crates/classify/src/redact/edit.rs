//! Replacing spans where they stand: in a leaf, or in a layer that is then packed the way it was.

use super::{
    Found,
    placeholder::{Placeholder, Placeholders},
};
use crate::layers::{Layers, Origin};
use std::{collections::BTreeMap, ops::Range};

/// One replacement in one segment: by a placeholder, or by a run that was packed again.
#[derive(Clone, Debug)]
struct Edit {
    span: Range<usize>,
    placeholder: Placeholder,
    packed: Option<String>,
}

/// Replaces each span in its own layer and carries the change up to the leaves: the new text of every changed leaf.
pub(super) fn replace_spans(
    layers: &Layers<'_>,
    found: &[Found],
    placeholders: &Placeholders<'_>,
) -> BTreeMap<usize, String> {
    let mut edits = BTreeMap::<usize, Vec<Edit>>::new();
    for Found { located, placeholder } in found {
        let edit = Edit { span: located.found.span.clone(), placeholder: *placeholder, packed: None };
        edits.entry(located.segment).or_default().push(edit);
    }
    let mut leaves = BTreeMap::new();
    // Children stand after their parents, so the last segment is always done first.
    while let Some((index, own)) = edits.pop_last() {
        let Some(segment) = layers.segments.get(index) else { continue };
        let own = merge(own);
        match &segment.origin {
            Origin::Leaf(leaf) => {
                leaves.insert(*leaf, apply(&segment.text, &own, placeholders));
            }
            Origin::Revealed { parent, map } => {
                let is_percent = layers.segments.get(*parent).is_some_and(|p| p.text.contains('%'));
                edits.entry(*parent).or_default().extend(own.into_iter().map(|edit| {
                    let span = map.source_of(&edit.span);
                    Edit { span, packed: edit.packed.and_then(|run| cover(run, is_percent)), ..edit }
                }));
            }
            Origin::Unpacked { parent, packing } => {
                let Some(first) = own.first() else { continue };
                let packed = packing.pack(&apply(&segment.text, &own, placeholders));
                let edit = Edit { span: packing.run.clone(), placeholder: first.placeholder, packed };
                edits.entry(*parent).or_default().push(edit);
            }
            Origin::Joined(joined) => {
                for edit in own {
                    for (n, (source, span)) in joined.sources_of(&edit.span).into_iter().enumerate() {
                        // A packed run goes into the first piece; the others have nothing left to hold.
                        let packed = edit.packed.clone().map(|run| if n == 0 { run } else { String::new() });
                        let piece = Edit { span, placeholder: edit.placeholder, packed };
                        edits.entry(source).or_default().push(piece);
                    }
                }
            }
        }
    }
    leaves
}

fn apply(text: &str, edits: &[Edit], placeholders: &Placeholders<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in edits {
        out.push_str(text.get(copied..edit.span.start).unwrap_or_default());
        match &edit.packed {
            Some(packed) => out.push_str(packed),
            None => out.push_str(&placeholders.write(edit.placeholder)),
        }
        copied = edit.span.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Puts edits in order; those that overlap become one placeholder over both.
fn merge(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let mut merged: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match merged.last_mut() {
            Some(last) if edit.span.start < last.span.end => {
                last.span.end = last.span.end.max(edit.span.end);
                last.packed = None;
            }
            _ => merged.push(edit),
        }
    }
    merged
}

/// Makes a packed run safe inside a transparent layer; `None` where only a placeholder is.
fn cover(packed: String, is_percent: bool) -> Option<String> {
    if packed.contains(['\n', '\r']) {
        return None;
    }
    Some(if is_percent { packed.replace('+', "%2B") } else { packed })
}
