//! `interven detectors show`: all there is to know about one.

use super::Row;
use crate::{
    commands::classify::mask,
    exit::Exit,
    terminal::{Terminal, printable},
};
use anyhow::Result;
use interven_classify::{Checks, Prober, detectors::Detector};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Serialize)]
struct Sheet<'d> {
    #[serde(flatten)]
    head: Row<'d>,
    #[serde(flatten)]
    checks: Checks<'d>,
    /// Hosts at which the credential may be presented.
    hosts: &'d [String],
    positive: Vec<String>,
    negative: Vec<String>,
}

pub(super) fn show(detector: &Detector, terminal: Terminal, is_revealed: bool) -> Result<Exit> {
    let prober = Prober::new(detector)?;
    let shown = |text: &String| if is_revealed { text.clone() } else { mask_values(&prober, text) };
    let sheet = Sheet {
        head: Row::of(detector),
        checks: detector.checks(),
        hosts: &detector.hosts,
        positive: detector.positive.iter().map(shown).collect(),
        negative: detector.negative.iter().map(shown).collect(),
    };
    terminal.show(&sheet, |sheet| describe(sheet))?;
    Ok(Exit::Ok)
}

/// A text in which what the detector finds is masked.
fn mask_values(prober: &Prober<'_>, text: &str) -> String {
    let mut masked = String::new();
    let mut at = 0;
    for value in prober.probe(text).values.iter().filter(|value| value.confidence.is_some()) {
        let Some(before) = text.get(at..value.span.start) else { continue };
        masked.push_str(before);
        masked.push_str(&mask(text.get(value.span.clone()).unwrap_or_default()));
        at = value.span.end;
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    masked
}

fn describe(sheet: &Sheet<'_>) -> String {
    let Sheet { head, checks, .. } = sheet;
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<12}  {}", printable(&value));
        }
    };
    line("id", head.id.to_owned());
    line("finds", head.summary.to_owned());
    line("class", head.class.to_string());
    line("confidence", head.confidence.to_string());
    line("provider", head.provider.unwrap_or_default().to_owned());
    line("documented", head.source.unwrap_or_default().to_owned());
    line("keywords", checks.keywords.join(", "));
    line("looks round", checks.looks_round.unwrap_or_default().to_owned());
    line("pattern", checks.pattern.to_owned());
    let refused = match checks.confidence_if_refused {
        Some(confidence) => format!(" (else {confidence})"),
        None => " (else nothing)".to_owned(),
    };
    line("validator", checks.validator.map(|name| format!("{name}{refused}")).unwrap_or_default());
    line(
        "entropy",
        checks.min_entropy.map(|bits| format!("{bits} bits per byte or more")).unwrap_or_default(),
    );
    let lacking = if checks.required_context { "else nothing" } else { "else a level lower" };
    let context = checks.context.join(", ");
    let bare = checks.confidence_if_bare.map_or("else nothing".to_owned(), |bare| format!("else {bare}"));
    let labels = checks.labels.join(", ");
    line("right at it", if labels.is_empty() { labels } else { format!("{labels} ({bare})") });
    line("near", if context.is_empty() { context } else { format!("{context} ({lacking})") });
    line("LOW near", checks.doubt.join(", "));
    line("LOW named", checks.other_names.join(", "));
    line("LOW with", checks.allow.join(", "));
    line("own hosts", sheet.hosts.join(", "));
    for example in &sheet.positive {
        line("matches", example.clone());
    }
    for example in &sheet.negative {
        line("not", example.clone());
    }
    text
}
