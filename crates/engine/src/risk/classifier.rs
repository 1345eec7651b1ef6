//! Risk of what a call carries: classes, confidence, count, destination.

use super::Assessment;
use crate::reason::code;
use interven_types::{Confidence, DataClass, DetectorOverride, EngineName, Hit};
use serde_json::json;
use std::collections::BTreeMap;

/// Score of one hit that goes to an external host, by class and confidence.
const SCORES: [(DataClass, [f64; 3]); 4] = [
    (DataClass::Secrets, [0.10, 0.60, 1.00]),
    (DataClass::Phi, [0.10, 0.50, 0.80]),
    (DataClass::Pii, [0.05, 0.35, 0.50]),
    (DataClass::Internal, [0.05, 0.30, 0.50]),
];
/// What stays of the score inside the tenant's own network.
const INTERNAL_FACTOR: f64 = 0.5;
/// Each further hit at MEDIUM or above adds this, up to ten of them: a table of people is worse than one.
const PER_FURTHER_HIT: f64 = 0.02;
/// What unpacks beyond all measure was built to, and cannot be read: with no rule speaking, a human decides.
const BOMB_SCORE: f64 = 0.8;
const BOMB_FLOOR: f64 = 0.75;

/// A finding adds to the score what its detector weighs; one that weighs nothing takes no part at all.
pub(super) fn assess(
    hits: &[Hit],
    overrides: &BTreeMap<String, DetectorOverride>,
    is_bomb: bool,
    external_host: bool,
) -> Assessment {
    let weight_of = |hit: &Hit| overrides.get(&hit.detector).and_then(|o| o.weight).unwrap_or(1.0);
    let weighty: Vec<&Hit> = hits.iter().filter(|hit| weight_of(hit) > 0.0).collect();
    let strongest = weighty.iter().map(|hit| hit_score(hit) * weight_of(hit)).fold(0.0, f64::max);
    let telling = weighty.iter().filter(|h| h.confidence >= Confidence::Medium).count();
    let crowd = PER_FURTHER_HIT * telling.saturating_sub(1).min(10) as f64;
    let at_destination = if external_host { 1.0 } else { INTERNAL_FACTOR };
    let carried = (strongest + crowd).min(1.0) * at_destination;
    let score = if is_bomb { carried.max(BOMB_SCORE) } else { carried };

    let has_high_secret =
        weighty.iter().any(|h| h.class == DataClass::Secrets && h.confidence == Confidence::High);
    let mut reason_codes = Vec::new();
    if has_high_secret && external_host {
        reason_codes.push(code::SECRET_TO_EXTERNAL_HOST.to_owned());
    }
    if is_bomb {
        reason_codes.push(code::DECOMPRESSION_BOMB.to_owned());
    }
    let found = |class| weighty.iter().any(|h| h.class == class && h.confidence >= Confidence::Medium);
    reason_codes.extend(
        DataClass::ALL.into_iter().filter(|class| found(*class)).map(|class| detected(class).to_owned()),
    );
    let floor = match (has_high_secret, external_host) {
        (true, true) => Some((0.75, code::SECRET_TO_EXTERNAL_HOST)),
        _ if is_bomb => Some((BOMB_FLOOR, code::DECOMPRESSION_BOMB)),
        (true, false) => Some((0.50, code::SECRETS_DETECTED)),
        (false, _) => None,
    };
    let counts: serde_json::Map<_, _> = DataClass::ALL
        .into_iter()
        .map(|class| (class.as_str().to_owned(), hits.iter().filter(|h| h.class == class).count().into()))
        .collect();
    Assessment {
        engine: EngineName::Classifier,
        score,
        reason_codes,
        details: json!({"hits": counts, "external_host": external_host}),
        floor,
    }
}

fn hit_score(hit: &Hit) -> f64 {
    let by_confidence = SCORES.iter().find(|(class, _)| *class == hit.class).map(|(_, scores)| scores);
    by_confidence.and_then(|scores| scores.get(hit.confidence as usize)).copied().unwrap_or(1.0)
}

fn detected(class: DataClass) -> &'static str {
    match class {
        DataClass::Secrets => code::SECRETS_DETECTED,
        DataClass::Pii => code::PII_DETECTED,
        DataClass::Phi => code::PHI_DETECTED,
        DataClass::Internal => code::INTERNAL_DETECTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::Place;

    fn hit(class: DataClass, confidence: Confidence) -> Hit {
        let (detector, path) = ("d".to_owned(), String::new());
        Hit { class, detector, confidence, place: Place::Body, path, in_key: false, start: 0, end: 1 }
    }

    fn assess_unweighted(hits: &[Hit], is_bomb: bool, external_host: bool) -> Assessment {
        assess(hits, &BTreeMap::new(), is_bomb, external_host)
    }

    #[test]
    fn a_detector_counts_as_much_as_it_weighs() {
        let weighing = |weight, hits: &[Hit]| {
            let change = DetectorOverride { weight: Some(weight), ..DetectorOverride::default() };
            assess(hits, &BTreeMap::from([("d".to_owned(), change)]), false, true)
        };
        let pii = [hit(DataClass::Pii, Confidence::High)];
        for (weight, score) in [(0.0, 0.0), (0.5, 0.25), (1.0, 0.5), (4.0, 1.0)] {
            assert!((weighing(weight, &pii).score - score).abs() < 1e-9, "{weight}");
        }
        let secret = [hit(DataClass::Secrets, Confidence::High)];
        // A floor is not diluted; only what takes no part sets none.
        assert_eq!(weighing(0.5, &secret).floor, Some((0.75, code::SECRET_TO_EXTERNAL_HOST)));
        assert_eq!((weighing(0.0, &secret).floor, weighing(0.0, &secret).reason_codes), (None, Vec::new()));
    }

    #[test]
    fn a_certain_secret_sets_a_floor_by_destination() {
        let secret = [hit(DataClass::Secrets, Confidence::High)];
        assert_eq!(
            assess_unweighted(&secret, false, true).floor,
            Some((0.75, code::SECRET_TO_EXTERNAL_HOST))
        );
        assert_eq!(assess_unweighted(&secret, false, false).floor.map(|f| f.0), Some(0.50));
        let guess = [hit(DataClass::Secrets, Confidence::Medium)];
        assert_eq!(assess_unweighted(&guess, false, true).floor, None);
        assert_eq!(assess_unweighted(&[], true, false).floor, Some((BOMB_FLOOR, code::DECOMPRESSION_BOMB)));
    }

    #[test]
    fn more_certain_more_numerous_and_farther_is_worse() {
        let pii = |n| vec![hit(DataClass::Pii, Confidence::Medium); n];
        let score = |n, external| assess_unweighted(&pii(n), false, external).score;
        assert!(score(1, true) < score(5, true) && score(5, false) < score(5, true));
        assert!((score(11, true) - score(500, true)).abs() < 1e-9);
        assert_eq!(assess_unweighted(&[], false, true).score, 0.0);
        assert!(
            assess_unweighted(&[hit(DataClass::Pii, Confidence::Low)], false, true).reason_codes.is_empty()
        );
    }
}
