//! Redaction: exactly the found values are replaced, in every layer, and the JSON keeps its shape and types.
//!
//! ```text
//! findings ─► wanted ─► echoes ─► placeholders ─► edits, packed again ─► what is near, read again ─┐
//!               ▲      (the same   (who is who)                                                    │
//!               └──────value, bare)──────────────── until nothing is left ─────────────────────────┘
//! ```
//!
//! A string stays a string, in which each value becomes its placeholder; a number that is a finding becomes `0`, the one
//! number that every reader of the field can still parse; an encoded run is decoded, redacted and encoded again the same
//! way, or replaced as a whole where that cannot be done.

mod echo;
mod edit;
mod field;
mod nearby;
mod placeholder;
mod rebuild;

use crate::{
    classifier::{Classifier, Findings, Offsets, Reading},
    exceptions::Reach,
    leaves::{CoveredKeys, Leaves, Role},
    marker::{FIELD, Markers},
    overlap::{Located, resolve},
};
use echo::Echoes;
use edit::replace_spans;
use field::Fields;
use interven_types::{Confidence, DataClass, Redaction};
use nearby::{Marks, is_marked, spread};
use placeholder::{Placeholder, Placeholders};
use rebuild::rebuild;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redacted {
    pub body: Value,
    /// Sorted by path and start; paths and spans are those of the original body.
    pub redactions: Vec<Redaction>,
    /// How many paths hold something else than before. A member whose key and value both changed is one.
    pub changed_fields: usize,
}

/// Rounds that replace spans; strings that still hold something are then replaced as a whole.
const PRECISE_ROUNDS: usize = 4;
const ALL_ROUNDS: usize = 8;

impl Classifier {
    /// Redacts a body that has not been classified yet, as [`Self::redact_found`] does.
    pub fn redact(&self, body: &Value, plan: &RedactionPlan<'_>) -> Redacted {
        self.redact_reading(&self.read(Leaves::of_body(body), None), Some(body), plan)
    }

    /// Redacts the body, or the text, in which `found` was found. Classifying the result finds nothing of the plan's
    /// classes at its confidence or above, and redacting it again changes nothing. Nesting deeper than 128 levels, which
    /// the gateway refuses, is not looked at.
    pub fn redact_found(&self, found: &Findings<'_>, plan: &RedactionPlan<'_>) -> Redacted {
        match &found.reading {
            Some(reading) => self.redact_reading(reading, found.body, plan),
            None => Redacted::default(),
        }
    }

    fn redact_reading(
        &self,
        reading: &Reading<'_>,
        body: Option<&Value>,
        plan: &RedactionPlan<'_>,
    ) -> Redacted {
        let mut work = Work {
            classifier: self,
            plan,
            original: reading,
            fields: Fields::find(&reading.leaves, plan.fields),
            placeholders: Placeholders::after(&reading.layers, self.detectors(), self.markers()),
            echoes: Echoes::default(),
            texts: BTreeMap::new(),
            covered: CoveredKeys::new(),
            redactions: Vec::new(),
        };
        work.run();
        work.finish(body)
    }
}

/// A finding, and what is to stand in its place.
struct Found {
    located: Located,
    placeholder: Placeholder,
}

/// Some leaves of the original, as changed so far, and what is found in them.
struct Part<'r> {
    reading: Reading<'r>,
    /// Where each leaf stands in the original.
    leaves: Vec<usize>,
    /// Leaves of the original whose surroundings are all here; of the others, too little is.
    is_near: Marks,
}

/// Redacting one body.
struct Work<'c, 'r> {
    classifier: &'c Classifier,
    plan: &'r RedactionPlan<'r>,
    original: &'r Reading<'r>,
    fields: Fields,
    placeholders: Placeholders<'c>,
    echoes: Echoes,
    /// New texts, by leaf of the original.
    texts: BTreeMap<usize, String>,
    covered: CoveredKeys,
    /// What went, by leaf; the paths are filled in when it is known which keys they show.
    redactions: Vec<(usize, Redaction)>,
}

