//! One value, one hit: of matches that overlap within a class, the most specific stays.

use crate::{
    detectors::{Detector, Origin},
    layers::Layers,
    matcher::Match,
};
use interven_types::{Confidence, DataClass};
use std::{cmp::Reverse, collections::BTreeMap, ops::Range};

/// A match with its segment.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) segment: usize,
    pub(crate) found: Match,
    /// Leaves, and the bytes of each, that the match came from. More than one for a value cut into pieces.
    pub(crate) sources: Vec<(usize, Range<usize>)>,
}

impl Located {
    fn claimant(&self) -> Claimant {
        Claimant { segment: self.segment, span: self.found.span.clone(), is_across: self.sources.len() > 1 }
    }
}

/// Who claimed a range: a match, by its place.
#[derive(Clone, Debug)]
struct Claimant {
    segment: usize,
    span: Range<usize>,
    /// Whether it lies across leaves.
    is_across: bool,
}

impl Claimant {
    /// Whether both stand for different values although their sources overlap. An encoded run is claimed as a whole, so a
    /// value in runs that are also read as one may claim a run with a value of its own.
    fn is_apart_from(&self, other: &Self, layers: &Layers<'_>) -> bool {
        let text_of = |c: &Self| layers.segments.get(c.segment).and_then(|s| s.text.get(c.span.clone()));
        let (Some(own), Some(others)) = (text_of(self), text_of(other)) else { return false };
        self.is_across != other.is_across && !own.contains(others) && !others.contains(own)
    }
}

/// Ranges that do not overlap, each with who claimed it.
#[derive(Default)]
struct Claims(BTreeMap<usize, (usize, Claimant)>);

impl Claims {
    /// Who claimed something that overlaps `span`.
    fn owner_of(&self, span: &Range<usize>) -> Option<&Claimant> {
        let (_, (end, owner)) = self.0.range(..span.end.max(span.start + 1)).next_back()?;
        (*end > span.start).then_some(owner)
    }

    fn claim(&mut self, span: &Range<usize>, owner: Claimant) {
        self.0.insert(span.start, (span.end, owner));
    }
}

/// Keeps the most specific of overlapping matches of a class: a provider's or a tenant's own over generic, then confidence,
/// then one of a single leaf, then length.
pub(crate) fn resolve(mut all: Vec<Located>, detectors: &[Detector], layers: &Layers<'_>) -> Vec<Located> {
    if are_apart(&all) {
        return all;
    }
    let class_of = |l: &Located| detectors.get(l.found.detector).map_or(DataClass::Internal, |d| d.class);
    all.sort_by_cached_key(|l| {
        (Reverse(rank(l, detectors)), l.segment, l.found.span.start, l.found.detector)
    });

    let mut inside_segment = BTreeMap::<(usize, DataClass), Claims>::new();
    let mut inside_leaf = BTreeMap::<(usize, DataClass), Claims>::new();
    all.retain(|located| {
        let class = class_of(located);
        let span = &located.found.span;
        let claims = inside_segment.entry((located.segment, class)).or_default();
        if claims.owner_of(span).is_some() {
            return false;
        }
        let claimant = located.claimant();
        claims.claim(span, claimant.clone());
        let is_taken = located.sources.iter().any(|(leaf, span)| {
            let owner = inside_leaf.get(&(*leaf, class)).and_then(|claims| claims.owner_of(span));
            owner.is_some_and(|o| o.segment != located.segment && !o.is_apart_from(&claimant, layers))
        });
        if !is_taken {
            for (leaf, span) in &located.sources {
                let claims = inside_leaf.entry((*leaf, class)).or_default();
                if claims.owner_of(span).is_none() {
                    claims.claim(span, claimant.clone());
                }
            }
        }
        !is_taken
    });
    drop_parts_of_secrets(&mut all, detectors);
    all
}

/// How specific a match is; of two in one place the higher one stays.
pub(crate) fn rank(located: &Located, detectors: &[Detector]) -> (bool, Confidence, bool, usize) {
    let is_someones = |d: &Detector| d.provider.is_some() || d.origin == Origin::Custom;
    let is_specific = detectors.get(located.found.detector).is_some_and(is_someones);
    // A value that one leaf holds is surer than a longer one that its neighbours seem to make.
    let is_whole = located.sources.len() < 2;
    (is_specific, located.found.confidence, is_whole, located.found.span.len())
}

/// Whether no two matches share a byte of a leaf; then they share none of a layer either.
fn are_apart(all: &[Located]) -> bool {
    let mut spans: Vec<(usize, usize, usize)> =
        all.iter().flat_map(|l| &l.sources).map(|(leaf, span)| (*leaf, span.start, span.end)).collect();
    spans.sort_unstable();
    spans.is_sorted_by(|(leaf, _, end), (next_leaf, next_start, _)| leaf != next_leaf || end <= next_start)
}

/// Digits and `@` inside a credential are no phone number and no mail address.
fn drop_parts_of_secrets(all: &mut Vec<Located>, detectors: &[Detector]) {
    let class_of = |l: &Located| detectors.get(l.found.detector).map_or(DataClass::Internal, |d| d.class);
    let mut secrets = BTreeMap::<usize, Claims>::new();
    for located in all.iter() {
        if class_of(located) == DataClass::Secrets && located.found.confidence > Confidence::Low {
            secrets.entry(located.segment).or_default().claim(&located.found.span, located.claimant());
        }
    }
    if secrets.is_empty() {
        return;
    }
    all.retain(|located| {
        let is_personal = matches!(class_of(located), DataClass::Pii | DataClass::Phi);
        let is_part =
            secrets.get(&located.segment).is_some_and(|c| c.owner_of(&located.found.span).is_some());
        !(is_personal && is_part)
    });
}
