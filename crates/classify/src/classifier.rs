//! The classifier: compiled detectors, and what they find in a call.

use crate::{
    detectors::{self, BuildError, Detector, Refusal},
    exceptions::{Excepted, Exceptions, Scene},
    layers::{Layers, Obstacle, Origin, Segment},
    leaves::{CoveredKeys, Leaves, Role},
    marker::Markers,
    matcher::Matcher,
    overlap::{Located, resolve},
    presented::{is_credential_header, is_credential_part, is_host_of, is_provider_header},
};
use interven_types::{
    Confidence, CustomDetector, DataClass, DetectorOverride, FindingException, Hit, Place, Skipped,
    TenantSettings, Timestamp,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, OnceLock},
};

/// Every active detector, compiled. Immutable; clones share what is compiled.
#[derive(Clone, Debug)]
pub struct Classifier {
    detectors: Arc<[Detector]>,
    matcher: Arc<Matcher>,
    /// Made when it is asked for: a process that judges one call does without it.
    patterns_hash: Arc<OnceLock<String>>,
    exceptions: Arc<Exceptions>,
    /// The exceptions that speak of the call at hand; see [`Classifier::for_call`].
    in_force: Vec<usize>,
}

/// What a tenant's settings say of detectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options<'a> {
    /// Ids of detectors that are off.
    pub disabled_detectors: &'a BTreeSet<String>,
    /// Phrases that mark a document as internal; found whatever their case, as whole words.
    pub internal_markers: &'a [String],
    pub custom_detectors: &'a [CustomDetector],
    /// By id of the detector.
    pub detector_overrides: &'a BTreeMap<String, DetectorOverride>,
    pub finding_exceptions: &'a [FindingException],
}

impl Default for Options<'static> {
    fn default() -> Self {
        static NONE: BTreeSet<String> = BTreeSet::new();
        static NO_CHANGE: BTreeMap<String, DetectorOverride> = BTreeMap::new();
        Self {
            disabled_detectors: &NONE,
            internal_markers: &[],
            custom_detectors: &[],
            detector_overrides: &NO_CHANGE,
            finding_exceptions: &[],
        }
    }
}

impl<'a> From<&'a TenantSettings> for Options<'a> {
    fn from(settings: &'a TenantSettings) -> Self {
        Self {
            disabled_detectors: &settings.disabled_detectors,
            internal_markers: &settings.internal_markers,
            custom_detectors: &settings.custom_detectors,
            detector_overrides: &settings.detector_overrides,
            finding_exceptions: &settings.finding_exceptions,
        }
    }
}

impl Options<'_> {
    /// Whether these can be made into a classifier that finds what it should at a bounded cost: to be asked before they
    /// are stored.
    ///
    /// # Errors
    /// The first field that is wrong, and what to do.
    pub fn admit(&self) -> Result<(), Refusal> {
        detectors::admit(self, Classifier::builtin().detectors())
    }
}

/// What is classified of one call. What is found borrows from the body alone.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'call, 'body> {
    /// As the agent wrote it.
    pub url: &'call str,
    /// Canonical host; a credential sent to its own provider is normal use.
    pub host: Option<&'call str>,
    /// Names in lower case.
    pub headers: &'call BTreeMap<String, String>,
    pub body: &'body Value,
}

/// A finding that does not count, by an exception of the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptedHit {
    /// Why, in the tenant's words.
    pub note: Arc<str>,
    pub hit: Hit,
}

/// What was found, and what was not looked at.
#[derive(Debug, Default)]
pub struct Findings<'a> {
    /// Sorted by place, path and start.
    pub hits: Vec<Hit>,
    /// What would stand in `hits` but for the tenant's exceptions.
    pub excepted: Vec<ExceptedHit>,
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

    /// The values found in the body, as decoded. They are what must not be kept: for keyed hashes alone.
    pub fn values(&self, min_confidence: Confidence) -> impl Iterator<Item = &str> {
        self.reading.iter().flat_map(move |reading| {
            let hits = reading.located.iter().filter(move |hit| hit.found.confidence >= min_confidence);
            hits.map(|hit| reading.value_of(hit))
        })
    }
}

/// What was read, and what was found in it.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) leaves: Leaves<'a>,
    pub(crate) layers: Layers<'a>,
    pub(crate) located: Vec<Located>,
    pub(crate) excepted: Vec<Excepted>,
    /// How far, in bytes of a level's text, something may matter to what is found.
    pub(crate) reach: usize,
}