impl<'r> Work<'_, 'r> {
    fn run(&mut self) {
        self.empty_fields();
        let mut part: Option<Part<'_>> = None;
        for round in 0..ALL_ROUNDS {
            let reading = part.as_ref().map_or(self.original, |part| &part.reading);
            let (found, is_all_known) = self.collect(reading, part.as_ref());
            // Words in a field may have told that a value beside it is none: without them, it may be.
            let is_settled = round > 0 || self.fields.steps().is_empty();
            if found.is_empty() && is_settled {
                break;
            }
            self.describe(&found, part.as_ref());
            let changed = if round < PRECISE_ROUNDS {
                replace_spans(&reading.layers, &found, &self.placeholders)
            } else {
                self.replace_strings(&found)
            };
            for (leaf, text) in changed {
                let is_number = reading.leaves.list.get(leaf).is_some_and(|l| l.role == Role::Number);
                let text = if is_number { "0".to_owned() } else { text };
                self.texts.insert(origin_of(part.as_ref(), leaf), text);
            }
            // A value that is only known now may stand anywhere.
            let is_everywhere = round > 0 && !is_all_known;
            part = Some(self.read_again(is_everywhere));
        }
    }

    /// What has to go from `reading`, by first appearance; and whether none of it was news to the echoes.
    fn collect(&mut self, reading: &Reading<'_>, part: Option<&Part<'_>>) -> (Vec<Found>, bool) {
        let detectors = self.classifier.detectors();
        let mut is_all_known = true;
        let mut located = Vec::new();
        for hit in &reading.located {
            let Some(detector) = detectors.get(hit.found.detector) else { continue };
            if hit.found.confidence < self.plan.min_confidence || !self.plan.classes.contains(&detector.class)
            {
                continue;
            }
            is_all_known &= !self.echoes.learn(&hit.found, detector, reading.value_of(hit));
            if self.is_open(hit, part) {
                located.push(hit.clone());
            }
        }
        let mut echoes = self.echoes.find(&reading.layers, &located, self.classifier.markers());
        let excepted = Reach::of(&reading.excepted);
        echoes.retain(|echo| self.is_open(echo, part) && excepted.over(echo).is_none());
        if !echoes.is_empty() {
            located.append(&mut echoes);
            located = resolve(located, detectors, &reading.layers);
        }
        located.sort_by_key(|hit| {
            let first = hit.sources.first().map(|(leaf, span)| (*leaf, span.start));
            (first, hit.segment, hit.found.span.start, hit.found.span.end)
        });
        (self.name(reading, located), is_all_known)
    }

    /// Whether a finding lies where it can be judged, and not in a field that is blanked anyway.
    fn is_open(&self, hit: &Located, part: Option<&Part<'_>>) -> bool {
        hit.sources.iter().any(|(leaf, _)| {
            let leaf = origin_of(part, *leaf);
            part.is_none_or(|part| is_marked(&part.is_near, leaf))
                && !self.fields.holds(&self.original.leaves, leaf)
        })
    }

    fn name(&mut self, reading: &Reading<'_>, located: Vec<Located>) -> Vec<Found> {
        let mut found = Vec::<Found>::with_capacity(located.len());
        for located in located {
            // Of findings that overlap, one placeholder is shown.
            let shared = found.last().filter(|last| {
                last.located.segment == located.segment
                    && located.found.span.start < last.located.found.span.end
            });
            let placeholder = match shared {
                Some(last) => last.placeholder,
                None => self.placeholders.name(located.found.detector, reading.value_of(&located)),
            };
            found.push(Found { located, placeholder });
        }
        found
    }

    /// Replaces every string that holds a finding, as a whole.
    fn replace_strings(&self, found: &[Found]) -> BTreeMap<usize, String> {
        let of_leaves = |found: &Found| {
            let marker = self.placeholders.write(found.placeholder);
            let leaves: Vec<_> =
                found.located.sources.iter().map(|(leaf, _)| (*leaf, marker.clone())).collect();
            leaves
        };
        found.iter().flat_map(of_leaves).collect()
    }

    /// Reads what changed again, and what it can have changed the meaning of.
    fn read_again(&self, is_everywhere: bool) -> Part<'r> {
        let original = self.original;
        let mut changed: Marks = vec![is_everywhere; original.leaves.list.len()];
        for leaf in self.texts.keys() {
            if let Some(mark) = changed.get_mut(*leaf) {
                *mark = true;
            }
        }
        let is_near = spread(original, &changed);
        let (leaves, origins) = original.leaves.select(&spread(original, &is_near), &self.texts);
        Part { reading: self.classifier.read(leaves, None), leaves: origins, is_near }
    }
}

/// The leaf of the original that `leaf` of a part is.
fn origin_of(part: Option<&Part<'_>>, leaf: usize) -> usize {
    part.map_or(Some(leaf), |part| part.leaves.get(leaf).copied()).unwrap_or(usize::MAX)
}

