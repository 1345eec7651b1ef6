//! What a tenant writes is checked before it is stored: whatever is admitted loads, finds what it should, and costs
//! little.

use super::{
    Detector, TENANT_MARKER,
    derive::{parse_pattern, too_large},
    tenant::write_out,
};
use crate::{
    classifier::Options,
    keywords,
    marker::{FIELD, LONGEST_ID},
    matcher::Matcher,
    pattern::LazyPattern,
    words::NEAR,
};
use interven_types::{Confidence, CustomDetector, DetectorOverride};
use std::collections::BTreeSet;

const MOST_DETECTORS: usize = 100;
const LONGEST_SUMMARY: usize = 200;
const LONGEST_PATTERN: usize = 1_000;
/// Keywords, and context words, of one detector.
const MOST_WORDS: usize = 50;
const LONGEST_WORD: usize = 100;
/// Positive examples, and negative ones, of one detector.
const MOST_EXAMPLES: usize = 20;
const LONGEST_EXAMPLE: usize = 2_000;
const WINDOWS: std::ops::RangeInclusive<usize> = 16..=1_024;
/// RFC 1035, section 2.3.4.
const LONGEST_HOST: usize = 253;
const MOST_WEIGHT: f64 = 4.0;
/// The checks that say something of numbers of any issuer.
const VALIDATORS: [&str; 4] = ["luhn", "mod97", "mod11_10", "verhoeff"];

/// Why settings that concern detectors are not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {problem}")]
pub struct Refusal {
    /// Path of the field, such as `custom_detectors[2].pattern`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// What a detector found in one of its examples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleResult {
    /// Path below the detector, such as `positive[0]`.
    pub field: String,
    pub text: String,
    pub must_match: bool,
    /// The highest confidence of what was found.
    pub found: Option<Confidence>,
}

impl ExampleResult {
    pub fn holds(&self) -> bool {
        self.must_match == self.found.is_some()
    }
}

/// Checks everything of `options` that concerns detectors, against the `shipped` ones.
///
/// # Errors
/// The first field that is wrong.
pub(crate) fn admit(options: &Options<'_>, shipped: &[Detector]) -> Result<(), Refusal> {
    let custom = options.custom_detectors;
    if custom.len() > MOST_DETECTORS {
        let problem = format!("holds {} detectors; {MOST_DETECTORS} are allowed", custom.len());
        return Err(Refusal { field: "custom_detectors".to_owned(), problem });
    }
    let shipped_ids: BTreeSet<&str> = shipped.iter().map(|d| d.id.as_str()).collect();
    let mut own_ids = BTreeSet::new();
    for (n, detector) in custom.iter().enumerate() {
        let refuse = |(field, problem)| Refusal { field: format!("custom_detectors[{n}].{field}"), problem };
        check_id(&detector.id, &shipped_ids, &mut own_ids)
            .map_err(|problem| refuse(("id".to_owned(), problem)))?;
        check_custom(detector).map_err(refuse)?;
    }
    let known: BTreeSet<&str> = shipped_ids.into_iter().chain(own_ids).chain([TENANT_MARKER]).collect();
    let check_known = |field: String, id: &str| match known.contains(id) {
        true => Ok(()),
        false => Err(Refusal { field, problem: format!("names no detector: {}", unknown(id, &known)) }),
    };
    for id in options.disabled_detectors {
        check_known("disabled_detectors".to_owned(), id)?;
    }
    for (id, change) in options.detector_overrides {
        check_known("detector_overrides".to_owned(), id)?;
        check_override(id, change)?;
    }
    for (n, exception) in options.finding_exceptions.iter().enumerate() {
        if let Some(id) = &exception.detector {
            check_known(format!("finding_exceptions[{n}].detector"), id)?;
        }
    }
    Ok(())
}

/// Tries a detector on its own examples.
///
/// # Errors
/// A pattern that does not compile.
pub fn try_examples(custom: &CustomDetector) -> Result<Vec<ExampleResult>, Refusal> {
    let refuse = |problem: String| Refusal { field: "pattern".to_owned(), problem };
    let matcher = Matcher::new(&[write_out(custom)]).map_err(|error| refuse(error.to_string()))?;
    let results = |name: &'static str, texts: &[String], must_match: bool| {
        let each = texts.iter().enumerate().map(|(n, text)| ExampleResult {
            field: format!("{name}[{n}]"),
            text: text.clone(),
            must_match,
            found: matcher
                .find(text, Confidence::Low, &mut 0)
                .into_iter()
                .map(|found| found.confidence)
                .max(),
        });
        each.collect::<Vec<_>>()
    };
    Ok([results("positive", &custom.positive, true), results("negative", &custom.negative, false)].concat())
}

