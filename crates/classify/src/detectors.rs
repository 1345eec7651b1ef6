//! Detectors as data: the schema of `data/*.toml`, its checks, and the list that the command line shows.

mod admission;
mod derive;
mod fingerprint;
mod tenant;

pub(crate) use admission::admit;
pub use admission::{ExampleResult, Refusal, try_examples};
pub(crate) use fingerprint::{fingerprint, write_hex};
pub(crate) use tenant::of_tenant;

use crate::{checksum, identifier, keywords};
use interven_types::{Confidence, DataClass};
use serde::Deserialize;
use std::collections::BTreeSet;

/// What ships with the product.
pub(crate) const SHIPPED: &[(&str, &str)] = &[
    ("secrets/ai.toml", include_str!("../data/secrets/ai.toml")),
    ("secrets/assignment.toml", include_str!("../data/secrets/assignment.toml")),
    ("secrets/chat.toml", include_str!("../data/secrets/chat.toml")),
    ("secrets/cloud.toml", include_str!("../data/secrets/cloud.toml")),
    ("secrets/command.toml", include_str!("../data/secrets/command.toml")),
    ("secrets/database.toml", include_str!("../data/secrets/database.toml")),
    ("secrets/developer.toml", include_str!("../data/secrets/developer.toml")),
    ("secrets/forge.toml", include_str!("../data/secrets/forge.toml")),
    ("secrets/framework.toml", include_str!("../data/secrets/framework.toml")),
    ("secrets/generic.toml", include_str!("../data/secrets/generic.toml")),
    ("secrets/hosting.toml", include_str!("../data/secrets/hosting.toml")),
    ("secrets/infrastructure.toml", include_str!("../data/secrets/infrastructure.toml")),
    ("secrets/key.toml", include_str!("../data/secrets/key.toml")),
    ("secrets/mail.toml", include_str!("../data/secrets/mail.toml")),
    ("secrets/monitoring.toml", include_str!("../data/secrets/monitoring.toml")),
    ("secrets/network.toml", include_str!("../data/secrets/network.toml")),
    ("secrets/payment.toml", include_str!("../data/secrets/payment.toml")),
    ("secrets/registry.toml", include_str!("../data/secrets/registry.toml")),
    ("secrets/saas.toml", include_str!("../data/secrets/saas.toml")),
    ("secrets/service.toml", include_str!("../data/secrets/service.toml")),
    ("pii/contact.toml", include_str!("../data/pii/contact.toml")),
    ("pii/network.toml", include_str!("../data/pii/network.toml")),
    ("pii/payment.toml", include_str!("../data/pii/payment.toml")),
    ("pii/person.toml", include_str!("../data/pii/person.toml")),
    ("pii/identity/documents.toml", include_str!("../data/pii/identity/documents.toml")),
    ("pii/identity/united_states.toml", include_str!("../data/pii/identity/united_states.toml")),
    ("pii/identity/americas.toml", include_str!("../data/pii/identity/americas.toml")),
    ("pii/identity/europe.toml", include_str!("../data/pii/identity/europe.toml")),
    ("pii/identity/nordic.toml", include_str!("../data/pii/identity/nordic.toml")),
    ("pii/identity/east_europe.toml", include_str!("../data/pii/identity/east_europe.toml")),
    ("pii/identity/asia.toml", include_str!("../data/pii/identity/asia.toml")),
    ("pii/identity/south.toml", include_str!("../data/pii/identity/south.toml")),
    ("phi/codes.toml", include_str!("../data/phi/codes.toml")),
    ("phi/messages.toml", include_str!("../data/phi/messages.toml")),
    ("phi/people.toml", include_str!("../data/phi/people.toml")),
    ("internal.toml", include_str!("../data/internal.toml")),
];

/// Id of the detector of a tenant's own markers.
pub(crate) const TENANT_MARKER: &str = "tenant_marker";