/// Telling what went.
impl Work<'_, '_> {
    /// Takes away what fields hold, and tells what is found in them, of any class: why it was right to blank them.
    fn empty_fields(&mut self) {
        if self.fields.steps().is_empty() {
            return;
        }
        let original = self.original;
        let held = (0..original.leaves.list.len()).filter(|leaf| self.fields.holds(&original.leaves, *leaf));
        self.texts = held.map(|leaf| (leaf, String::new())).collect();
        let mut offsets = Offsets::default();
        for hit in original.located.iter().filter(|l| l.found.confidence >= self.plan.min_confidence) {
            for (leaf, span) in hit.sources.iter() {
                if let Some(source) = original.leaves.list.get(*leaf)
                    && self.fields.holds(&original.leaves, *leaf)
                {
                    self.note(*leaf, hit.found.detector, offsets.count(*leaf, &source.text, span));
                }
            }
        }
    }

    /// What is replaced in this round. Of a string that changed before, only the whole can be told.
    fn describe(&mut self, found: &[Found], part: Option<&Part<'_>>) {
        let original = self.original;
        let mut offsets = Offsets::default();
        for Found { located, placeholder } in found {
            let sources: Vec<_> =
                located.sources.iter().map(|(leaf, span)| (origin_of(part, *leaf), span.clone())).collect();
            for (leaf, span) in original.leaves.tellable(&sources) {
                let leaf = *leaf;
                let Some(source) = original.leaves.list.get(leaf) else { continue };
                if self.fields.holds(&original.leaves, leaf) {
                    continue;
                }
                let whole = 0..source.text.len();
                let span = if self.texts.contains_key(&leaf) { &whole } else { span };
                let span = offsets.count(leaf, &source.text, span);
                self.note(leaf, located.found.detector, span);
                original.leaves.cover(leaf, || self.placeholders.write(*placeholder), &mut self.covered);
            }
        }
    }

    fn note(&mut self, leaf: usize, detector: usize, span: std::ops::Range<usize>) {
        let Some(detector) = self.classifier.detectors().get(detector) else { return };
        let redaction = Redaction {
            path: String::new(),
            class: Some(detector.class),
            detector: detector.id.clone(),
            start: span.start,
            end: span.end,
        };
        self.redactions.push((leaf, redaction));
    }

    fn finish(mut self, body: Option<&Value>) -> Redacted {
        let leaves = &self.original.leaves;
        // A key that stays in the body may still not be told.
        for hit in &self.original.located {
            for (leaf, _) in hit.sources.iter() {
                let id = self.classifier.detectors().get(hit.found.detector).map_or(FIELD, |d| d.id.as_str());
                leaves.cover(*leaf, || Markers::write(id, 1), &mut self.covered);
            }
        }
        let mut redactions = self.blanked_fields();
        redactions.extend(
            std::mem::take(&mut self.redactions).into_iter().map(|(leaf, redaction)| Redaction {
                path: leaves.pointer(leaf, &self.covered),
                ..redaction
            }),
        );
        redactions.sort_by(|a, b| {
            (&a.path, a.start, a.end, &a.detector).cmp(&(&b.path, b.start, b.end, &b.detector))
        });
        redactions.dedup();

        let outside = self.texts.keys().filter(|leaf| !self.fields.holds(leaves, **leaf));
        let steps: BTreeSet<usize> = outside.map(|leaf| leaves.field_of(*leaf)).collect();
        let blanked = self.fields.steps().iter().filter(|step| !steps.contains(step)).count();
        let changed_fields = steps.len() + blanked;
        let body = match body {
            Some(body) => rebuild(body, self.texts, &self.fields),
            None => {
                let text = leaves.list.first().map(|leaf| leaf.text.to_string());
                Value::from(self.texts.remove(&0).or(text))
            }
        };
        Redacted { body, redactions, changed_fields }
    }

    fn blanked_fields(&self) -> Vec<Redaction> {
        let leaves = &self.original.leaves;
        let texts =
            leaves.list.iter().filter(|leaf| leaf.role == Role::Text && self.fields.is_field(leaf.step));
        let lengths: BTreeMap<usize, usize> =
            texts.map(|leaf| (leaf.step, leaf.text.chars().count())).collect();
        let blanked = |step: &usize| Redaction {
            path: leaves.pointer_at(*step, &self.covered),
            class: None,
            detector: FIELD.to_owned(),
            start: 0,
            end: lengths.get(step).copied().unwrap_or_default(),
        };
        self.fields.steps().iter().map(blanked).collect()
    }
}