impl Reading<'_> {
    /// The value found, as its layer shows it.
    pub(crate) fn value_of(&self, hit: &Located) -> &str {
        let segment = self.layers.segments.get(hit.segment);
        segment.and_then(|s| s.text.get(hit.found.span.clone())).unwrap_or_default()
    }
}

/// Most things that are named as skipped.
const MOST_SKIPPED: usize = 32;

impl Classifier {
    /// The shipped detectors as changed by `options`. What is compiled of shipped ones is shared with
    /// [`Classifier::builtin`]; the tenant's own are compiled here.
    ///
    /// # Errors
    /// A marker or a pattern that cannot be compiled, which [`Options::admit`] rules out.
    pub fn new(options: &Options<'_>) -> Result<Self, BuildError> {
        let builtin = Self::builtin();
        let detectors = detectors::of_tenant(&builtin.detectors, options);
        let matcher = builtin.matcher.adapt(&detectors)?;
        Ok(Self {
            exceptions: Arc::new(Exceptions::new(options.finding_exceptions)),
            ..Self::of(detectors, matcher)
        })
    }

    /// The detectors that `options` make, without compiling them.
    pub fn list(options: &Options<'_>) -> Vec<Detector> {
        detectors::of_tenant(&Self::builtin().detectors, options)
    }

    fn of(detectors: Vec<Detector>, matcher: Matcher) -> Self {
        Self {
            patterns_hash: Arc::default(),
            detectors: detectors.into(),
            matcher: Arc::new(matcher),
            exceptions: Arc::default(),
            in_force: Vec::new(),
        }
    }