/// Who wrote a detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the product.
    #[default]
    Shipped,
    /// Made of the tenant's `internal_markers`.
    Markers,
    /// One of the tenant's `custom_detectors`.
    Custom,
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("`{file}` is not a detector table: {problem}")]
    Data { file: String, problem: String },
    #[error("detector `{id}` {problem}")]
    Detector { id: String, problem: String },
    #[error("the keyword index cannot be built: {0}")]
    Index(String),
}

impl BuildError {
    pub(crate) fn detector(id: &str, problem: impl Into<String>) -> Self {
        Self::Detector { id: id.to_owned(), problem: problem.into() }
    }
}

/// Where a detector without keywords looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Prefilter {
    /// Round digits, at least four of them close together.
    Digits,
    /// Before what may be a postcode.
    Postcodes,
    /// Round an `@`.
    AtSign,
    /// Round colons between hexadecimal digits: IPv6.
    Colons,
    /// Round unbroken letters and digits, 20 or more.
    Runs,
    /// Round twelve or more words of the seed phrase list in a row.
    SeedWords,
}

impl Prefilter {
    pub(crate) const ALL: [Self; 6] =
        [Self::Digits, Self::Postcodes, Self::AtSign, Self::Colons, Self::Runs, Self::SeedWords];
}

/// What a failed validator leaves of a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValidatorFailure {
    Low,
    Medium,
}

impl ValidatorFailure {
    pub(crate) fn confidence(self) -> Confidence {
        match self {
            Self::Low => Confidence::Low,
            Self::Medium => Confidence::Medium,
        }
    }
}

/// One `[[detector]]` of a data file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    /// Stable snake_case id, shown in `[REDACTED:<id>]`.
    pub id: String,
    pub class: DataClass,
    /// Who issues the value; absent for formats that belong to nobody.
    pub provider: Option<String>,
    /// One line for people.
    pub summary: String,
    /// Page that documents the format.
    pub source: Option<String>,
    /// Texts that must match; every one is a test.
    #[serde(default)]
    pub positive: Vec<String>,
    /// Near misses that must not match; every one is a test.
    #[serde(default)]
    pub negative: Vec<String>,
    /// Hosts of the provider, exact or `*.suffix`: a credential presented there is normal use.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Whether the format is a URL or a part of its path, as a webhook's is: there is no other way to present it.
    #[serde(default)]
    pub in_url: bool,
    /// Confidence of a match whose checks pass.
    pub confidence: Confidence,

    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    pub(crate) pattern: String,
    pub(crate) prefilter: Option<Prefilter>,
    /// Bytes on each side of a keyword within which the whole match lies.
    #[serde(default = "default_window")]
    pub(crate) window: usize,
    pub(crate) validator: Option<String>,
    pub(crate) validator_failure: Option<ValidatorFailure>,
    /// Shannon bits per character of the captured value.
    pub(crate) min_entropy: Option<f64>,
    /// Words within 200 characters; without one the match drops a level, or counts for nothing if `required_context`.
    #[serde(default)]
    pub(crate) context: Vec<String>,
    #[serde(default)]
    pub(crate) required_context: bool,
    /// Words that have to stand at the value itself: right before or after it, or at the head of its column. Without one
    /// the match is as certain as `bare` says, or counts for nothing where that is not given.
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    pub(crate) bare: Option<Confidence>,
    /// Words within 200 characters that make the match LOW: `version` near `1.2.3.4`.
    #[serde(default)]
    pub(crate) doubt: Vec<String>,
    /// Words that make the match LOW where they name the value itself, and no word of `context` is near: `version` in
    /// `version 1.2.3.4`, `id` in `"id": 4111111111111111`.
    #[serde(default)]
    pub(crate) other_names: Vec<String>,
    /// Substrings of the value that make it LOW.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Whether the keywords are the context words, which count only as whole words.
    #[serde(skip)]
    pub(crate) has_word_keywords: bool,
    #[serde(skip)]
    pub origin: Origin,
    /// Factor of what a finding adds to the risk, as the tenant set it.
    #[serde(skip, default = "default_weight")]
    pub weight: f64,
}

pub(crate) const DEFAULT_WINDOW: usize = 256;

