//! `interven detectors test`: what a detector makes of a text, and whether its examples hold.

use crate::{
    commands::classify::mask,
    exit::{Exit, UsageError},
    terminal::{print, printable},
};
use anyhow::{Result, anyhow};
use interven_classify::{Classifier, Probe, Prober, Reason, detectors::Detector};
use interven_types::Confidence;
use std::{
    fmt::Write as _,
    io::{Read as _, stdin},
};

/// Says what `detector` makes of `text`, or of the standard input for `-`.
pub(super) fn try_text(detector: &Detector, text: &str) -> Result<Exit> {
    let mut given = text.to_owned();
    if text == "-" {
        let mut bytes = Vec::new();
        stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| anyhow!(UsageError(format!("the standard input cannot be read: {error}"))))?;
        given = String::from_utf8_lossy(&bytes).into_owned();
    }
    let probe = Prober::new(detector)?.probe(&given);
    let is_found = probe.values.iter().any(|value| value.confidence.is_some());
    let mut told = describe(detector, &given, &probe);
    told.push_str(&what_classify_says(detector, &given, is_found));
    print(&told)?;
    Ok(if is_found { Exit::Ok } else { Exit::Findings })
}

fn describe(detector: &Detector, text: &str, probe: &Probe) -> String {
    let mut told = String::new();
    let id = &detector.id;
    for value in &probe.values {
        let shown = mask(text.get(value.span.clone()).unwrap_or_default());
        let column = text.get(..value.span.start).map_or(0, |before| before.chars().count()) + 1;
        let verdict = match value.confidence {
            Some(confidence) => confidence.to_string(),
            None => "nothing".to_owned(),
        };
        let _ = writeln!(told, "{id}: {shown} at character {column}: {verdict}{}", because(&value.reasons));
    }
    for obstacle in &probe.obstacles {
        let _ = writeln!(told, "{id}: nothing: {obstacle}");
    }
    told
}

fn because(reasons: &[Reason]) -> String {
    let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

/// All detectors together open layers and let the surest speak: a line where that makes a difference.
fn what_classify_says(detector: &Detector, text: &str, is_found: bool) -> String {
    let classifier = Classifier::builtin();
    let hits = classifier.classify_text(text).hits;
    let is_told = hits.iter().any(|hit| hit.detector == detector.id);
    if is_told == is_found {
        return String::new();
    }
    let mut others: Vec<&str> = hits.iter().map(|hit| hit.detector.as_str()).collect();
    others.dedup();
    match is_told {
        true => "`interven classify` finds it in a layer of the text (base64, escapes, …)\n".to_owned(),
        false if others.is_empty() => String::new(),
        false => format!("`interven classify` gives another detector precedence: {}\n", others.join(", ")),
    }
}

/// Runs the examples of the data: positive ones must be found, negative ones must not count for more than LOW.
pub(super) fn try_examples<'d>(detectors: impl IntoIterator<Item = &'d Detector>) -> Result<Exit> {
    let (mut tried, mut failed, mut told) = (0, 0, String::new());
    let mut count = 0;
    for detector in detectors {
        count += 1;
        let prober = Prober::new(detector)?;
        let examples = detector.positive.iter().map(|text| (text, true));
        for (text, must_be_found) in examples.chain(detector.negative.iter().map(|text| (text, false))) {
            tried += 1;
            let probe = prober.probe(text);
            let best = probe.values.iter().filter_map(|value| value.confidence).max();
            let holds = if must_be_found { best.is_some() } else { best <= Some(Confidence::Low) };
            if !holds {
                failed += 1;
                let must = if must_be_found { "must be found" } else { "must not be found" };
                let _ = writeln!(told, "{}: {must}: {}", detector.id, printable(text));
                told.push_str(&describe(detector, text, &probe));
            }
        }
    }
    let _ = writeln!(told, "{count} detectors, {tried} examples, {failed} failed");
    print(&told)?;
    Ok(if failed == 0 { Exit::Ok } else { Exit::Findings })
}
