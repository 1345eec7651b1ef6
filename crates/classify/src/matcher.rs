//! Finding matches in one text: a keyword pass, passes over the bytes, then one linear-time regex per detector that was
//! triggered, within bounded windows. Patterns are compiled when they are first needed.

use crate::{
    checksum::token::is_sample_jwt,
    detectors::{BuildError, Detector, Origin, Prefilter, ValidatorFailure, validator_named},
    labels::{is_labelled, is_named},
    marker::Markers,
    pattern::{LazyPattern, Pattern},
    prefilter::{Regions, ceil_boundary, floor_boundary},
    table::Column,
    windows::{Triggers, Windows},
    words::{WordCursor, Words, is_placeholder, measure_entropy},
};
use interven_types::{Confidence, DataClass};
use regex_automata::{Input, MatchKind, PatternSet, util::captures::Captures};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// Context words count within 200 bytes, and no prefilter looks further than 260.
const NARROWEST_REACH: usize = 260;

/// A match whose checks passed, in bytes of the searched text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Index into the detectors the matcher was built from.
    pub(crate) detector: usize,
    pub(crate) span: Range<usize>,
    pub(crate) confidence: Confidence,
}

#[derive(Debug)]
pub(crate) struct Matcher {
    triggers: Triggers,
    groups: Vec<Group>,
    rules: Vec<Rule>,
    markers: Markers,
}

/// Detectors that share a prefilter; one automaton tells which of them match in a region at all.
#[derive(Debug)]
struct Group {
    prefilter: Prefilter,
    any: Arc<LazyPattern>,
    /// The detector of each pattern; none where the detector is switched off.
    members: Vec<Option<usize>>,
    /// The confidence of the surest of them.
    most: Confidence,
}

/// One detector, ready to search.
#[derive(Debug)]
struct Rule {
    id: String,
    window: usize,
    pattern: Arc<LazyPattern>,
    /// Most bytes of a match of a shipped pattern that lies round a keyword.
    longest: Option<usize>,
    /// Longest stretch that one search sees the start of a match in; none for shipped patterns, which are known to be
    /// cheap.
    stretch: Option<usize>,
    class: DataClass,
    confidence: Confidence,
    validator: Option<fn(&str) -> bool>,
    validator_failure: Option<ValidatorFailure>,
    min_entropy: Option<f64>,
    context: Option<Words>,
    required_context: bool,
    labels: Option<Words>,
    bare: Option<Confidence>,
    doubt: Option<Words>,
    other_names: Option<Words>,
    allow: Vec<String>,
}

/// What a value says of itself.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    confidence: Confidence,
    /// Whether it is an advertised example, or allowed.
    is_example: bool,
}

