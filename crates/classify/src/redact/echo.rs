//! Values that stand somewhere else too, where nothing tells what they are: a password assigned once and bare once.

use super::placeholder::identify;
use crate::{
    detectors::Detector,
    layers::{Layers, Origin},
    leaves::Role,
    marker::Markers,
    matcher::Match,
    overlap::Located,
    words::measure_entropy,
};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use interven_types::{Confidence, DataClass};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Shorter values stand in too many places that have nothing to do with them.
const SHORTEST: usize = 6;
/// A credential this long is itself also inside a longer word.
const SHORTEST_INSIDE: usize = 16;
/// A number of this many digits is also looked for without its separators.
const FEWEST_DIGITS: usize = 9;

/// The values that were found, to be looked for everywhere.
#[derive(Default)]
pub(super) struct Echoes {
    values: BTreeMap<String, Echo>,
    /// One automaton for all values, once there are many.
    index: Option<(AhoCorasick, Vec<Echo>)>,
}

/// What a value is taken for wherever it stands.
#[derive(Clone, Copy)]
struct Echo {
    detector: usize,
    confidence: Confidence,
    must_be_word: bool,
}

impl Echoes {
    /// Up to so many values are sought one by one: an automaton takes longer to build than they take to find.
    const FEW: usize = 8;

    /// Takes up a value that was found with MEDIUM confidence or more and that is no ordinary word; whether it is new.
    pub(super) fn learn(&mut self, found: &Match, detector: &Detector, value: &str) -> bool {
        let is_known = self.values.contains_key(value);
        if is_known || found.confidence < Confidence::Medium || !is_telling(detector.class, value) {
            return false;
        }
        let must_be_word = detector.class != DataClass::Secrets || value.len() < SHORTEST_INSIDE;
        let echo = Echo { detector: found.detector, confidence: found.confidence, must_be_word };
        let mut is_new = self.add(value, echo);
        if detector.class != DataClass::Secrets {
            let compact = identify(detector.class, value);
            let is_number = compact.len() >= FEWEST_DIGITS && compact.bytes().all(|b| b.is_ascii_digit());
            is_new |= is_number && self.add(&compact, echo);
        }
        is_new
    }

    fn add(&mut self, value: &str, echo: Echo) -> bool {
        if self.values.contains_key(value) {
            return false;
        }
        self.index = None;
        self.values.insert(value.to_owned(), echo);
        true
    }

    /// Every place of a known value that is none of `known`.
    pub(super) fn find(&mut self, layers: &Layers<'_>, known: &[Located], markers: &Markers) -> Vec<Located> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let known: BTreeSet<_> =
            known.iter().map(|l| (l.segment, l.found.span.start, l.found.span.end)).collect();
        let mut found = Vec::new();
        for level in &layers.levels {
            self.search(&level.text, |echo, at| {
                let Some((segment, span)) = level.locate(&at, layers) else { return };
                let Some(origin) = layers.segments.get(segment) else { return };
                let is_part = echo.must_be_word && !is_apart(&level.text, &at)
                    || origin.role == Role::Number && span.len() != origin.text.len()
                    || matches!(&origin.origin, Origin::Joined(joined) if !joined.is_across(&span));
                let is_known = known.contains(&(segment, span.start, span.end));
                if is_part || is_known || markers.are_all_of(&level.text, &at) {
                    return;
                }
                let sources = layers.trace(segment, span.clone());
                let found_here = Match { detector: echo.detector, span, confidence: echo.confidence };
                found.push(Located { segment, found: found_here, sources });
            });
        }
        found
    }

    /// Calls `see` with every place of a value in `text`.
    fn search(&mut self, text: &str, mut see: impl FnMut(&Echo, Range<usize>)) {
        if self.values.len() <= Self::FEW {
            for (value, echo) in &self.values {
                let places = memchr::memmem::find_iter(text.as_bytes(), value);
                places.for_each(|start| see(echo, start..start + value.len()));
            }
            return;
        }
        if self.index.is_none() {
            let mut builder = AhoCorasick::builder();
            // Searched once or twice: what is built fastest is best.
            builder.kind(Some(AhoCorasickKind::NoncontiguousNFA)).match_kind(MatchKind::LeftmostLongest);
            // Only more than 2^31 states are refused; a body is far smaller.
            let echoes = self.values.values().copied().collect();
            self.index = builder.build(self.values.keys()).ok().map(|index| (index, echoes));
        }
        let Some((index, echoes)) = &self.index else { return };
        for place in index.find_iter(text) {
            if let Some(echo) = echoes.get(place.pattern().as_usize()) {
                see(echo, place.range());
            }
        }
    }
}

/// Whether a value gives itself away wherever it stands. Words of a language do not: `admin`, `production`.
fn is_telling(class: DataClass, value: &str) -> bool {
    const LEAST_ENTROPY: f64 = 2.0;
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    let has = |marks: &[u8]| value.bytes().any(|b| marks.contains(&b));
    let is_more_than_a_word = match class {
        DataClass::Secrets => has_digit || has(b"!@#$%^&*?~+=|"),
        DataClass::Pii | DataClass::Phi => has_digit || has(b"@ "),
        // Found by what it says, wherever it says it.
        DataClass::Internal => false,
    };
    value.len() >= SHORTEST && is_more_than_a_word && measure_entropy(value) >= LEAST_ENTROPY
}

/// Whether no letter or digit stands next to `range`.
fn is_apart(text: &str, range: &Range<usize>) -> bool {
    let is_edge = |at: Option<usize>| {
        at.and_then(|at| text.as_bytes().get(at)).is_none_or(|b| !b.is_ascii_alphanumeric())
    };
    is_edge(range.start.checked_sub(1)) && is_edge(Some(range.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_tell_tales() {
        use DataClass::{Internal, Pii, Secrets};
        for (class, value) in [
            (Secrets, "hunter2X"),
            (Secrets, "p@ssword"),
            (Pii, "536-90-4399"),
            (Pii, "a.b@c.org"),
            (Pii, "Jane Roe"),
        ] {
            assert!(is_telling(class, value), "{value}");
        }
        for (class, value) in [
            (Secrets, "admin"),
            (Secrets, "password"),
            (Secrets, "production"),
            (Secrets, "a1"),
            (Secrets, "111111"),
            (Pii, "Jane"),
            (Internal, "internal use only 2"),
        ] {
            assert!(!is_telling(class, value), "{value}");
        }
    }
}
