//! `interven classify --jsonl`: a text or a body per line in, its hits per line out.

use crate::{exit::Exit, jsonl::JsonLines};
use anyhow::Result;
use interven_classify::{Classifier, Subject};
use interven_types::{Confidence, DataClass, ErrorCode};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    io::{BufWriter, Write, stdin, stdout},
};

/// A hit as `--jsonl` gives it.
#[derive(Debug, Serialize)]
struct StreamedHit<'a> {
    class: DataClass,
    detector: &'a str,
    confidence: Confidence,
    path: &'a str,
    start: usize,
    end: usize,
}

#[derive(Debug, Serialize)]
struct StreamedHits<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    hits: Vec<StreamedHit<'a>>,
}

/// A line that says nothing to classify.
#[derive(Debug, Serialize)]
struct Refused {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    error: String,
    code: ErrorCode,
}

impl Refused {
    fn new(id: Option<Value>, error: String) -> Self {
        Self { id, error, code: ErrorCode::InvalidRequest }
    }
}

pub(super) fn run() -> Result<Exit> {
    let classifier = Classifier::builtin();
    let mut lines = JsonLines::new(stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, stdout().lock());
    while let Some(line) = lines.read()? {
        match line {
            Ok(fields) => classify_line(&classifier, fields, &mut output)?,
            Err(problem) => serde_json::to_writer(&mut output, &Refused::new(None, problem))?,
        }
        output.write_all(b"\n")?;
        if lines.must_wait() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(Exit::Ok)
}

fn classify_line(
    classifier: &Classifier,
    mut fields: Map<String, Value>,
    output: &mut impl Write,
) -> Result<()> {
    let id = fields.remove("id");
    let hits = match (fields.remove("text"), fields.remove("body")) {
        (Some(Value::String(text)), None) => classifier.classify_text(&text).hits,
        (None, Some(body)) => {
            classifier.classify(&Subject { url: "", host: None, headers: &BTreeMap::new(), body: &body }).hits
        }
        _ => {
            let problem = "the line must have `text` (a string) or `body` (any JSON), one of them".to_owned();
            return Ok(serde_json::to_writer(output, &Refused::new(id, problem))?);
        }
    };
    let hits = hits.iter().map(|hit| StreamedHit {
        class: hit.class,
        detector: &hit.detector,
        confidence: hit.confidence,
        path: &hit.path,
        start: hit.start,
        end: hit.end,
    });
    Ok(serde_json::to_writer(output, &StreamedHits { id, hits: hits.collect() })?)
}
