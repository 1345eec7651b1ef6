//! Why a detector finds what it finds in a text, and why not: for the command line, and for who writes detectors.

use crate::{
    checksum::token::is_sample_jwt,
    detectors::{BuildError, Detector, Prefilter, validator_named},
    labels::{is_labelled, is_named},
    matcher::Matcher,
    pattern::{LazyPattern, Pattern},
    words::{WordCursor, Words, is_placeholder, is_word_at, measure_entropy},
};
use interven_types::{Confidence, DataClass};
use regex_automata::MatchKind;
use serde::Serialize;
use std::{fmt, ops::Range};

/// Most values of a text that are explained.
const MOST_VALUES: usize = 100;

/// What a detector makes of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Everything that its pattern matches, in order, up to a hundred.
    pub values: Vec<ProbedValue>,
    /// What keeps it from looking at all.
    pub obstacles: Vec<Reason>,
}

/// A part of the text that the pattern matches.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbedValue {
    /// In bytes.
    pub span: Range<usize>,
    /// Absent when it counts for nothing.
    pub confidence: Option<Confidence>,
    /// What lowered it or ruled it out.
    pub reasons: Vec<Reason>,
}

/// Why a value counts for less than the detector's confidence, or for nothing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// None of these words, which it starts from, stands in the text.
    NoKeyword(Vec<String>),
    /// The pattern matches nothing.
    NoMatch,
    /// The nearest keyword is further away than this, in bytes.
    FarFromKeyword(usize),
    /// Nothing of the kind that it looks round stands there: digits, an `@`.
    NothingToLookRound(&'static str),
    /// The validator of this name says no.
    Refused(String),
    /// Shannon entropy in bits per byte, and the least that is asked for.
    LowEntropy { bits: f64, least: f64 },
    /// None of these words stands within 200 bytes.
    NoContext(Vec<String>),
    /// None of these words stands right at it.
    NoLabel(Vec<String>),
    /// It is an example, a reference or a placeholder.
    Placeholder,
    /// It holds one of the parts that make a value harmless.
    Allowed,
    /// A word that makes it doubtful stands near.
    Doubted,
    /// The word right before it names something else.
    NamedOtherwise,
    /// It is what redaction left, or is ruled out beside its neighbours.
    RuledOut,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKeyword(words) => write!(f, "none of its keywords stands in the text: {}", quote(words)),
            Self::NoMatch => f.write_str("its pattern does not match"),
            Self::FarFromKeyword(window) => {
                write!(f, "the match does not lie within {window} bytes of a keyword")
            }
            Self::NothingToLookRound(what) => write!(f, "it looks only round {what}"),
            Self::Refused(name) => write!(f, "the validator `{name}` refuses it"),
            Self::LowEntropy { bits, least } => {
                write!(f, "its entropy of {bits:.1} bits per byte is below {least:.1}")
            }
            Self::NoContext(words) => write!(f, "none of its context words is near: {}", quote(words)),
            Self::NoLabel(words) => write!(f, "none of its labels stands right at it: {}", quote(words)),
            Self::Placeholder => f.write_str("it is an example, a reference or a placeholder"),
            Self::Allowed => f.write_str("it holds a part that makes it harmless"),
            Self::NamedOtherwise => f.write_str("the word right before it names something else"),
            Self::Doubted => f.write_str("a word near it makes it doubtful"),
            Self::RuledOut => f.write_str("it is a redaction marker, or part of another match"),
        }
    }
}

