//! One value, one hit: of matches that overlap within a class, the most specific stays.

use crate::{
    detectors::{Detector, Origin},
    layers::{Layers, Sources},
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
    pub(crate) sources: Sources,
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

/// Ranges that do not overlap, each with who claimed it: by segment or leaf, class, and start.
#[derive(Default)]
struct Claims(BTreeMap<(usize, DataClass, usize), (usize, Claimant)>);

impl Claims {
    /// Who claimed something of the class that overlaps `span` of a segment or leaf.
    fn owner_of(&self, place: usize, class: DataClass, span: &Range<usize>) -> Option<&Claimant> {
        let until = (place, class, span.end.max(span.start + 1));
        let (_, (end, owner)) = self.0.range((place, class, 0)..until).next_back()?;
        (*end > span.start).then_some(owner)
    }

    fn claim(&mut self, place: usize, class: DataClass, span: &Range<usize>, owner: Claimant) {
        self.0.insert((place, class, span.start), (span.end, owner));
    }
}

/// Keeps the most specific of overlapping matches of a class: a provider's or a tenant's own over generic, then confidence,
/// then one of a single leaf, then length.
pub(crate) fn resolve(all: Vec<Located>, detectors: &[Detector], layers: &Layers<'_>) -> Vec<Located> {
    let Some(groups) = group(&all) else { return all };
    let mut numbered: Vec<(usize, Located)> = groups.into_iter().zip(all).collect();
    numbered.sort_by_key(|(group, _)| *group);
    let mut kept = Vec::with_capacity(numbered.len());
    let mut rivals = Vec::new();
    let mut latest = 0;
    for (group, located) in numbered {
        if group != latest {
            settle(&mut rivals, detectors, layers, &mut kept);
            latest = group;
        }
        rivals.push(located);
    }
    settle(&mut rivals, detectors, layers, &mut kept);
    drop_parts_of_secrets(&mut kept, detectors);
    kept
}

/// For each match the first of those that it shares bytes of a leaf with, directly or through others; `None` when no two
/// do. What shares none of a leaf shares none of a layer either.
fn group(all: &[Located]) -> Option<Vec<usize>> {
    let numbered = all.iter().enumerate();
    let mut spans: Vec<(usize, usize, usize, usize)> = numbered
        .flat_map(|(n, l)| l.sources.iter().map(move |(leaf, span)| (*leaf, span.start, span.end, n)))
        .collect();
    // Mostly one rising row per detector, which a stable sort merges.
    spans.sort();
    let mut firsts: Vec<usize> = (0..all.len()).collect();
    let first_of = |firsts: &[usize], mut n: usize| {
        while let Some(first) = firsts.get(n).filter(|first| **first != n) {
            n = *first;
        }
        n
    };
    let mut is_shared = false;
    let mut reached: Option<(usize, usize, usize)> = None;
    for (leaf, start, end, n) in spans {
        reached = match reached {
            Some((of, to, member)) if of == leaf && start < to => {
                is_shared = true;
                let (a, b) = (first_of(&firsts, member), first_of(&firsts, n));
                if let Some(first) = firsts.get_mut(a.max(b)) {
                    *first = a.min(b);
                }
                Some((leaf, to.max(end), a.min(b)))
            }
            _ => Some((leaf, end, n)),
        };
    }
    // What leads to a first stands after it.
    for n in 0..firsts.len() {
        let first = firsts.get(n).and_then(|first| firsts.get(*first)).copied();
        if let Some((known, first)) = firsts.get_mut(n).zip(first) {
            *known = first;
        }
    }
    is_shared.then_some(firsts)
}

/// Moves to `kept` what stays of matches that share bytes.
fn settle(rivals: &mut Vec<Located>, detectors: &[Detector], layers: &Layers<'_>, kept: &mut Vec<Located>) {
    let order = |l: &Located| (Reverse(rank(l, detectors)), l.segment, l.found.span.start, l.found.detector);
    // Mostly two detectors name one value: the first in order stays.
    if let [a, b] = rivals.as_slice()
        && a.segment == b.segment
        && class_of(a, detectors) == class_of(b, detectors)
        && a.found.span == b.found.span
    {
        rivals.swap_remove(usize::from(order(a) <= order(b)));
    }
    if rivals.len() > 1 {
        rivals.sort_by_cached_key(order);
        let (mut inside_segment, mut inside_leaf) = (Claims::default(), Claims::default());
        rivals.retain(|located| {
            let (class, span) = (class_of(located, detectors), &located.found.span);
            if inside_segment.owner_of(located.segment, class, span).is_some() {
                return false;
            }
            let claimant = located.claimant();
            inside_segment.claim(located.segment, class, span, claimant.clone());
            let is_taken = located.sources.iter().any(|(leaf, span)| {
                let owner = inside_leaf.owner_of(*leaf, class, span);
                owner.is_some_and(|o| o.segment != located.segment && !o.is_apart_from(&claimant, layers))
            });
            if !is_taken {
                for (leaf, span) in located.sources.iter() {
                    if inside_leaf.owner_of(*leaf, class, span).is_none() {
                        inside_leaf.claim(*leaf, class, span, claimant.clone());
                    }
                }
            }
            !is_taken
        });
    }
    kept.append(rivals);
}

fn class_of(located: &Located, detectors: &[Detector]) -> DataClass {
    detectors.get(located.found.detector).map_or(DataClass::Internal, |d| d.class)
}

/// How specific a match is; of two in one place the higher one stays.
pub(crate) fn rank(located: &Located, detectors: &[Detector]) -> (bool, Confidence, bool, usize) {
    let is_someones = |d: &Detector| d.provider.is_some() || d.origin == Origin::Custom;
    let is_specific = detectors.get(located.found.detector).is_some_and(is_someones);
    // A value that one leaf holds is surer than a longer one that its neighbours seem to make.
    let is_whole = located.sources.len() < 2;
    (is_specific, located.found.confidence, is_whole, located.found.span.len())
}

/// Digits and `@` inside a credential are no phone number and no mail address.
fn drop_parts_of_secrets(all: &mut Vec<Located>, detectors: &[Detector]) {
    const SECRETS: DataClass = DataClass::Secrets;
    let mut secrets = Claims::default();
    for located in all.iter() {
        if class_of(located, detectors) == SECRETS && located.found.confidence > Confidence::Low {
            secrets.claim(located.segment, SECRETS, &located.found.span, located.claimant());
        }
    }
    all.retain(|located| {
        let is_personal = matches!(class_of(located, detectors), DataClass::Pii | DataClass::Phi);
        !(is_personal && secrets.owner_of(located.segment, SECRETS, &located.found.span).is_some())
    });
}