/// The values that a rule judged last: logs and lists repeat theirs, and a check may cost more than finding the value.
#[derive(Default)]
struct Recent<'t> {
    judged: [Option<(&'t str, Option<Verdict>)>; 4],
    /// Where the next value goes.
    next: usize,
}

impl<'t> Recent<'t> {
    /// Whether `value` was found to be none: its place need not be looked at.
    fn has_refused(&self, value: &str) -> bool {
        self.judged.iter().flatten().any(|(known, verdict)| verdict.is_none() && *known == value)
    }

    fn verdict(&mut self, value: &'t str, judge: impl Fn(&str) -> Option<Verdict>) -> Option<Verdict> {
        if let Some((_, verdict)) = self.judged.iter().flatten().find(|(known, _)| *known == value) {
            return *verdict;
        }
        let verdict = judge(value);
        if let Some(oldest) = self.judged.get_mut(self.next) {
            *oldest = Some((value, verdict));
        }
        self.next = (self.next + 1) % self.judged.len();
        verdict
    }
}

impl Matcher {
    pub(crate) fn new(detectors: &[Detector]) -> Result<Self, BuildError> {
        let groups = Prefilter::ALL.into_iter().filter_map(|prefilter| Group::of(prefilter, detectors));
        let rules = detectors.iter().map(|d| Rule::new(d, None)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::with(detectors, rules, groups.collect()))
    }

    /// A matcher of `detectors`, most of which `self` was made from: it shares what is compiled.
    pub(crate) fn adapt(&self, detectors: &[Detector]) -> Result<Self, BuildError> {
        let compiled: BTreeMap<&str, &Arc<LazyPattern>> =
            self.rules.iter().map(|rule| (rule.id.as_str(), &rule.pattern)).collect();
        let same = |d: &Detector| {
            compiled
                .get(d.id.as_str())
                .filter(|pattern| pattern.is_of(&d.pattern))
                .map(|pattern| Arc::clone(pattern))
        };
        let rules = detectors.iter().map(|d| Rule::new(d, same(d))).collect::<Result<Vec<_>, _>>()?;
        let positions: BTreeMap<&str, usize> = detectors
            .iter()
            .enumerate()
            .filter(|(_, d)| d.origin == Origin::Shipped)
            .map(|(n, d)| (d.id.as_str(), n))
            .collect();
        let position = |member: &Option<usize>| {
            member.and_then(|n| self.rules.get(n)).and_then(|rule| positions.get(rule.id.as_str()).copied())
        };
        let groups = self.groups.iter().map(|group| Group {
            prefilter: group.prefilter,
            any: Arc::clone(&group.any),
            members: group.members.iter().map(position).collect(),
            most: group.most,
        });
        Ok(Self::with(detectors, rules, groups.collect()))
    }

    fn with(detectors: &[Detector], rules: Vec<Rule>, mut groups: Vec<Group>) -> Self {
        for group in &mut groups {
            let of_members = group.members.iter().flatten().filter_map(|n| rules.get(*n));
            group.most = of_members.map(|rule| rule.confidence).max().unwrap_or(Confidence::Low);
        }

        Self { triggers: Triggers::of(detectors), groups, rules, markers: Markers::of(detectors) }
    }

    /// Compiles every pattern that is not compiled yet.
    ///
    /// # Errors
    /// The first pattern that does not compile, which the tests rule out for shipped ones.
    pub(crate) fn compile_all(&self) -> Result<(), BuildError> {
        for rule in &self.rules {
            rule.pattern.compile().map_err(|problem| BuildError::detector(&rule.id, problem))?;
        }
        self.groups.iter().try_for_each(|group| group.any.compile().map(|_| ()).map_err(BuildError::Index))
    }

    pub(crate) fn markers(&self) -> &Markers {
        &self.markers
    }

    /// Every match in `text` of a detector that may be as sure as `least`, ordered by detector, then start. Raises `reach` to
    /// how far, in bytes, what stands beside a match may have mattered to it.
    pub(crate) fn find(&self, text: &str, least: Confidence, reach: &mut usize) -> Vec<Match> {
        let mut matches = Vec::new();
        *reach = NARROWEST_REACH.max(*reach);
        let windows = self.windows(text, least);
        for (detector, regions) in windows.iter() {
            if let Some(rule) = self.rules.get(detector).filter(|rule| rule.confidence >= least) {
                *reach = rule.window.max(*reach);
                let columns = windows.columns_of(detector);
                rule.find(text, regions, detector, &self.markers, &columns, &mut matches);
            }
        }
        matches
    }

    fn windows(&self, text: &str, least: Confidence) -> Windows {
        let mut windows = self.triggers.windows(text);
        let groups = || self.groups.iter().filter(|group| group.most >= least);
        let regions = Regions::find(text, |prefilter| groups().any(|group| group.prefilter == prefilter));
        for group in groups() {
            group.narrow(text, regions.of(group.prefilter), &mut windows);
        }
        windows.sort();
        windows
    }
}

impl Group {
    fn of(prefilter: Prefilter, detectors: &[Detector]) -> Option<Self> {
        let members = || detectors.iter().enumerate().filter(|(_, d)| d.prefilter == Some(prefilter));
        let patterns: Vec<String> = members().map(|(_, d)| d.pattern.clone()).collect();
        (!patterns.is_empty()).then(|| Self {
            prefilter,
            any: Arc::new(LazyPattern::new(patterns, MatchKind::All)),
            members: members().map(|(n, _)| Some(n)).collect(),
            most: Confidence::Low,
        })
    }

    /// Keeps, per detector, the regions in which its pattern matches.
    fn narrow(&self, text: &str, regions: &[Range<usize>], into: &mut Windows) {
        // One search tells as much.
        if let [Some(detector)] = self.members.as_slice() {
            regions.iter().for_each(|region| into.add(*detector, region.clone()));
            return;
        }
        if regions.is_empty() {
            return;
        }
        let any = &self.any.get().regex;
        let mut matching = PatternSet::new(any.pattern_len());
        for region in regions {
            matching.clear();
            any.which_overlapping_matches(&Input::new(text).span(region.clone()), &mut matching);
            for pattern in matching.iter() {
                if let Some(Some(detector)) = self.members.get(pattern.as_usize()) {
                    into.add(*detector, region.clone());
                }
            }
        }
    }
}

impl Rule {
    /// With `compiled`, the same pattern as compiled elsewhere.
    fn new(detector: &Detector, compiled: Option<Arc<LazyPattern>>) -> Result<Self, BuildError> {
        let fail = |problem: String| BuildError::detector(&detector.id, problem);
        let validator = match &detector.validator {
            Some(name) => Some(
                validator_named(name).ok_or_else(|| fail(format!("names the unknown validator `{name}`")))?,
            ),
            None => None,
        };
        let new = || match detector.origin {
            Origin::Custom => LazyPattern::of_tenant(detector.pattern.clone()),
            Origin::Shipped | Origin::Markers => {
                LazyPattern::new(vec![detector.pattern.clone()], MatchKind::LeftmostFirst)
            }
        };
        let pattern = compiled.unwrap_or_else(|| Arc::new(new()));
        if detector.origin != Origin::Shipped {
            // Made from what a tenant wrote, not from data that the tests compile.
            pattern.compile().map_err(&fail)?;
        }
        let longest_keyword = detector.keywords.iter().map(String::len).max();
        let longest = longest_keyword.map(|keyword| 2 * detector.window + keyword);
        Ok(Self {
            id: detector.id.clone(),
            window: detector.window,
            pattern,
            longest: longest.filter(|_| detector.origin == Origin::Shipped && detector.labels.is_empty()),
            stretch: longest.filter(|_| detector.origin == Origin::Custom),
            class: detector.class,
            confidence: detector.confidence,
            validator,
            validator_failure: detector.validator_failure,
            min_entropy: detector.min_entropy,
            context: Words::new(&detector.context),
            required_context: detector.required_context,
            labels: Words::new(&detector.labels),
            bare: detector.bare,
            doubt: Words::new(&detector.doubt),
            other_names: Words::new(&detector.other_names),
            allow: detector.allow.iter().map(|a| a.to_ascii_lowercase()).collect(),
        })
    }

    fn find(
        &self,
        text: &str,
        regions: &[Range<usize>],
        detector: usize,
        markers: &Markers,
        columns: &[&Column],
        into: &mut Vec<Match>,
    ) {
        let mut context = self.context.as_ref().map(|words| WordCursor::new(words, text));
        let mut doubt = self.doubt.as_ref().map(|words| WordCursor::new(words, text));
        let pattern = self.pattern.get();
        let mut captures = None;
        let mut recent = Recent::default();
        for part in regions.iter().flat_map(|region| self.parts(pattern, text, region.clone())) {
            let mut from = part.start;
            while from < part.end {
                let Some((whole, span)) = self.next_match(pattern, text, from..part.end, &mut captures)
                else {
                    break;
                };
                let span = ceil_boundary(text, span.start)..floor_boundary(text, span.end);
                // The text after the value may open the next match.
                from = span.end.max(whole.start + 1);
                let value = text.get(span.clone()).unwrap_or_default();
                if recent.has_refused(value) {
                    continue;
                }
                let confidence = self.limit_by_label(text, &span, columns).and_then(|(most, head)| {
                    if markers.are_all_of(text, &span) {
                        return None;
                    }
                    let verdict = recent.verdict(value, |value| self.judge_value(value))?;
                    let is_headed =
                        head.is_some_and(|head| self.context.as_ref().is_some_and(|c| c.are_in(head)));
                    let context = context.as_mut().map(|words| is_headed || words.is_near(&span));
                    let judged = self.judge_place(verdict, text, &span, context, doubt.as_mut())?;
                    Some(judged.min(most))
                });
                if let Some(confidence) = confidence {
                    into.push(Match { detector, span, confidence });
                }
            }
        }
    }

    /// The parts of a region in which there may be a match: all of it, unless the pattern needs a byte that is not everywhere.
    fn parts(
        &self,
        pattern: &Pattern,
        text: &str,
        region: Range<usize>,
    ) -> impl Iterator<Item = Range<usize>> {
        let needs = pattern.needs.as_ref().zip(self.longest);
        let mut from = region.start;
        std::iter::from_fn(move || {
            let rest = from..region.end;
            if rest.is_empty() {
                return None;
            }
            let part = match needs {
                Some((needs, longest)) => needs.next_part(text.as_bytes(), &rest, longest)?,
                None => rest,
            };
            from = part.end;
            Some(part)
        })
    }

    /// The leftmost match in `region`, and its value. A tenant's pattern may look to the end of a region for every short
    /// match, which over many matches is quadratic: it sees a stretch at a time, twice as long as a match may be.
    fn next_match(
        &self,
        pattern: &Pattern,
        text: &str,
        region: Range<usize>,
        captures: &mut Option<Captures>,
    ) -> Option<(Range<usize>, Range<usize>)> {
        let Some(stretch) = self.stretch else { return pattern.find(text, region, captures) };
        let mut from = region.start;
        while from < region.end {
            let end = (from + 2 * stretch).min(region.end);
            match pattern.find_whole(text, from..end, captures) {
                Some(found) if found.0.start <= from + stretch || end == region.end => return Some(found),
                // It may go on behind the end of the stretch.
                Some((whole, _)) => from = whole.start,
                None => from += stretch,
            }
        }
        None
    }

    /// What the value says, wherever it stands; `None` if it is none.
    fn judge_value(&self, value: &str) -> Option<Verdict> {
        if value.is_empty() || self.min_entropy.is_some_and(|least| measure_entropy(value) < least) {
            return None;
        }
        let mut confidence = self.confidence;
        if self.validator.is_some_and(|is_valid| !is_valid(value)) {
            confidence = confidence.min(self.validator_failure?.confidence());
        }
        let is_allowed = || {
            let lower = value.to_ascii_lowercase();
            self.allow.iter().any(|part| lower.contains(part))
        };
        let is_example = self.class == DataClass::Secrets && (is_placeholder(value) || is_sample_jwt(value));
        Some(Verdict { confidence, is_example: is_example || (!self.allow.is_empty() && is_allowed()) })
    }

    /// How sure a match is by the `verdict` on its value and the words round it.
    fn judge_place(
        &self,
        verdict: Verdict,
        text: &str,
        span: &Range<usize>,
        has_context: Option<bool>,
        doubt: Option<&mut WordCursor<'_, '_>>,
    ) -> Option<Confidence> {
        let mut confidence = verdict.confidence;
        if has_context == Some(false) {
            if self.required_context {
                return None;
            }
            confidence = one_lower(confidence);
        }
        if has_context != Some(true)
            && self.other_names.as_ref().is_some_and(|names| is_named(names, text, span))
        {
            confidence = Confidence::Low;
        }
        if verdict.is_example || doubt.is_some_and(|d| d.is_near(span)) {
            confidence = Confidence::Low;
        }
        Some(confidence)
    }

    /// The most that a match can count for by its label, and the head of the table in whose column it stands, if it does;
    /// `None` where it needs a label and has none.
    fn limit_by_label<'t>(
        &self,
        text: &'t str,
        span: &Range<usize>,
        columns: &[&Column],
    ) -> Option<(Confidence, Option<&'t str>)> {
        let Some(labels) = &self.labels else { return Some((Confidence::High, None)) };
        if let Some(column) = columns.iter().find(|column| column.holds(text, span)) {
            return Some((Confidence::High, text.get(column.names.clone())));
        }
        if is_labelled(labels, text, span) {
            return Some((Confidence::High, None));
        }
        self.bare.map(|bare| (bare, None))
    }
}

fn one_lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}
