//! The classifier: compiled detectors, and what they find in a call.

use crate::{
    detectors::{self, BuildError, Detector},
    layers::{Layers, Obstacle, Origin, Segment},
    leaves::{CoveredKeys, Leaves, Role},
    marker::Markers,
    matcher::Matcher,
    overlap::{Located, resolve},
    presented::{is_credential_header, is_credential_part, is_host_of, is_provider_header},
};
use interven_types::{Confidence, DataClass, Hit, Place, Skipped};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Every active detector, compiled. Immutable; share it in an [`Arc`].
#[derive(Debug)]
pub struct Classifier {
    detectors: Vec<Detector>,
    matcher: Matcher,
    patterns_hash: String,
}

/// What a tenant changes about the shipped detectors.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// Ids of detectors that are off; unknown ids are ignored.
    pub disabled_detectors: &'a BTreeSet<String>,
    /// Phrases that mark a document as internal; found whatever their case, as whole words.
    pub internal_markers: &'a [String],
}

impl Default for Options<'static> {
    fn default() -> Self {
        static NONE: BTreeSet<String> = BTreeSet::new();
        Self { disabled_detectors: &NONE, internal_markers: &[] }
    }
}

/// What is classified of one call.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// As the agent wrote it.
    pub url: &'a str,
    /// Canonical host; a credential sent to its own provider is normal use.
    pub host: Option<&'a str>,
    /// Names in lower case.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a Value,
}

/// What was found, and what was not looked at.
#[derive(Debug, Default)]
pub struct Findings<'a> {
    /// Sorted by place, path and start.
    pub hits: Vec<Hit>,
    pub skipped: Vec<Skipped>,
    /// Whether a compressed layer was a decompression bomb.
    pub is_bomb: bool,
    /// The body in which it was found; absent for one text.
    pub(crate) body: Option<&'a Value>,
    /// The body, or the text, as it was read.
    pub(crate) reading: Option<Reading<'a>>,
}

impl Findings<'_> {
    /// Every string, key and decoded layer of the body.
    pub fn texts(&self) -> Vec<Cow<'_, str>> {
        let segments = self.reading.iter().flat_map(|reading| &reading.layers.segments);
        let is_text = |s: &&Segment<'_>| s.role != Role::Number || !matches!(s.origin, Origin::Leaf(_));
        segments.filter(is_text).map(|s| Cow::Borrowed(s.text.as_ref())).collect()
    }
}

/// What was read, and what was found in it.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) leaves: Leaves<'a>,
    pub(crate) layers: Layers<'a>,
    pub(crate) located: Vec<Located>,
    /// How far, in bytes of a level's text, something may matter to what is found.
    pub(crate) reach: usize,
}

/// Most things that are named as skipped.
const MOST_SKIPPED: usize = 32;

impl Classifier {
    /// Compiles the shipped detectors as changed by `options`.
    ///
    /// # Errors
    /// A marker that cannot be compiled, or, which the tests rule out, broken detector data.
    pub fn new(options: &Options<'_>) -> Result<Self, BuildError> {
        let mut active = detectors::shipped()?;
        active.retain(|d| !options.disabled_detectors.contains(&d.id));
        if !options.disabled_detectors.contains(detectors::TENANT_MARKER) {
            active.extend(detectors::tenant_markers(options.internal_markers));
        }
        let matcher = Matcher::new(&active)?;
        Ok(Self { patterns_hash: detectors::fingerprint(&active), detectors: active, matcher })
    }