    /// All shipped detectors, compiled once per process.
    #[expect(clippy::expect_used, reason = "the shipped data is constant and every test compiles it")]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<Classifier>> = OnceLock::new();
        let build = || {
            let detectors = detectors::shipped()?;
            let matcher = Matcher::new(&detectors)?;
            Ok::<_, BuildError>(Arc::new(Self::of(detectors, matcher)))
        };
        Arc::clone(BUILTIN.get_or_init(|| build().expect("the shipped detectors compile")))
    }

    /// This classifier, with the tenant's exceptions that speak at `now` of a call that does `actions`, as (tool,
    /// operation). Without this, no finding is excepted.
    pub fn for_call(&self, now: Timestamp, actions: &[(&str, &str)]) -> Cow<'_, Self> {
        let in_force = self.exceptions.in_force(now, actions);
        if in_force.is_empty() { Cow::Borrowed(self) } else { Cow::Owned(Self { in_force, ..self.clone() }) }
    }

    /// Compiles every pattern, and hashes all detectors, now rather than on its first use, so that no call waits for one. Takes a tenth of a
    /// second; a server calls it in the background once it listens.
    ///
    /// # Errors
    /// A pattern that cannot be compiled, which the tests rule out for shipped ones.
    pub fn warm_up(&self) -> Result<(), BuildError> {
        self.patterns_hash();
        self.matcher.compile_all()
    }

    /// Hex SHA-256 over the active detectors' data; changes exactly when they do.
    pub fn patterns_hash(&self) -> &str {
        self.patterns_hash.get_or_init(|| detectors::fingerprint(&self.detectors))
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
    pub fn classify<'body>(&self, subject: &Subject<'_, 'body>) -> Findings<'body> {
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
        let mut reach = 0;
        let mut all = self.search(&leaves, &layers, host, &mut reach);
        let scene = Scene { detectors: &self.detectors, leaves: &leaves, layers: &layers };
        let excepted = self.exceptions.take(&self.in_force, &mut all, scene);
        Reading { located: resolve(all, &self.detectors, &layers), excepted, leaves, layers, reach }
    }

    /// Adds what a reading tells: its hits, and what could not be looked at.
    fn note(&self, reading: &Reading<'_>, findings: &mut Findings<'_>) {
        let Reading { leaves, layers, located, .. } = reading;
        let covered = self.cover_keys(leaves, located);
        findings.hits.extend(self.describe(leaves, located, &covered));
        findings.excepted.extend(self.describe_excepted(reading, &covered));
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

    /// Every match in every layer. Raises `reach` to that of the search.
    fn search(
        &self,
        leaves: &Leaves<'_>,
        layers: &Layers<'_>,
        host: Option<&str>,
        reach: &mut usize,
    ) -> Vec<Located> {
        let mut all = Vec::new();
        for flat in &layers.levels {
            // Neighbours rarely belong together: only certain values that cross a border count.
            let least = if flat.is_loose { Confidence::High } else { Confidence::Low };
            for mut found in self.matcher.find(&flat.text, least, reach) {
                let Some((segment, span)) = flat.locate(&found.span, layers) else { continue };
                if flat.is_loose
                    && let Some(Origin::Joined(joined)) = layers.segments.get(segment).map(|s| &s.origin)
                    && (found.confidence < least || !joined.is_across(&span))
                {
                    continue;
                }
                if self.is_name_of_member(found.detector, layers.segments.get(segment), &span) {
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
        all
    }

    /// Whether what was taken for a password is words that name a member: those of a schema stand right behind a name,
    /// `{"password": {"description": …}}`.
    fn is_name_of_member(&self, detector: usize, segment: Option<&Segment<'_>>, span: &Range<usize>) -> bool {
        let is_general = self.detectors.get(detector).is_some_and(|detector| {
            detector.class == DataClass::Secrets
                && detector.provider.is_none()
                && detector.origin == detectors::Origin::Shipped
        });
        is_general
            && segment.is_some_and(|segment| {
                let is_of_word = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-');
                segment.role == Role::Key
                    && *span == (0..segment.text.len())
                    && segment.text.bytes().all(is_of_word)
            })
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
            for (leaf, _) in hit.sources.iter() {
                leaves.cover(*leaf, || Markers::write(&detector.id, 1), &mut covered);
            }
        }
        covered
    }

    fn describe_excepted(&self, reading: &Reading<'_>, covered: &CoveredKeys) -> Vec<ExceptedHit> {
        let Reading { leaves, layers, excepted, .. } = reading;
        let mut by_exception = BTreeMap::<usize, Vec<Located>>::new();
        for Excepted { exception, located } in excepted {
            by_exception.entry(*exception).or_default().push(located.clone());
        }
        let hits = by_exception.into_iter().filter_map(|(exception, located)| {
            let note = self.exceptions.note(exception)?;
            let hits = self.describe(leaves, &resolve(located, &self.detectors, layers), covered);
            Some(hits.into_iter().map(move |hit| ExceptedHit { note: Arc::clone(&note), hit }))
        });
        hits.flatten().collect()
    }

    fn describe(&self, leaves: &Leaves<'_>, located: &[Located], covered: &CoveredKeys) -> Vec<Hit> {
        let mut offsets = Offsets::default();
        let mut hits = Vec::with_capacity(located.len());
        // One string may hold thousands of findings.
        let mut latest: Option<(usize, String)> = None;
        for hit in located {
            let Some(detector) = self.detectors.get(hit.found.detector) else { continue };
            for (leaf, span) in leaves.tellable(&hit.sources) {
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

/// Byte offsets to code points. Of a text beyond ASCII the position of every 256th byte is kept, so that many hits stay
/// cheap.
#[derive(Default)]
pub(crate) struct Offsets {
    marks: BTreeMap<usize, Option<Vec<usize>>>,
}

impl Offsets {
    const STRIDE: usize = 256;

    pub(crate) fn count(&mut self, leaf: usize, text: &str, span: &Range<usize>) -> Range<usize> {
        let marks = self.marks.entry(leaf).or_insert_with(|| (!text.is_ascii()).then(|| Self::mark(text)));
        let Some(marks) = marks else { return span.clone() };
        let at = |byte: usize| {
            let index = byte / Self::STRIDE;
            let from = index * Self::STRIDE;
            let Some(mark) = marks.get(index) else { return text.chars().count() };
            mark + text.as_bytes().get(from..byte).map_or(0, count_starts)
        };
        at(span.start)..at(span.end)
    }

    fn mark(text: &str) -> Vec<usize> {
        let before = |chars: &mut usize, chunk: &[u8]| {
            let before = *chars;
            *chars += count_starts(chunk);
            Some(before)
        };
        text.as_bytes().chunks(Self::STRIDE).scan(0, before).collect()
    }
}

/// How many code points start in these bytes of UTF-8.
fn count_starts(bytes: &[u8]) -> usize {
    bytes.iter().filter(|b| (**b as i8) >= -0x40).count()
}

#[cfg(test)]
mod tests;
