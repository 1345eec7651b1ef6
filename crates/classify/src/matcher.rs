//! Finding matches in one text: a keyword pass, a byte-class pass, then one linear-time regex per detector that was
//! triggered, within bounded windows.

use crate::{
    detectors::{BuildError, Detector, Prefilter, ValidatorFailure, validator_named},
    marker::Markers,
    prefilter::{Regions, ceil_boundary, floor_boundary},
    words::{WordCursor, is_placeholder, measure_entropy},
};
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use interven_types::{Confidence, DataClass};
use regex_automata::{
    Anchored, Input, MatchKind, PatternSet,
    meta::{Config, Regex},
    util::syntax,
};
use std::{collections::BTreeMap, ops::Range};

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
    keywords: AhoCorasick,
    /// Detectors of each keyword of `keywords`, with their window.
    triggered: Vec<Vec<(usize, usize)>>,
    groups: Vec<Group>,
    rules: Vec<Rule>,
    markers: Markers,
}

/// Detectors that share a prefilter; one automaton tells which of them match in a region at all.
#[derive(Debug)]
struct Group {
    prefilter: Prefilter,
    any: Regex,
    members: Vec<usize>,
}

/// What is compiled of one detector.
#[derive(Debug)]
struct Rule {
    regex: Regex,
    class: DataClass,
    confidence: Confidence,
    validator: Option<fn(&str) -> bool>,
    validator_failure: Option<ValidatorFailure>,
    min_entropy: Option<f64>,
    context: Option<AhoCorasick>,
    required_context: bool,
    doubt: Option<AhoCorasick>,
    allow: Vec<String>,
}

/// Largest compiled pattern, in bytes.
const PATTERN_SIZE_LIMIT: usize = 4 << 20;

impl Matcher {
    pub(crate) fn new(detectors: &[Detector]) -> Result<Self, BuildError> {
        let rules = detectors.iter().map(Rule::new).collect::<Result<Vec<_>, _>>()?;

        let mut by_keyword = BTreeMap::<&str, Vec<(usize, usize)>>::new();
        for (index, detector) in detectors.iter().enumerate() {
            for keyword in &detector.keywords {
                by_keyword.entry(keyword).or_default().push((index, detector.window));
            }
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(by_keyword.keys())
            .map_err(|e| BuildError::Index(e.to_string()))?;

        let mut groups = Vec::new();
        for prefilter in [Prefilter::Digits, Prefilter::AtSign, Prefilter::Colons, Prefilter::Hex] {
            let members: Vec<usize> = detectors
                .iter()
                .enumerate()
                .filter(|(_, d)| d.prefilter == Some(prefilter))
                .map(|(index, _)| index)
                .collect();
            if members.is_empty() {
                continue;
            }
            let patterns: Vec<&str> =
                members.iter().filter_map(|i| detectors.get(*i)).map(|d| d.pattern.as_str()).collect();
            groups.push(Group {
                prefilter,
                any: compile(&patterns, MatchKind::All).map_err(BuildError::Index)?,
                members,
            });
        }
        Ok(Self {
            keywords,
            triggered: by_keyword.into_values().collect(),
            groups,
            rules,
            markers: Markers::of(detectors),
        })
    }

    /// Every match in `text`, ordered by detector, then start.
    pub(crate) fn find(&self, text: &str) -> Vec<Match> {
        let mut matches = Vec::new();
        for (detector, regions) in self.regions(text) {
            if let Some(rule) = self.rules.get(detector) {
                rule.find(text, &regions, detector, &self.markers, &mut matches);
            }
        }
        matches
    }

    /// Where each triggered detector has to look: merged windows in rising order.
    fn regions(&self, text: &str) -> BTreeMap<usize, Vec<Range<usize>>> {
        let mut regions = BTreeMap::<usize, Vec<Range<usize>>>::new();
        for found in self.keywords.find_overlapping_iter(text) {
            for (detector, window) in self.triggered.get(found.pattern().as_usize()).into_iter().flatten() {
                let list = regions.entry(*detector).or_default();
                let (start, end) = (found.start().saturating_sub(*window), found.end() + window);
                // Keywords are reported by their ends, so only the last region can touch this one.
                match list.last_mut() {
                    Some(last) if start <= last.end => {
                        *last = last.start.min(start)..last.end.max(end);
                    }
                    _ => list.push(start..end),
                }
            }
        }
        for list in regions.values_mut() {
            for region in list {
                *region = floor_boundary(text, region.start)..ceil_boundary(text, region.end);
            }
        }
        if !self.groups.is_empty() {
            let triggers = Regions::find(text);
            for group in &self.groups {
                group.narrow(text, triggers.of(group.prefilter), &mut regions);
            }
        }
        regions
    }
}

impl Group {
    /// Keeps, per detector, the regions in which its pattern matches.
    fn narrow(&self, text: &str, regions: &[Range<usize>], into: &mut BTreeMap<usize, Vec<Range<usize>>>) {
        let mut matching = PatternSet::new(self.any.pattern_len());
        for region in regions {
            matching.clear();
            self.any.which_overlapping_matches(&Input::new(text).span(region.clone()), &mut matching);
            for pattern in matching.iter() {
                if let Some(detector) = self.members.get(pattern.as_usize()) {
                    into.entry(*detector).or_default().push(region.clone());
                }
            }
        }
    }
}

impl Rule {
    fn new(detector: &Detector) -> Result<Self, BuildError> {
        let fail = |problem: String| BuildError::detector(&detector.id, problem);
        let validator = match &detector.validator {
            Some(name) => Some(
                validator_named(name).ok_or_else(|| fail(format!("names the unknown validator `{name}`")))?,
            ),
            None => None,
        };
        Ok(Self {
            regex: compile(&[&detector.pattern], MatchKind::LeftmostFirst).map_err(&fail)?,
            class: detector.class,
            confidence: detector.confidence,
            validator,
            validator_failure: detector.validator_failure,
            min_entropy: detector.min_entropy,
            context: index_words(&detector.context).map_err(&fail)?,
            required_context: detector.required_context,
            doubt: index_words(&detector.doubt).map_err(&fail)?,
            allow: detector.allow.iter().map(|a| a.to_ascii_lowercase()).collect(),
        })
    }

