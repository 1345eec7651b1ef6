//! One value, one hit: of matches that overlap within a class, the most specific stays.

use crate::{
    detectors::{Detector, Origin},
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

/// Ranges that do not overlap, each with the segment that claimed it.
#[derive(Default)]
struct Claims(BTreeMap<usize, (usize, usize)>);

impl Claims {
    /// Who claimed something that overlaps `span`.
    fn owner_of(&self, span: &Range<usize>) -> Option<usize> {
        let (_, (end, owner)) = self.0.range(..span.end.max(span.start + 1)).next_back()?;
        (*end > span.start).then_some(*owner)
    }

    fn claim(&mut self, span: &Range<usize>, owner: usize) {
        self.0.insert(span.start, (span.end, owner));
    }
}

/// Keeps the most specific of overlapping matches of a class: a provider's or a tenant's own over generic, then confidence,
/// then length.
pub(crate) fn resolve(mut all: Vec<Located>, detectors: &[Detector]) -> Vec<Located> {
    if are_apart(&all) {
        return all;
    }
    let class_of = |l: &Located| detectors.get(l.found.detector).map_or(DataClass::Internal, |d| d.class);
    all.sort_by_key(|l| (Reverse(rank(l, detectors)), l.segment, l.found.span.start, l.found.detector));

    let mut inside_segment = BTreeMap::<(usize, DataClass), Claims>::new();
    let mut inside_leaf = BTreeMap::<(usize, DataClass), Claims>::new();
    all.retain(|located| {
        let class = class_of(located);
        let span = &located.found.span;
        let claims = inside_segment.entry((located.segment, class)).or_default();
        if claims.owner_of(span).is_some() {
            return false;
        }
        claims.claim(span, located.segment);
        let is_taken = located.sources.iter().any(|(leaf, span)| {
            let owner = inside_leaf.get(&(*leaf, class)).and_then(|claims| claims.owner_of(span));
            owner.is_some_and(|owner| owner != located.segment)
        });
        if !is_taken {
            for (leaf, span) in &located.sources {
                let claims = inside_leaf.entry((*leaf, class)).or_default();
                if claims.owner_of(span).is_none() {
                    claims.claim(span, located.segment);
                }
            }
        }
        !is_taken
    });
    drop_parts_of_secrets(&mut all, detectors);
    all
}

/// How specific a match is; of two in one place the higher one stays.
pub(crate) fn rank(located: &Located, detectors: &[Detector]) -> (bool, Confidence, usize) {
    let is_someones = |d: &Detector| d.provider.is_some() || d.origin == Origin::Custom;
    let is_specific = detectors.get(located.found.detector).is_some_and(is_someones);
    (is_specific, located.found.confidence, located.found.span.len())
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
            secrets.entry(located.segment).or_default().claim(&located.found.span, located.segment);
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
