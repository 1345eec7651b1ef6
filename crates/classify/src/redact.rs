//! Redaction: exactly the found spans are replaced, in every layer, and the JSON keeps its shape and types.
//!
//! A string stays a string, in which each span becomes `[REDACTED:<detector>]`; a number that is a finding becomes `0`;
//! an encoded run is decoded, redacted and encoded again the same way, or replaced as a whole where that cannot be done.
//! What was redacted is classified again until nothing is left.

use crate::{
    classifier::{Classifier, Offsets},
    layers::{Layers, Origin},
    leaves::{CoveredKeys, Leaves, MAX_DEPTH, Role},
    marker::{FIELD, Markers},
    overlap::Located,
};
use interven_types::{Confidence, DataClass, Redaction};
use serde_json::{Map, Value};
use std::{borrow::Cow, collections::BTreeMap, collections::BTreeSet, ops::Range};

/// What has to go.
#[derive(Clone, Copy, Debug)]
pub struct RedactionPlan<'a> {
    pub classes: &'a BTreeSet<DataClass>,
    /// Findings below this stay.
    pub min_confidence: Confidence,
    /// JSON Pointers (RFC 6901) to blank whatever they hold.
    pub fields: &'a [String],
}

/// A body without what had to go.
#[derive(Clone, Debug, PartialEq)]
pub struct Redacted {
    pub body: Value,
    /// Sorted by path and start; paths and spans are those of the original body.
    pub redactions: Vec<Redaction>,
}

/// Rounds that replace spans; strings that still hold something are then replaced as a whole.
const PRECISE_ROUNDS: usize = 4;
const ALL_ROUNDS: usize = 8;

impl Classifier {
    /// Redacts `body`. Classifying the result finds nothing of the plan's classes at its confidence or above.
    /// Nesting deeper than 128 levels, which the gateway refuses, is not looked at.
    pub fn redact(&self, body: &Value, plan: &RedactionPlan<'_>) -> Redacted {
        let mut blanked = body.clone();
        let mut redactions: Vec<Redaction> =
            plan.fields.iter().filter_map(|field| blank_field(&mut blanked, field)).collect();
        let mut texts = BTreeMap::<usize, String>::new();
        let original = Leaves::of_body(&blanked);
        let mut found = Vec::<(usize, Redaction)>::new();
        let mut covered = CoveredKeys::new();
        for round in 0..ALL_ROUNDS {
            let mut leaves = Cow::Borrowed(&original);
            for (leaf, text) in &texts {
                if let Some(leaf) = leaves.to_mut().list.get_mut(*leaf) {
                    leaf.text = Cow::Owned(text.clone());
                }
            }
            let layers = Layers::of(&leaves);
            let mut located = self.locate(&leaves, &layers, None);
            located.retain(|l| {
                let class = self.detectors().get(l.found.detector).map(|d| d.class);
                l.found.confidence >= plan.min_confidence && class.is_some_and(|c| plan.classes.contains(&c))
            });
            if located.is_empty() {
                break;
            }
            let is_precise = round < PRECISE_ROUNDS;
            let changed = if is_precise {
                self.replace_spans(&layers, &located)
            } else {
                self.replace_strings(&located)
            };
            found.extend(self.describe_redactions(&original, &located, round == 0));
            for (leaf, marker) in self.replace_strings(&located) {
                original.cover(leaf, || marker, &mut covered);
            }
            for (leaf, text) in changed {
                let is_number = leaves.list.get(leaf).is_some_and(|l| l.role == Role::Number);
                texts.insert(leaf, if is_number { "0".to_owned() } else { text });
            }
        }
        // Only now is it known which keys of a path are shown.
        redactions.extend(
            found
                .into_iter()
                .map(|(leaf, redaction)| Redaction { path: original.pointer(leaf, &covered), ..redaction }),
        );
        let body =
            if texts.is_empty() { blanked } else { rebuild(&blanked, 0, &mut Rebuild { texts, next: 0 }) };
        redactions.sort_by(|a, b| {
            (&a.path, a.start, a.end, &a.detector).cmp(&(&b.path, b.start, b.end, &b.detector))
        });
        redactions.dedup();
        Redacted { body, redactions }
    }

    fn marker(&self, detector: usize) -> String {
        Markers::write(self.detectors().get(detector).map_or(FIELD, |d| d.id.as_str()))
    }

    /// Replaces each span in its own layer and carries the change up to the leaves.
    fn replace_spans(&self, layers: &Layers<'_>, located: &[Located]) -> BTreeMap<usize, String> {
        let mut edits = BTreeMap::<usize, Vec<Edit>>::new();
        for hit in located {
            let edit = Edit { span: hit.found.span.clone(), detector: hit.found.detector, recoded: None };
            edits.entry(hit.segment).or_default().push(edit);
        }
        let mut leaves = BTreeMap::new();
        // Children stand after their parents, so the last segment is always done first.
        while let Some((index, own)) = edits.pop_last() {
            let Some(segment) = layers.segments.get(index) else { continue };
            let own = merge(own);
            match &segment.origin {
                Origin::Leaf(leaf) => {
                    leaves.insert(*leaf, self.apply(&segment.text, &own));
                }
                Origin::Revealed { parent, map } => {
                    let is_percent = layers.segments.get(*parent).is_some_and(|p| p.text.contains('%'));
                    edits.entry(*parent).or_default().extend(own.into_iter().map(|edit| {
                        let span = map.source_of(&edit.span);
                        Edit { span, recoded: edit.recoded.and_then(|r| cover(r, is_percent)), ..edit }
                    }));
                }
                Origin::Unpacked { parent, packing } => {
                    let detector = own.first().map_or(0, |e| e.detector);
                    let recoded = packing.pack(&self.apply(&segment.text, &own));
                    edits.entry(*parent).or_default().push(Edit {
                        span: packing.run.clone(),
                        detector,
                        recoded,
                    });
                }
                Origin::Joined(joined) => {
                    for edit in own {
                        for (n, (leaf, span)) in joined.sources_of(&edit.span).enumerate() {
                            // A recoded run goes into the first piece; the others have nothing left to hold.
                            let recoded =
                                edit.recoded.clone().map(|r| if n == 0 { r } else { String::new() });
                            edits.entry(leaf).or_default().push(Edit {
                                span,
                                detector: edit.detector,
                                recoded,
                            });
                        }
                    }
                }
            }
        }
        leaves
    }