fn default_window() -> usize {
    DEFAULT_WINDOW
}

fn default_weight() -> f64 {
    1.0
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    detector: Vec<Detector>,
}

/// Reads every shipped detector, in the order of the files.
pub fn shipped() -> Result<Vec<Detector>, BuildError> {
    let mut detectors = Vec::new();
    for (file, text) in SHIPPED {
        let table: Table = toml::from_str(text)
            .map_err(|e| BuildError::Data { file: (*file).to_owned(), problem: e.to_string() })?;
        detectors.extend(table.detector.into_iter().map(spell_labels).map(trigger_by_words));
    }
    check(&detectors)?;
    Ok(detectors)
}

/// Adds to labels how else they are written: `паспорт` with a capital, `útlevélszám` without accents, and those of several
/// words as the name of a field, `patient id` as `patient_id`, `patient-id` and `patientId`.
fn spell_labels(mut detector: Detector) -> Detector {
    let spellings = detector.labels.iter().flat_map(|label| [capitalised(label), unaccented(label)]);
    let spellings: Vec<String> = spellings.flatten().filter(|l| !detector.labels.contains(l)).collect();
    detector.labels.extend(spellings);
    let of_words = |label: &&String| {
        label.contains(' ') && label.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '\''))
    };
    let names = detector.labels.iter().filter(of_words).flat_map(|label| {
        let words = label.replace('\'', "");
        ["_", "-", ""].map(|joiner| words.replace(' ', joiner))
    });
    let names: Vec<String> = names.filter(|name| !detector.labels.contains(name)).collect();
    detector.labels.extend(names);
    detector
}

/// `label` with a first capital that is not in ASCII; words in ASCII are found in any case.
fn capitalised(label: &str) -> Option<String> {
    let first = label.chars().next().filter(|c| !c.is_ascii() && c.is_lowercase())?;
    Some(label.replacen(first, &first.to_uppercase().to_string(), 1))
}

/// A longer `label` of the Latin script without its accents, as names of fields are written.
fn unaccented(label: &str) -> Option<String> {
    const SHORTEST: usize = 6;
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ă' | 'ą' => 'a',
        'ç' | 'č' | 'ć' => 'c',
        'ď' => 'd',
        'é' | 'è' | 'ê' | 'ë' | 'ě' | 'ę' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ľ' | 'ł' => 'l',
        'ñ' | 'ň' | 'ń' => 'n',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ő' | 'ø' => 'o',
        'ř' => 'r',
        'š' | 'ś' | 'ș' | 'ş' => 's',
        'ť' | 'ț' => 't',
        'ú' | 'ù' | 'û' | 'ü' | 'ů' | 'ű' => 'u',
        'ý' => 'y',
        'ž' | 'ź' | 'ż' => 'z',
        other => other,
    };
    let plain: String = label.chars().map(plain).collect();
    (plain != label && plain.len() >= SHORTEST && plain.is_ascii()).then_some(plain)
}

/// A detector that counts only near its context words or labels, and names no keywords, is triggered by those words.
fn trigger_by_words(mut detector: Detector) -> Detector {
    if detector.keywords.is_empty() && detector.prefilter.is_none() {
        let words = match (detector.labels.is_empty(), detector.required_context) {
            (false, _) => &detector.labels,
            (true, true) => &detector.context,
            (true, false) => return detector,
        };
        detector.keywords = words.iter().map(|word| word.to_ascii_lowercase()).collect();
        detector.has_word_keywords = true;
    }
    detector
}

/// Resolves the name of a validator in both registries.
pub(crate) fn validator_named(name: &str) -> Option<fn(&str) -> bool> {
    checksum::checksum_named(name).or_else(|| identifier::identifier_named(name))
}