fn quote(words: &[String]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = words.iter().take(MOST).map(|word| format!("`{word}`")).collect();
    let more = if words.len() > MOST { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// One detector, ready to be tried on texts.
#[derive(Debug)]
pub struct Prober<'d> {
    detector: &'d Detector,
    matcher: Matcher,
    pattern: LazyPattern,
}

impl<'d> Prober<'d> {
    /// # Errors
    /// A detector that cannot be compiled, which the tests rule out for shipped ones.
    pub fn new(detector: &'d Detector) -> Result<Self, BuildError> {
        let matcher = Matcher::new(std::slice::from_ref(detector))?;
        matcher.compile_all()?;
        let pattern = LazyPattern::new(vec![detector.pattern.clone()], MatchKind::LeftmostFirst);
        pattern.compile().map_err(|problem| BuildError::detector(&detector.id, problem))?;
        Ok(Self { detector, matcher, pattern })
    }

    /// Tries the detector alone on `text` as it stands: no layer is opened, and no other detector takes precedence.
    pub fn probe(&self, text: &str) -> Probe {
        let found = self.matcher.find(text, Confidence::Low, &mut 0);
        let mut spans = find_values(self.pattern.get(), text);
        // Where it looks at parts of the text only, it may see other matches than in the whole.
        spans.extend(found.iter().map(|found| found.span.clone()));
        spans.sort_by_key(|span| (span.start, span.end));
        spans.dedup();
        spans.truncate(MOST_VALUES);

        let keyword_obstacle = self.detector.keyword_obstacle(text);
        let values = spans.into_iter().map(|span| {
            let confidence = found.iter().find(|found| found.span == span).map(|found| found.confidence);
            let is_less = confidence < Some(self.detector.confidence);
            let mut reasons = if is_less { self.detector.judge(text, &span) } else { Vec::new() };
            if confidence.is_none() && keyword_obstacle.is_none() && reasons.is_empty() {
                reasons.push(self.detector.reach());
            }
            ProbedValue { span, confidence, reasons }
        });
        let values: Vec<_> = values.collect();
        let mut obstacles = Vec::from_iter(keyword_obstacle);
        if values.is_empty() {
            obstacles.push(Reason::NoMatch);
        }
        Probe { values, obstacles }
    }
}

impl Detector {
    fn keyword_obstacle(&self, text: &str) -> Option<Reason> {
        let lower = text.to_ascii_lowercase();
        let stands = |keyword: &String| {
            lower
                .match_indices(keyword.as_str())
                .any(|(at, found)| !self.has_word_keywords || is_word_at(text, at..at + found.len()))
        };
        let is_absent = !self.keywords.is_empty() && !self.keywords.iter().any(stands);
        is_absent.then(|| Reason::NoKeyword(self.keywords.clone()))
    }

    /// Why it does not look at a match that nothing else rules out.
    fn reach(&self) -> Reason {
        match self.prefilter {
            None if self.keywords.is_empty() => Reason::RuledOut,
            None => Reason::FarFromKeyword(self.window),
            Some(prefilter) => Reason::NothingToLookRound(prefilter.describe()),
        }
    }

    /// Everything that speaks against the value at `span`, as the matcher weighs it.
    fn judge(&self, text: &str, span: &Range<usize>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let value = text.get(span.clone()).unwrap_or_default();
        if let Some(least) = self.min_entropy
            && measure_entropy(value) < least
        {
            reasons.push(Reason::LowEntropy { bits: measure_entropy(value), least });
        }
        if let Some(name) = &self.validator
            && validator_named(name).is_some_and(|is_valid| !is_valid(value))
        {
            reasons.push(Reason::Refused(name.clone()));
        }
        let is_near =
            |list: &[String]| Words::new(list).map(|words| WordCursor::new(&words, text).is_near(span));
        if is_near(&self.context) == Some(false) {
            reasons.push(Reason::NoContext(self.context.clone()));
        }
        if Words::new(&self.labels).is_some_and(|labels| !is_labelled(&labels, text, span)) {
            reasons.push(Reason::NoLabel(self.labels.clone()));
        }
        if self.class == DataClass::Secrets && (is_placeholder(value) || is_sample_jwt(value)) {
            reasons.push(Reason::Placeholder);
        }
        let lower = value.to_ascii_lowercase();
        if self.allow.iter().any(|part| lower.contains(&part.to_ascii_lowercase())) {
            reasons.push(Reason::Allowed);
        }
        if is_near(&self.doubt) == Some(true) {
            reasons.push(Reason::Doubted);
        }
        if is_near(&self.context) != Some(true)
            && Words::new(&self.other_names).is_some_and(|names| is_named(&names, text, span))
        {
            reasons.push(Reason::NamedOtherwise);
        }
        reasons
    }
}

impl Prefilter {
    /// What stands where a detector looks, for people.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Digits => "groups of digits that are no time and no UUID",
            Self::Postcodes => "postcodes",
            Self::AtSign => "an `@`",
            Self::Colons => "colons between hexadecimal digits",
            Self::Runs => "20 or more letters and digits in a row",
            Self::SeedWords => "12 or more words of the seed phrase list",
        }
    }
}

