//! Rows of labelled corpora and of benign bodies: JSON lines, gzip'd when the name ends in `.gz`.
//!
//! `{text, secret}` or `{text, label}` say whether a text holds a secret; `{text, entities, count, positions}` name the
//! personal data in one, `positions` being spans in code points; `{id, body}` and `{id, text}` without a label are benign.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) content: Content,
    pub(crate) truth: Truth,
    /// Classes or detectors that a benign row is known to hold: `PII` of a true address.
    has: Vec<String>,
}

impl Row {
    pub(crate) fn is_known_to_hold(&self, class: &str, detector: &str) -> bool {
        self.has.iter().any(|has| has == class || has == detector)
    }
}

#[derive(Debug)]
pub(crate) enum Content {
    Text(String),
    Body(Value),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Truth {
    Unlabelled,
    Secret(bool),
    /// Kind of personal data, how many values, and where, if the corpus says.
    Personal {
        entity: String,
        count: usize,
        spans: Option<Vec<Range<usize>>>,
    },
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    text: Option<String>,
    body: Option<Value>,
    secret: Option<bool>,
    label: Option<Value>,
    entities: Option<Vec<String>>,
    count: Option<usize>,
    positions: Option<Vec<(usize, usize)>>,
    #[serde(default)]
    has: Vec<String>,
    /// Narrows `has` to these detectors.
    #[serde(default)]
    detectors: Vec<String>,
}

impl Line {
    fn into_row(self, number: usize) -> Option<Row> {
        let is_text = self.text.is_some();
        let content = match (self.text, self.body) {
            (Some(text), _) => Content::Text(text),
            (None, Some(body)) => Content::Body(body),
            (None, None) => return None,
        };
        let truth = match (self.secret, self.label, self.count) {
            (Some(secret), _, _) => Truth::Secret(secret),
            // A label of a body says whether the call may pass, not what it holds.
            (None, Some(label), _) if is_text => Truth::Secret(label == Value::Bool(true) || label == 1),
            (None, Some(_), _) => return None,
            (None, None, Some(count)) => Truth::Personal {
                entity: self.entities.unwrap_or_default().join(", "),
                count,
                spans: self.positions.map(|all| all.into_iter().map(|(from, to)| from..to).collect()),
            },
            (None, None, None) => Truth::Unlabelled,
        };
        let has = if self.detectors.is_empty() { self.has } else { self.detectors };
        Some(Row { id: self.id.unwrap_or_else(|| number.to_string()), content, truth, has })
    }
}

/// Every file of rows in `directory` by name; the inner error says what is absent.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn read_directory(directory: Option<&Path>) -> anyhow::Result<Result<Vec<Corpus>, String>> {
    let Some(directory) = directory else { return Ok(Err("no directory was given".to_owned())) };
    let Ok(entries) = directory.read_dir() else {
        return Ok(Err(format!("`{}` is not there", directory.display())));
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.file_name()
            .and_then(OsStr::to_str)
            .is_some_and(|n| n.ends_with(".jsonl") || n.ends_with(".jsonl.gz"))
    });
    paths.sort();
    Ok(Ok(paths.iter().map(|path| read(path)).collect::<anyhow::Result<_>>()?))
}

fn read(path: &Path) -> anyhow::Result<Corpus> {
    let file = File::open(path).with_context(|| format!("`{}` could not be read", path.display()))?;
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let bytes: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut rows = Vec::new();
    for (number, line) in BufReader::new(bytes).lines().enumerate() {
        let place = || format!("`{}`, line {}", path.display(), number + 1);
        let line: Line = serde_json::from_str(&line.with_context(place)?).with_context(place)?;
        rows.extend(line.into_row(number + 1));
    }
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    Ok(Corpus { name: name.split(".jsonl").next().unwrap_or_default().to_owned(), rows })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Option<Row> {
        serde_json::from_str::<Line>(line).unwrap().into_row(7)
    }

    #[test]
    fn labels_of_every_corpus_are_read() {
        let personal =
            Truth::Personal { entity: "US_SSN".to_owned(), count: 2, spans: Some(vec![4..15, 20..31]) };
        for (line, truth) in [
            (r#"{"text":"a","secret":true}"#, Truth::Secret(true)),
            (r#"{"text":"a","label":1}"#, Truth::Secret(true)),
            (r#"{"text":"a","label":false}"#, Truth::Secret(false)),
            (r#"{"text":"a","entities":["US_SSN"],"count":2,"positions":[[4,15],[20,31]]}"#, personal),
            (r#"{"id":"x","body":{"a":1}}"#, Truth::Unlabelled),
        ] {
            assert_eq!(row(line).unwrap().truth, truth, "{line}");
        }
        assert!(row(r#"{"function":"f","args":{}}"#).is_none());
        assert!(row(r#"{"body":"x","label":1}"#).is_none(), "whether a call may pass is another question");
    }

    #[test]
    fn a_row_may_hold_a_whole_class_or_what_one_detector_finds() {
        let class = row(r#"{"text":"a","has":["PII"]}"#).unwrap();
        assert!(class.is_known_to_hold("PII", "email") && !class.is_known_to_hold("SECRETS", "jwt"));
        let narrow = row(r#"{"text":"a","has":["PII"],"detectors":["email"]}"#).unwrap();
        assert!(narrow.is_known_to_hold("PII", "email") && !narrow.is_known_to_hold("PII", "iban"));
    }

    #[test]
    fn an_absent_directory_is_named() {
        let absent = read_directory(Some(Path::new("/nowhere/at/all"))).unwrap().unwrap_err();
        assert_eq!(absent, "`/nowhere/at/all` is not there");
    }
}