fn check(detectors: &[Detector]) -> Result<(), BuildError> {
    let mut seen = BTreeSet::new();
    for detector in detectors {
        let fail = |problem: &str| Err(BuildError::detector(&detector.id, problem));
        let is_snake = detector.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_snake || detector.id.is_empty() {
            return fail("must have a snake_case id");
        }
        if detector.id.rsplit_once('_').is_some_and(|(_, end)| end.bytes().all(|b| b.is_ascii_digit())) {
            return fail("ends in a number, which a marker would show as its second value");
        }
        if !seen.insert(&detector.id) {
            return fail("stands twice in the data");
        }
        if detector.keywords.is_empty() == detector.prefilter.is_none() {
            return fail("needs either keywords or a prefilter");
        }
        if detector
            .keywords
            .iter()
            .any(|k| k.len() < keywords::SHORTEST || k.bytes().any(|b| b.is_ascii_uppercase()))
        {
            return fail("has a keyword that is not lower case or shorter than 3 bytes");
        }
        if detector.bare.is_some() && (detector.labels.is_empty() || detector.prefilter.is_none()) {
            return fail("says what it is without a label, but has no labels or no prefilter");
        }
        if detector.required_context && detector.context.is_empty() {
            return fail("requires a context but names none");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Matcher;

    /// Confidences that the detector `index` gives to values in `text`.
    fn found(matcher: &Matcher, index: usize, text: &str) -> Vec<Confidence> {
        matcher
            .find(text, Confidence::Low, &mut 0)
            .into_iter()
            .filter(|m| m.detector == index)
            .map(|m| m.confidence)
            .collect()
    }

    #[test]
    fn every_example_in_the_data_holds() {
        let detectors = shipped().unwrap();
        let matcher = Matcher::new(&detectors).unwrap();
        let mut wrong = Vec::new();
        for (index, detector) in detectors.iter().enumerate() {
            assert!(
                !detector.positive.is_empty() && !detector.negative.is_empty(),
                "{} has no examples",
                detector.id
            );
            for text in &detector.positive {
                if found(&matcher, index, text).is_empty() {
                    wrong.push(format!("{} misses {text}", detector.id));
                }
            }
            for text in &detector.negative {
                if found(&matcher, index, text).into_iter().any(|c| c > Confidence::Low) {
                    wrong.push(format!("{} matches {text}", detector.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn every_pattern_compiles() {
        Matcher::new(&shipped().unwrap()).unwrap().compile_all().unwrap();
    }

    #[test]
    fn the_fingerprint_changes_exactly_with_the_data() {
        let detectors = shipped().unwrap();
        let mut changed = detectors.clone();
        changed[0].summary.push('!');
        changed[0].positive.clear();
        assert_eq!(fingerprint(&changed), fingerprint(&detectors));
        changed[0].min_entropy = Some(1.5);
        assert_ne!(fingerprint(&changed), fingerprint(&detectors));
        assert_eq!(fingerprint(&detectors).len(), 64);
    }

    #[test]
    fn data_that_cannot_work_is_refused() {
        let one = |text: &str| -> Result<(), String> {
            let table: Table = toml::from_str(text).map_err(|e| e.to_string())?;
            check(&table.detector).map_err(|e| e.to_string())?;
            Matcher::new(&table.detector).and_then(|m| m.compile_all()).map_err(|e| e.to_string())
        };
        let base = "[[detector]]\nid = 'a'\nclass = 'PII'\nsummary = 's'\nconfidence = 'LOW'\n";
        for (rest, problem) in [
            ("pattern = 'a'", "keywords or a prefilter"),
            ("pattern = '('\nkeywords = ['abc']", "does not compile"),
            ("pattern = 'a'\nkeywords = ['ABC']", "not lower case"),
            ("pattern = 'a'\nkeywords = ['abc']\nvalidator = 'nope'", "unknown validator `nope`"),
            ("pattern = 'a'\nkeywords = ['abc']\ncolour = 'red'", "colour"),
        ] {
            let refusal = one(&format!("{base}{rest}")).unwrap_err();
            assert!(refusal.contains(problem), "{refusal}");
        }
        for id in ["a_2", "A", ""] {
            let named = base.replace("'a'", &format!("'{id}'"));
            assert!(one(&format!("{named}pattern = 'a'\nkeywords = ['abc']")).is_err(), "{id}");
        }
    }
}