    /// All shipped detectors, compiled once per process.
    #[expect(clippy::expect_used, reason = "the shipped data is constant and every test compiles it")]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Classifier>> = OnceLock::new();
        let build = || Arc::new(Self::new(&Options::default()).expect("the shipped detectors compile"));
        Arc::clone(BUILTIN.get_or_init(build))
    }

    /// Compiles every pattern now rather than on its first use, so that no call waits for one. Takes a tenth of a
    /// second; a server calls it in the background once it listens.
    ///
    /// # Errors
    /// A pattern that cannot be compiled, which the tests rule out for shipped ones.
    pub fn warm_up(&self) -> Result<(), BuildError> {
        self.matcher.compile_all()
    }

    /// Hex SHA-256 over the active detectors' data; changes exactly when they do.
    pub fn patterns_hash(&self) -> &str {
        &self.patterns_hash
    }

    pub fn detector_count(&self) -> usize {
        self.detectors.len()
    }

    /// The active detectors, in the order of the data.
    pub fn detectors(&self) -> &[Detector] {
        &self.detectors
    }

    pub(crate) fn markers(&self) -> &Markers {
        self.matcher.markers()
    }

    /// Classifies body, URL and headers of a call.
    pub fn classify<'a>(&self, subject: &Subject<'a>) -> Findings<'a> {
        let mut findings = Findings::default();
        let body = self.read(Leaves::of_body(subject.body), subject.host);
        self.note(&body, &mut findings);
        (findings.body, findings.reading) = (Some(subject.body), Some(body));

        let headers = subject.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let envelope = self.read(Leaves::of_envelope(subject.url, headers), subject.host);
        self.note(&envelope, &mut findings);
        findings.hits.sort_by(|a, b| {
            (&a.place, &a.path, a.in_key, a.start, a.end, &a.detector).cmp(&(
                &b.place,
                &b.path,
                b.in_key,
                b.start,
                b.end,
                &b.detector,
            ))
        });
        findings.hits.dedup();
        findings
    }

    /// Classifies one text, for the command line: the pointer of every hit is empty.
    pub fn classify_text<'a>(&self, text: &'a str) -> Findings<'a> {
        let mut findings = Findings::default();
        let reading = self.read(Leaves::of_text(text), None);
        self.note(&reading, &mut findings);
        findings.reading = Some(reading);
        findings.hits.sort_by_key(|h| (h.start, h.end));
        findings.hits.dedup();
        findings
    }

    /// Reads every layer of `leaves` and finds what they hold.
    pub(crate) fn read<'a>(&self, leaves: Leaves<'a>, host: Option<&str>) -> Reading<'a> {
        let layers = Layers::of(&leaves);
        let (located, reach) = self.locate(&leaves, &layers, host);
        Reading { leaves, layers, located, reach }
    }

    /// Adds what a reading tells: its hits, and what could not be looked at.
    fn note(&self, reading: &Reading<'_>, findings: &mut Findings<'_>) {
        let Reading { leaves, layers, located, .. } = reading;
        let covered = self.cover_keys(leaves, located);
        findings.hits.extend(self.describe(leaves, located, &covered));
        if leaves.is_cut {
            findings.skipped.push(Skipped::new("body", "nested deeper than 128 levels"));
        }
        for (leaf, depth, obstacle) in &layers.obstacles {
            findings.is_bomb |= *obstacle == Obstacle::Bomb;
            let what = match leaves.shown_place(*leaf, &covered) {
                Place::Body => format!("body:{} layer {depth}", leaves.pointer(*leaf, &covered)),
                Place::Url => format!("url layer {depth}"),
                Place::Header(name) => format!("header:{name} layer {depth}"),
            };
            let skipped = Skipped::new(what, obstacle.to_string());
            if findings.skipped.len() < MOST_SKIPPED && !findings.skipped.contains(&skipped) {
                findings.skipped.push(skipped);
            }
        }
    }

    /// Every match in every layer, one per value and class, and the reach of the search.
    fn locate(&self, leaves: &Leaves<'_>, layers: &Layers<'_>, host: Option<&str>) -> (Vec<Located>, usize) {
        let mut all = Vec::new();
        let mut reach = 0;
        for flat in &layers.levels {
            for mut found in self.matcher.find(&flat.text, &mut reach) {
                let Some((segment, span)) = flat.locate(&found.span, layers) else { continue };
                let joined = match layers.segments.get(segment).map(|s| &s.origin) {
                    Some(Origin::Joined(joined)) if !joined.is_sure => Some(joined),
                    _ => None,
                };
                // Neighbours rarely belong together: only certain values that cross a border count.
                if joined.is_some_and(|j| found.confidence < Confidence::High || !j.is_across(&span)) {
                    continue;
                }
                let sources = layers.trace(segment, span.clone());
                if let Some((leaf, source)) = sources.first()
                    && let Some(text) = leaves.list.get(*leaf).map(|l| l.text.as_ref())
                    && self.is_normal_use(found.detector, &leaves.place(*leaf), text, source, host)
                {
                    found.confidence = Confidence::Low;
                }
                found.span = span;
                all.push(Located { segment, found, sources });
            }
        }
        (resolve(all, &self.detectors), reach)
    }

    /// Whether a credential stands where it belongs: sent to its own provider, or an opaque one in an auth header.
    fn is_normal_use(
        &self,
        detector: usize,
        place: &Place,
        text: &str,
        span: &Range<usize>,
        host: Option<&str>,
    ) -> bool {
        let Some(detector) = self.detectors.get(detector) else { return false };
        if detector.class != DataClass::Secrets {
            return false;
        }
        let is_own_host = || host.is_some_and(|host| is_host_of(&detector.hosts, host));
        match place {
            Place::Body => false,
            Place::Url => (detector.in_url || is_credential_part(text, span)) && is_own_host(),
            Place::Header(name) => {
                let is_anybodys = detector.provider.is_none() && is_credential_header(name);
                is_anybodys || (is_provider_header(name) && is_own_host())
            }
        }
    }

    /// The keys that hold one of `located`.
    fn cover_keys(&self, leaves: &Leaves<'_>, located: &[Located]) -> CoveredKeys {
        let mut covered = CoveredKeys::new();
        for hit in located {
            let Some(detector) = self.detectors.get(hit.found.detector) else { continue };
            for (leaf, _) in &hit.sources {
                leaves.cover(*leaf, || Markers::write(&detector.id, 1), &mut covered);
            }
        }
        covered
    }

    fn describe(&self, leaves: &Leaves<'_>, located: &[Located], covered: &CoveredKeys) -> Vec<Hit> {
        let mut offsets = Offsets::default();
        let mut hits = Vec::with_capacity(located.len());
        // One string may hold thousands of findings.
        let mut latest: Option<(usize, String)> = None;
        for hit in located {
            let Some(detector) = self.detectors.get(hit.found.detector) else { continue };
            for (leaf, span) in &hit.sources {
                let Some(source) = leaves.list.get(*leaf) else { continue };
                let chars = offsets.count(*leaf, &source.text, span);
                let path = match &latest {
                    Some((of, path)) if of == leaf => path.clone(),
                    _ => {
                        let path = leaves.pointer(*leaf, covered);
                        latest = Some((*leaf, path.clone()));
                        path
                    }
                };
                hits.push(Hit {
                    class: detector.class,
                    detector: detector.id.clone(),
                    confidence: hit.found.confidence,
                    place: leaves.shown_place(*leaf, covered),
                    path,
                    in_key: source.role == Role::Key,
                    start: chars.start,
                    end: chars.end,
                });
            }
        }
        hits
    }
}