    fn find(
        &self,
        text: &str,
        regions: &[Range<usize>],
        detector: usize,
        markers: &Markers,
        into: &mut Vec<Match>,
    ) {
        let mut context = self.context.as_ref().map(|words| WordCursor::new(words, text));
        let mut doubt = self.doubt.as_ref().map(|words| WordCursor::new(words, text));
        let mut captures = self.regex.create_captures();
        for region in regions {
            let mut from = region.start;
            while from < region.end {
                let Some(whole) = self.regex.search(&Input::new(text).span(from..region.end)) else { break };
                let span = if self.regex.captures_len() > 1 {
                    let here = Input::new(text).span(whole.start()..whole.end()).anchored(Anchored::Yes);
                    self.regex.search_captures(&here, &mut captures);
                    captures.get_group(1).map_or(whole.range(), |group| group.range())
                } else {
                    whole.range()
                };
                let span = ceil_boundary(text, span.start)..floor_boundary(text, span.end);
                // The text after the value may open the next match.
                from = span.end.max(whole.start() + 1);
                if let Some(confidence) = self.judge(text, &span, markers, context.as_mut(), doubt.as_mut()) {
                    into.push(Match { detector, span, confidence });
                }
            }
        }
    }

    fn judge(
        &self,
        text: &str,
        span: &Range<usize>,
        markers: &Markers,
        context: Option<&mut WordCursor<'_, '_>>,
        doubt: Option<&mut WordCursor<'_, '_>>,
    ) -> Option<Confidence> {
        let value = text.get(span.clone()).filter(|v| !v.is_empty())?;
        if markers.are_all_of(text, span)
            || self.min_entropy.is_some_and(|least| measure_entropy(value) < least)
        {
            return None;
        }
        let mut confidence = self.confidence;
        if self.validator.is_some_and(|is_valid| !is_valid(value)) {
            confidence = confidence.min(self.validator_failure?.confidence());
        }
        if let Some(words) = context
            && !words.is_near(span)
        {
            if self.required_context {
                return None;
            }
            confidence = one_lower(confidence);
        }
        let is_allowed = || {
            let lower = value.to_ascii_lowercase();
            self.allow.iter().any(|part| lower.contains(part))
        };
        let is_example = self.class == DataClass::Secrets && is_placeholder(value);
        if is_example || (!self.allow.is_empty() && is_allowed()) || doubt.is_some_and(|d| d.is_near(span)) {
            confidence = Confidence::Low;
        }
        Some(confidence)
    }
}

fn one_lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}

fn index_words(words: &[String]) -> Result<Option<AhoCorasick>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    let index = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .build(words)
        .map_err(|e| e.to_string())?;
    Ok(Some(index))
}

/// Compiles patterns over bytes with ASCII classes: `\b`, `\w` and `.` stay in the fast automaton whatever the text.
fn compile(patterns: &[&str], kind: MatchKind) -> Result<Regex, String> {
    Regex::builder()
        .configure(Config::new().match_kind(kind).utf8_empty(false).nfa_size_limit(Some(PATTERN_SIZE_LIMIT)))
        .syntax(syntax::Config::new().unicode(false).utf8(false).nest_limit(50))
        .build_many(patterns)
        .map_err(|e| {
            let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
            format!("has a pattern that does not compile: {e}: {cause}")
        })
}