fn check_id<'a>(id: &'a str, shipped: &BTreeSet<&str>, own: &mut BTreeSet<&'a str>) -> Result<(), String> {
    let is_snake = id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let is_numbered = id
        .rsplit_once('_')
        .is_some_and(|(_, end)| !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit()));
    if !is_snake || id.len() > LONGEST_ID {
        return Err(format!(
            "must be snake_case of {LONGEST_ID} bytes at most, such as `acme_customer_number`; it is `{id}`"
        ));
    }
    if is_numbered {
        return Err(format!("must not end in `_` and digits, as numbered markers do; `{id}` does"));
    }
    if shipped.contains(id) || [TENANT_MARKER, FIELD].contains(&id) {
        return Err(format!(
            "is taken by a shipped detector; write `my_{id}`, or change `{id}` in `detector_overrides`"
        ));
    }
    if !own.insert(id) {
        return Err(format!("stands twice: `{id}`"));
    }
    Ok(())
}

type Problem = (String, String);

fn check_custom(detector: &CustomDetector) -> Result<(), Problem> {
    let refuse = |field: &str, problem: String| Err((field.to_owned(), problem));
    if detector.summary.trim().is_empty() || detector.summary.len() > LONGEST_SUMMARY {
        return refuse("summary", format!("must be one line of 1 to {LONGEST_SUMMARY} bytes"));
    }
    check_pattern(&detector.pattern).map_err(|problem| ("pattern".to_owned(), problem))?;
    for (field, words) in [("keywords", &detector.keywords), ("context", &detector.context)] {
        let is_wrong = |word: &String| {
            let size = keywords::SHORTEST..=LONGEST_WORD;
            !size.contains(&word.len()) || word.chars().any(char::is_uppercase) || word.trim().is_empty()
        };
        if words.len() > MOST_WORDS {
            return refuse(field, format!("holds {} texts; {MOST_WORDS} are allowed", words.len()));
        }
        if let Some(at) = words.iter().position(is_wrong) {
            let problem =
                format!("must be in lower case, {} to {LONGEST_WORD} bytes long", keywords::SHORTEST);
            return Err((format!("{field}[{at}]"), problem));
        }
    }
    if detector.required_context && detector.context.is_empty() {
        return refuse("context", "must name words, because `required_context` is set".to_owned());
    }
    if write_out(detector).keywords.is_empty() {
        return refuse(
            "keywords",
            "must name a text that stands in or near every match, because the pattern does not begin with one of \
             3 bytes or more"
                .to_owned(),
        );
    }
    if detector.window.is_some_and(|window| !WINDOWS.contains(&window)) {
        return refuse("window", format!("must be {} to {} bytes", WINDOWS.start(), WINDOWS.end()));
    }
    if detector.min_entropy.is_some_and(|bits| !(0.0..=8.0).contains(&bits)) {
        return refuse(
            "min_entropy",
            "must be 0 to 8 bits per byte; 3 is a word, 4 a random token".to_owned(),
        );
    }
    if detector.hosts.len() > MOST_WORDS {
        return refuse("hosts", format!("holds {} hosts; {MOST_WORDS} are allowed", detector.hosts.len()));
    }
    if let Some(at) = detector.hosts.iter().position(|host| !is_host(host)) {
        let problem = "must be a host in lower case, or `*.` and its domain".to_owned();
        return Err((format!("hosts[{at}]"), problem));
    }
    if let Some(name) = detector.validator.as_deref().filter(|name| !VALIDATORS.contains(name)) {
        return refuse("validator", format!("must be one of `{}`; it is `{name}`", VALIDATORS.join("`, `")));
    }
    check_examples(detector)
}

fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
    };
    name.len() <= LONGEST_HOST && name.split('.').all(is_label)
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN {
        return Err(format!("must be 1 to {LONGEST_PATTERN} bytes long; it has {}", pattern.len()));
    }
    let hir = parse_pattern(pattern)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("can match nothing at all; let it need a character".to_owned());
    }
    // The syntax is known to be right, so what is left is the size.
    LazyPattern::of_tenant(pattern.to_owned()).compile().map(drop).map_err(|_| too_large())
}