/// What a detector starts from and what a value has to pass.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Checks<'d> {
    /// Words, in lower case, round which it looks.
    pub keywords: &'d [String],
    /// What it looks round where it has no keywords.
    pub looks_round: Option<&'static str>,
    /// Regular expression whose first group, or all of it, is the value.
    pub pattern: &'d str,
    /// Name of a checksum, a structure or a plausibility that the value must have.
    pub validator: Option<&'d str>,
    /// Confidence of a value that the validator refuses; absent when it then counts for nothing.
    pub confidence_if_refused: Option<Confidence>,
    /// Shannon bits per byte.
    pub min_entropy: Option<f64>,
    /// Words within 200 bytes; without one a value drops a level.
    pub context: &'d [String],
    /// Without a context word a value counts for nothing.
    pub required_context: bool,
    /// Words that have to stand right before or after a value, or at the head of its column.
    pub labels: &'d [String],
    /// Confidence of a value without one of `labels`; absent when it then counts for nothing.
    pub confidence_if_bare: Option<Confidence>,
    /// Words within 200 bytes that make a value LOW.
    pub doubt: &'d [String],
    /// Words that make a value LOW where they name it, unless a word of `context` is near.
    pub other_names: &'d [String],
    /// Parts of a value that make it LOW.
    pub allow: &'d [String],
}

impl Detector {
    pub fn checks(&self) -> Checks<'_> {
        Checks {
            keywords: &self.keywords,
            looks_round: self.prefilter.map(Prefilter::describe),
            pattern: &self.pattern,
            validator: self.validator.as_deref(),
            confidence_if_refused: self.validator_failure.map(|failure| failure.confidence()),
            min_entropy: self.min_entropy,
            context: &self.context,
            required_context: self.required_context,
            labels: &self.labels,
            confidence_if_bare: self.bare,
            doubt: &self.doubt,
            other_names: &self.other_names,
            allow: &self.allow,
        }
    }
}

/// The value of each match in the whole text.
fn find_values(pattern: &Pattern, text: &str) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut captures = None;
    let mut from = 0;
    while values.len() < MOST_VALUES
        && let Some((whole, value)) = pattern.find(text, from..text.len(), &mut captures)
    {
        let value = text.ceil_char_boundary(value.start)..text.floor_char_boundary(value.end);
        from = value.end.max(whole.start + 1);
        values.push(value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detectors::shipped;

    #[test]
    fn every_example_in_the_data_is_explained() {
        for detector in shipped().unwrap() {
            let prober = Prober::new(&detector).unwrap();
            for text in &detector.positive {
                let probe = prober.probe(text);
                assert!(
                    probe.values.iter().any(|v| v.confidence.is_some()),
                    "{} {text}: {probe:?}",
                    detector.id
                );
            }
            for text in &detector.negative {
                let probe = prober.probe(text);
                let is_explained = !probe.obstacles.is_empty()
                    || probe
                        .values
                        .iter()
                        .all(|v| !v.reasons.is_empty() || v.confidence == Some(detector.confidence));
                assert!(is_explained, "{} {text}: {probe:?}", detector.id);
            }
        }
    }

    #[test]
    fn reasons_name_what_is_missing() {
        let detectors = shipped().unwrap();
        let reasons = |id: &str, text: &str| {
            let detector = detectors.iter().find(|d| d.id == id).unwrap();
            let probe = Prober::new(detector).unwrap().probe(text);
            let reasons = probe.values.into_iter().flat_map(|v| v.reasons).chain(probe.obstacles);
            reasons.map(|reason| reason.to_string()).collect::<Vec<_>>().join("; ")
        };
        for (id, text, reason) in [
            ("payment_card", "card 4111 1111 1111 1112", "the validator `payment_card` refuses it"),
            ("payment_card", "4111 1111 1111 1111", "none of its context words is near: `card`"),
            ("us_ssn_labelled", "lesson 536904399", "none of its keywords stands in the text: `ssn`"),
            ("iban", "no number here", "its pattern does not match"),
            ("nl_bsn", "bsn of 2024: none, order: 111222333", "none of its labels stands right at it: `bsn`"),
            ("us_ssn", "isbn 536-90-4399", "a word near it makes it doubtful"),
        ] {
            let told = reasons(id, text);
            assert!(told.contains(reason), "{id} {text}: {told}");
        }
    }
}