/// Byte offsets to code points, with the position of every 256th byte kept so that many hits stay cheap.
#[derive(Default)]
pub(crate) struct Offsets {
    marks: BTreeMap<usize, Vec<usize>>,
}

impl Offsets {
    const STRIDE: usize = 256;

    pub(crate) fn count(&mut self, leaf: usize, text: &str, span: &Range<usize>) -> Range<usize> {
        let marks = self.marks.entry(leaf).or_insert_with(|| {
            let mut chars = 0;
            text.as_bytes()
                .chunks(Self::STRIDE)
                .map(|chunk| {
                    let before = chars;
                    chars += count_starts(chunk);
                    before
                })
                .collect()
        });
        let at = |byte: usize| {
            let index = byte / Self::STRIDE;
            let from = index * Self::STRIDE;
            let Some(mark) = marks.get(index) else { return text.chars().count() };
            mark + text.as_bytes().get(from..byte).map_or(0, count_starts)
        };
        at(span.start)..at(span.end)
    }
}

/// How many code points start in these bytes of UTF-8.
fn count_starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b as i8) >= -0x40).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_code_points() {
        let text = format!("{}x😀y", "ü".repeat(1000));
        let span = text.find('x').unwrap()..text.len();
        assert_eq!(Offsets::default().count(0, &text, &span), 1000..1003);
    }
}
