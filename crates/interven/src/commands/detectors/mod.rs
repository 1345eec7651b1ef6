//! `interven detectors`: what is looked for, and how.

mod page;
mod sheet;
mod trial;

use crate::{
    cli::{DetectorsArgs, DetectorsCommand, ListDetectorsArgs},
    exit::{Exit, UsageError},
    terminal::{Terminal, or_dash, print, table},
};
use anyhow::{Result, anyhow};
use interven_classify::{Classifier, detectors::Detector};
use interven_types::{Confidence, DataClass};
use serde::Serialize;

pub(crate) fn run(args: &DetectorsArgs) -> Result<Exit> {
    let classifier = Classifier::builtin();
    let detectors = classifier.detectors();
    match &args.what {
        DetectorsCommand::List(wanted) => list(detectors, wanted),
        DetectorsCommand::Show { id, json, reveal } => {
            sheet::show(find(detectors, id)?, Terminal::new(*json), *reveal)
        }
        DetectorsCommand::Test { id: Some(id), text: Some(text) } => {
            trial::try_text(find(detectors, id)?, text)
        }
        DetectorsCommand::Test { id: Some(id), text: None } => trial::try_examples([find(detectors, id)?]),
        DetectorsCommand::Test { id: None, .. } => trial::try_examples(detectors),
        DetectorsCommand::Page => {
            print(&page::write(detectors))?;
            Ok(Exit::Ok)
        }
    }
}

/// A detector as a row of the list, and as the head of its sheet.
#[derive(Debug, Serialize)]
struct Row<'d> {
    id: &'d str,
    class: DataClass,
    confidence: Confidence,
    provider: Option<&'d str>,
    summary: &'d str,
    source: Option<&'d str>,
}

impl<'d> Row<'d> {
    fn of(detector: &'d Detector) -> Self {
        Self {
            id: &detector.id,
            class: detector.class,
            confidence: detector.confidence,
            provider: detector.provider.as_deref(),
            summary: &detector.summary,
            source: detector.source.as_deref(),
        }
    }
}

fn list(detectors: &[Detector], wanted: &ListDetectorsArgs) -> Result<Exit> {
    let rows: Vec<Row<'_>> =
        detectors.iter().filter(|detector| is_wanted(detector, wanted)).map(Row::of).collect();
    Terminal::new(wanted.json).show(&rows, |rows| {
        let cells = rows.iter().map(|row| {
            let provider = or_dash(row.provider);
            [
                row.id.to_owned(),
                row.class.to_string(),
                row.confidence.to_string(),
                provider,
                row.summary.to_owned(),
            ]
        });
        table(["ID", "CLASS", "CONFIDENCE", "PROVIDER", "SUMMARY"], cells)
    })?;
    Ok(if rows.is_empty() { Exit::Findings } else { Exit::Ok })
}

fn is_wanted(detector: &Detector, wanted: &ListDetectorsArgs) -> bool {
    let holds = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    let provider = detector.provider.as_deref().unwrap_or_default();
    let is_of_provider = |name: &String| holds(provider, name);
    let is_found = |word: &String| {
        [&detector.id, &detector.summary, provider].into_iter().any(|text| holds(text, word))
            || detector.checks().keywords.iter().any(|keyword| holds(keyword, word))
    };
    (wanted.classes.is_empty() || wanted.classes.contains(&detector.class))
        && wanted.provider.as_ref().is_none_or(is_of_provider)
        && wanted.search.as_ref().is_none_or(is_found)
}

/// The detector of that id, or the one that was probably meant.
fn find<'d>(detectors: &'d [Detector], id: &str) -> Result<&'d Detector> {
    detectors.iter().find(|detector| detector.id == id).ok_or_else(|| {
        let ids: Vec<&str> = detectors.iter().map(|detector| detector.id.as_str()).collect();
        let typed = id.to_ascii_lowercase().replace('-', "_");
        let holds_it =
            || ids.iter().filter(|known| known.contains(&typed)).min_by_key(|known| known.len()).copied();
        let advice = match interven_policy::nearest(&typed, &ids).or_else(holds_it) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`interven detectors list --search WORD` finds them".to_owned(),
        };
        anyhow!(UsageError(format!("there is no detector `{id}`; {advice}")))
    })
}
