//! A file of `[[detector]]` tables, tried before it is sent.

use super::word;
use crate::{exit::UsageError, terminal::table};
use anyhow::{Result, anyhow};
use interven_classify::{
    Options,
    detectors::{ExampleResult, try_examples},
};
use interven_types::CustomDetector;
use serde::Deserialize;
use std::path::Path;

/// Characters of an example that are shown.
const SHOWN: usize = 60;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DetectorFile {
    detector: Vec<CustomDetector>,
}

/// The detectors of a file, and what they found in their examples.
pub(super) struct Tried {
    pub(super) detectors: Vec<CustomDetector>,
    results: Vec<(String, ExampleResult)>,
    /// The first thing that is wrong, with its place in the file.
    pub(super) problem: Option<String>,
}

pub(super) fn try_file(path: &Path) -> Result<Tried> {
    let refuse = |problem: String| anyhow!(UsageError(format!("`{}` {problem}", path.display())));
    let text = std::fs::read_to_string(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let file: DetectorFile = toml::from_str(&text)
        .map_err(|error| refuse(format!("is no list of `[[detector]]` tables: {error}")))?;
    let results = file.detector.iter().flat_map(|detector| {
        let tried = try_examples(detector).unwrap_or_default();
        tried.into_iter().map(|result| (detector.id.clone(), result))
    });
    let options = Options { custom_detectors: &file.detector, ..Options::default() };
    let problem =
        options.admit().err().map(|refusal| refusal.to_string().replacen("custom_detectors", "detector", 1));
    Ok(Tried { results: results.collect(), problem, detectors: file.detector })
}

impl Tried {
    pub(super) fn table(&self) -> String {
        let rows = self.results.iter().map(|(id, result)| {
            [
                id.clone(),
                result.field.clone(),
                if result.must_match { "found" } else { "not found" }.to_owned(),
                result.found.map_or_else(
                    || "not found".to_owned(),
                    |confidence| format!("found {}", word(&confidence)),
                ),
                if result.holds() { "ok" } else { "WRONG" }.to_owned(),
                result.text.chars().take(SHOWN).collect(),
            ]
        });
        table(["DETECTOR", "EXAMPLE", "EXPECTED", "RESULT", "", "TEXT"], rows)
    }
}