fn check_examples(detector: &CustomDetector) -> Result<(), Problem> {
    for (field, texts) in [("positive", &detector.positive), ("negative", &detector.negative)] {
        if texts.len() > MOST_EXAMPLES {
            return Err((
                field.to_owned(),
                format!("holds {} examples; {MOST_EXAMPLES} are allowed", texts.len()),
            ));
        }
        if let Some(at) = texts.iter().position(|text| text.len() > LONGEST_EXAMPLE) {
            return Err((format!("{field}[{at}]"), format!("must be {LONGEST_EXAMPLE} bytes at most")));
        }
    }
    if detector.positive.is_empty() {
        return Err((
            "positive".to_owned(),
            "must hold at least one text that the detector finds something in".to_owned(),
        ));
    }
    let results = try_examples(detector).map_err(|refusal| (refusal.field, refusal.problem))?;
    match results.into_iter().find(|result| !result.holds()) {
        None => Ok(()),
        Some(wrong) if wrong.must_match => {
            let why = why_missed(detector, &wrong.text);
            Err((wrong.field, format!("is not found in {}: {why}", quote(&wrong.text))))
        }
        Some(wrong) => Err((wrong.field, format!("is found in {}, and must not be", quote(&wrong.text)))),
    }
}

/// The first thing that keeps a detector from finding something in `text`.
fn why_missed(detector: &CustomDetector, text: &str) -> String {
    let finds = |changed: &CustomDetector| {
        try_examples(&CustomDetector { positive: vec![text.to_owned()], ..changed.clone() })
            .is_ok_and(|results| results.first().is_some_and(|result| result.found.is_some()))
    };
    let pattern = LazyPattern::of_tenant(detector.pattern.clone());
    if !pattern.compile().is_ok_and(|pattern| pattern.regex.is_match(text)) {
        return "the pattern does not match".to_owned();
    }
    let written = write_out(detector);
    let lower = text.to_ascii_lowercase();
    if !written.keywords.iter().any(|keyword| lower.contains(keyword)) {
        return format!("none of the keywords `{}` stands there", written.keywords.join("`, `"));
    }
    let without_validator = CustomDetector { validator: None, ..detector.clone() };
    if finds(&without_validator) {
        return format!(
            "the value has no valid check digits by `{}`",
            detector.validator.as_deref().unwrap_or("-")
        );
    }
    let without_entropy = CustomDetector { min_entropy: None, ..without_validator };
    if finds(&without_entropy) {
        return "the value has less entropy than `min_entropy`".to_owned();
    }
    if detector.required_context && finds(&CustomDetector { required_context: false, ..without_entropy }) {
        return format!("no word of `context` stands within {NEAR} characters of the value");
    }
    format!("the match does not lie within {} bytes of a keyword", written.window)
}

fn check_override(id: &str, change: &DetectorOverride) -> Result<(), Refusal> {
    let refuse = |field: String, problem: String| Err(Refusal { field, problem });
    if change.confidence.is_none() && change.weight.is_none() {
        return refuse(
            format!("detector_overrides.{id}"),
            "changes nothing; give `confidence` or `weight`, or remove it".to_owned(),
        );
    }
    if change.weight.is_some_and(|weight| !(0.0..=MOST_WEIGHT).contains(&weight)) {
        return refuse(format!("detector_overrides.{id}.weight"), format!("must be 0 to {MOST_WEIGHT}"));
    }
    Ok(())
}

/// Says which id is none, and which may have been meant.
fn unknown(id: &str, known: &BTreeSet<&str>) -> String {
    let nearest = known.iter().map(|other| (measure_distance(id, other), other)).min();
    match nearest {
        Some((distance, other)) if distance <= id.len() / 3 + 1 => format!("`{id}`; did you mean `{other}`?"),
        _ => format!("`{id}`; `interven admin detectors list` shows them"),
    }
}

/// Letters to add, remove or replace on the way from one id to another (Levenshtein).
fn measure_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.bytes().enumerate() {
        let mut diagonal = n;
        let mut left = n + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(to.bytes()) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = replaced.min(left + 1).min(*cell + 1);
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The beginning of an example, for an error.
fn quote(text: &str) -> String {
    const SHOWN: usize = 80;
    let shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() { format!("`{shown}…`") } else { format!("`{shown}`") }
}

#[cfg(test)]
mod tests;