    /// Replaces every string that holds a finding, as a whole.
    fn replace_strings(&self, located: &[Located]) -> BTreeMap<usize, String> {
        let sources =
            located.iter().flat_map(|l| l.sources.iter().map(|(leaf, _)| (*leaf, l.found.detector)));
        sources.map(|(leaf, detector)| (leaf, self.marker(detector))).collect()
    }

    fn apply(&self, text: &str, edits: &[Edit]) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for edit in edits {
            out.push_str(text.get(copied..edit.span.start).unwrap_or_default());
            match &edit.recoded {
                Some(recoded) => out.push_str(recoded),
                None => out.push_str(&self.marker(edit.detector)),
            }
            copied = edit.span.end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        out
    }

    /// What went, by leaf; the path is still empty. Later rounds see a changed text, so all they can say of the original is the whole string.
    fn describe_redactions(
        &self,
        original: &Leaves<'_>,
        located: &[Located],
        is_first: bool,
    ) -> Vec<(usize, Redaction)> {
        let mut offsets = Offsets::default();
        let mut redactions = Vec::new();
        for hit in located {
            let Some(detector) = self.detectors().get(hit.found.detector) else { continue };
            for (leaf, span) in &hit.sources {
                let Some(source) = original.list.get(*leaf) else { continue };
                let span = if is_first {
                    offsets.count(*leaf, &source.text, span)
                } else {
                    0..source.text.chars().count()
                };
                let redaction = Redaction {
                    path: String::new(),
                    class: Some(detector.class),
                    detector: detector.id.clone(),
                    start: span.start,
                    end: span.end,
                };
                redactions.push((*leaf, redaction));
            }
        }
        redactions
    }
}

/// One replacement in one segment: by the detector's marker, or by a run encoded again.
#[derive(Clone, Debug)]
struct Edit {
    span: Range<usize>,
    detector: usize,
    recoded: Option<String>,
}

/// Puts edits in order; those that overlap become one marker over both.
fn merge(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_by_key(|e| (e.span.start, e.span.end));
    let mut merged: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match merged.last_mut() {
            Some(last) if edit.span.start < last.span.end => {
                last.span.end = last.span.end.max(edit.span.end);
                last.recoded = None;
            }
            _ => merged.push(edit),
        }
    }
    merged
}

/// Makes a recoded run safe inside a transparent layer; `None` where only a marker is.
fn cover(recoded: String, is_percent: bool) -> Option<String> {
    if recoded.contains(['\n', '\r']) {
        return None;
    }
    Some(if is_percent { recoded.replace('+', "%2B") } else { recoded })
}

/// Blanks what a JSON Pointer names, by type.
fn blank_field(body: &mut Value, pointer: &str) -> Option<Redaction> {
    let target = body.pointer_mut(pointer)?;
    let len = target.as_str().map_or(0, |s| s.chars().count());
    *target = match target {
        Value::Null => Value::Null,
        Value::Bool(_) => Value::Bool(false),
        Value::Number(_) => Value::from(0),
        Value::String(_) => Value::String(Markers::write(FIELD)),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
    };
    Some(Redaction { path: pointer.to_owned(), class: None, detector: FIELD.to_owned(), start: 0, end: len })
}

/// The changed leaves, and the leaf that comes next; leaves come in the order of [`Leaves::of_body`].
struct Rebuild {
    texts: BTreeMap<usize, String>,
    next: usize,
}

impl Rebuild {
    fn take(&mut self) -> Option<String> {
        let text = self.texts.remove(&self.next);
        self.next += 1;
        text
    }
}

fn rebuild(value: &Value, depth: usize, changes: &mut Rebuild) -> Value {
    match value {
        _ if depth > MAX_DEPTH => value.clone(),
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) => changes.take().map_or_else(|| value.clone(), |_| Value::from(0)),
        Value::String(_) => changes.take().map_or_else(|| value.clone(), Value::String),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| rebuild(item, depth + 1, changes)).collect())
        }
        Value::Object(members) => {
            let mut out = Map::new();
            let mut copies = BTreeMap::<String, usize>::new();
            for (old, member) in members {
                let changed = changes.take();
                let member = rebuild(member, depth + 1, changes);
                let key = match changed {
                    None => old.clone(),
                    // Two keys may become the same marker: each keeps its member.
                    Some(key) => loop {
                        let copy = copies.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
                        let unique = if *copy == 1 { key.clone() } else { format!("{key}_{copy}") };
                        if !out.contains_key(&unique) && !members.contains_key(&unique) {
                            break unique;
                        }
                    },
                };
                out.insert(key, member);
            }
            Value::Object(out)
        }
    }
}
