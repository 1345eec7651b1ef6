//! The detectors of one tenant: the shipped ones as its settings change them, and its own.

use super::{DEFAULT_WINDOW, Detector, Origin, TENANT_MARKER, derive::derive_keywords, trigger_by_words};
use crate::classifier::Options;
use interven_types::{Confidence, CustomDetector, DataClass};

/// `shipped` with what the tenant adds, changes and switches off. Ids that nobody knows change nothing: what was stored by
/// another version must load.
pub(crate) fn of_tenant(shipped: &[Detector], options: &Options<'_>) -> Vec<Detector> {
    let own = options.custom_detectors.iter().map(write_out);
    let all = shipped.iter().cloned().chain(own).chain(of_markers(options.internal_markers));
    let active = all.filter(|detector| !options.disabled_detectors.contains(&detector.id));
    active
        .map(|mut detector| {
            if let Some(change) = options.detector_overrides.get(&detector.id) {
                detector.confidence = change.confidence.unwrap_or(detector.confidence);
                detector.weight = change.weight.unwrap_or(detector.weight);
            }
            detector
        })
        .collect()
}

/// Provider of a tenant's own credentials.
const OWN_PROVIDER: &str = "own";

/// A detector that says nothing yet.
fn blank(id: &str, origin: Origin) -> Detector {
    Detector {
        id: id.to_owned(),
        class: DataClass::Internal,
        provider: None,
        summary: String::new(),
        source: None,
        positive: Vec::new(),
        negative: Vec::new(),
        hosts: Vec::new(),
        in_url: false,
        confidence: Confidence::High,
        keywords: Vec::new(),
        pattern: String::new(),
        prefilter: None,
        window: DEFAULT_WINDOW,
        validator: None,
        validator_failure: None,
        min_entropy: None,
        context: Vec::new(),
        required_context: false,
        labels: Vec::new(),
        bare: None,
        doubt: Vec::new(),
        other_names: Vec::new(),
        allow: Vec::new(),
        has_word_keywords: false,
        origin,
        weight: 1.0,
    }
}

/// What a tenant wrote, in the shape of the shipped data.
pub(super) fn write_out(custom: &CustomDetector) -> Detector {
    let keywords = match custom.keywords.is_empty() {
        true => derive_keywords(&custom.pattern).unwrap_or_default(),
        false => custom.keywords.clone(),
    };
    trigger_by_words(Detector {
        class: custom.class,
        // Whoever has hosts of its own is a provider: elsewhere its credentials are not at home.
        provider: (!custom.hosts.is_empty()).then(|| OWN_PROVIDER.to_owned()),
        hosts: custom.hosts.clone(),
        summary: custom.summary.clone(),
        positive: custom.positive.clone(),
        negative: custom.negative.clone(),
        confidence: custom.confidence,
        keywords,
        pattern: custom.pattern.clone(),
        window: custom.window.unwrap_or(DEFAULT_WINDOW),
        validator: custom.validator.clone(),
        min_entropy: custom.min_entropy,
        context: custom.context.clone(),
        required_context: custom.required_context,
        ..blank(&custom.id, Origin::Custom)
    })
}

/// The detector of a tenant's markers: each is found as written, whatever its case, as whole words.
fn of_markers(markers: &[String]) -> Option<Detector> {
    let mut keywords: Vec<String> =
        markers.iter().map(|m| m.trim().to_lowercase()).filter(|m| m.len() >= 3).collect();
    keywords.sort_unstable();
    keywords.dedup();
    if keywords.is_empty() {
        return None;
    }
    let mut longest_first = keywords.clone();
    longest_first.sort_by_key(|k| std::cmp::Reverse(k.len()));
    let alternatives: Vec<String> = longest_first.iter().map(|k| escape(k)).collect();
    Some(Detector {
        summary: "Marker named in the tenant's settings".to_owned(),
        keywords,
        pattern: format!(
            "(?iu)(?:^|[^\\p{{L}}\\p{{N}}])({})(?:$|[^\\p{{L}}\\p{{N}}])",
            alternatives.join("|")
        ),
        ..blank(TENANT_MARKER, Origin::Markers)
    })
}

/// Writes `text` as a pattern that matches it literally.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        if c.is_ascii()
            && !c.is_ascii_alphanumeric()
            && !c.is_ascii_control()
            && c != ' '
            && c != '<'
            && c != '>'
        {
            out.push('\\');
        }
        out.push(c);
        out
    })
}
