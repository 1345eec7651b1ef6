//! Findings that a tenant says do not count. A match is excepted when it fits every field of an exception, or when it is a
//! part of one that does: what would have been no finding beside it does not become one.

use crate::{
    detectors::{Detector, write_hex},
    layers::Layers,
    leaves::Leaves,
    overlap::{Located, rank},
};
use interven_types::{Confidence, DataClass, FindingException, Timestamp};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A tenant's exceptions, their paths taken apart.
#[derive(Debug, Default)]
pub(crate) struct Exceptions {
    list: Vec<Exception>,
}

#[derive(Debug)]
struct Exception {
    said: FindingException,
    note: Arc<str>,
    /// The steps; `None` is any.
    path: Option<Vec<Option<String>>>,
}

/// What matches are looked at in.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a, 't> {
    pub(crate) detectors: &'a [Detector],
    pub(crate) leaves: &'a Leaves<'t>,
    pub(crate) layers: &'a Layers<'a>,
}

/// A match that does not count.
#[derive(Debug)]
pub(crate) struct Excepted {
    /// Index of the exception.
    pub(crate) exception: usize,
    pub(crate) located: Located,
}

impl Exceptions {
    pub(crate) fn new(said: &[FindingException]) -> Self {
        let take_apart = |said: &FindingException| Exception {
            said: said.clone(),
            note: said.note.as_str().into(),
            path: said.path.as_deref().map(|path| path.split('/').skip(1).map(read_step).collect()),
        };
        Self { list: said.iter().map(take_apart).collect() }
    }

    /// Those that speak at `now` of a call that does `actions`, as (tool, operation). Every action must be of the tool that
    /// an exception names: what a call does beside it is not excepted.
    pub(crate) fn in_force(&self, now: Timestamp, actions: &[(&str, &str)]) -> Vec<usize> {
        let speaks = |said: &FindingException| {
            !said.is_expired(now) && actions.iter().all(|(tool, operation)| said.fits_tool(tool, operation))
        };
        self.list.iter().enumerate().filter(|(_, e)| speaks(&e.said)).map(|(n, _)| n).collect()
    }

    pub(crate) fn note(&self, exception: usize) -> Option<Arc<str>> {
        self.list.get(exception).map(|e| Arc::clone(&e.note))
    }

    /// Takes what is excepted by one of `in_force` out of `all`.
    pub(crate) fn take(
        &self,
        in_force: &[usize],
        all: &mut Vec<Located>,
        scene: Scene<'_, '_>,
    ) -> Vec<Excepted> {
        if in_force.is_empty() || all.is_empty() {
            return Vec::new();
        }
        let (mut excepted, mut others) = (Vec::new(), Vec::new());
        for located in all.drain(..) {
            match self.find(in_force, &located, scene) {
                Some(exception) => excepted.push(Excepted { exception, located }),
                None => others.push(located),
            }
        }
        let reach = Reach::of(&excepted);
        for located in others {
            let whole = reach.over(&located).and_then(|n| excepted.get(n));
            let exception = whole.filter(|whole| self.hides(whole, &located, scene)).map(|e| e.exception);
            match exception {
                Some(exception) => excepted.push(Excepted { exception, located }),
                None => all.push(located),
            }
        }
        excepted
    }

    fn find(&self, in_force: &[usize], located: &Located, scene: Scene<'_, '_>) -> Option<usize> {
        let mut hash = None;
        let mut fits = |exception: &Exception| {
            exception.names(located, scene)
                && exception
                    .said
                    .value_sha256
                    .as_ref()
                    .is_none_or(|wanted| hash.get_or_insert_with(|| scene.hash_value(located)) == wanted)
        };
        in_force.iter().copied().find(|n| self.list.get(*n).is_some_and(&mut fits))
    }

    /// Whether `part`, which lies inside of the excepted `whole`, goes with it. It does when it would have been no finding
    /// beside the whole (one value is one finding, and a credential's digits are nobody's number), and when the exception
    /// names it too.
    fn hides(&self, whole: &Excepted, part: &Located, scene: Scene<'_, '_>) -> bool {
        let class_of = |l: &Located| scene.detectors.get(l.found.detector).map(|d| d.class);
        let is_outranked = class_of(&whole.located) == class_of(part)
            && rank(&whole.located, scene.detectors) >= rank(part, scene.detectors);
        let is_of_secret = class_of(&whole.located) == Some(DataClass::Secrets)
            && whole.located.found.confidence > Confidence::Low
            && matches!(class_of(part), Some(DataClass::Pii | DataClass::Phi));
        is_outranked || is_of_secret || self.list.get(whole.exception).is_some_and(|e| e.names(part, scene))
    }
}

impl Exception {
    /// Whether all but the value fits.
    fn names(&self, located: &Located, scene: Scene<'_, '_>) -> bool {
        let Some(detector) = scene.detectors.get(located.found.detector) else { return false };
        let is_there = |path: &Vec<Option<String>>| {
            located.sources.iter().all(|(leaf, _)| scene.leaves.is_at(*leaf, path))
        };
        self.said.detector.as_ref().is_none_or(|id| *id == detector.id)
            && self.said.class.is_none_or(|class| class == detector.class)
            && self.path.as_ref().is_none_or(is_there)
    }
}

impl Scene<'_, '_> {
    fn hash_value(&self, located: &Located) -> String {
        let segment = self.layers.segments.get(located.segment);
        let value = segment.and_then(|s| s.text.get(located.found.span.clone())).unwrap_or_default();
        hash_value(value)
    }
}

/// SHA-256 of a value, as an exception names it: hexadecimal digits in lower case.
pub fn hash_value(value: &str) -> String {
    write_hex(&Sha256::digest(value.as_bytes()))
}

/// A step of a JSON Pointer (RFC 6901, section 4).
fn read_step(step: &str) -> Option<String> {
    (step != "*").then(|| step.replace("~1", "/").replace("~0", "~"))
}

/// Tells which match reaches over a span, of those that start before it the one that reaches furthest.
pub(crate) struct Reach {
    /// Segment, start, and index of the match that reaches furthest of all up to here in the segment; sorted.
    furthest: Vec<(usize, usize, usize)>,
    ends: Vec<usize>,
}

impl Reach {
    pub(crate) fn of(excepted: &[Excepted]) -> Self {
        let ends: Vec<usize> = excepted.iter().map(|e| e.located.found.span.end).collect();
        let keyed = excepted.iter().enumerate();
        let mut furthest: Vec<(usize, usize, usize)> =
            keyed.map(|(n, e)| (e.located.segment, e.located.found.span.start, n)).collect();
        furthest.sort_unstable();
        let mut best: Option<(usize, usize)> = None;
        for (segment, _, n) in &mut furthest {
            if let Some((_, known)) =
                best.filter(|(of, known)| of == segment && ends.get(*known) >= ends.get(*n))
            {
                *n = known;
            }
            best = Some((*segment, *n));
        }
        Self { furthest, ends }
    }

    pub(crate) fn over(&self, located: &Located) -> Option<usize> {
        let span = &located.found.span;
        let after = self
            .furthest
            .partition_point(|(segment, start, _)| (*segment, *start) <= (located.segment, span.start));
        let (segment, _, n) = *self.furthest.get(after.checked_sub(1)?)?;
        (segment == located.segment && self.ends.get(n).is_some_and(|end| *end >= span.end)).then_some(n)
    }
}
