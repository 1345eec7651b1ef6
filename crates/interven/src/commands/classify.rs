//! `interven classify`: what a text carries.

use crate::{
    cli::ClassifyArgs,
    exit::{Exit, UsageError},
    jsonl::JsonLines,
    terminal::print,
};
use anyhow::{Result, anyhow};
use interven_classify::{Classifier, Subject};
use interven_types::{Confidence, DataClass, ErrorCode, Hit};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    io::{BufWriter, Read as _, Write, stdin, stdout},
    path::{Path, PathBuf},
};

pub(crate) fn run(args: &ClassifyArgs) -> Result<Exit> {
    if args.jsonl {
        return stream();
    }
    let standard_input = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &standard_input[..] } else { &args.files };
    let classifier = Classifier::builtin();
    let mut found = Vec::new();
    for path in files {
        let text = read(path)?;
        let hits = classifier.classify_text(&text).hits;
        found.extend(locate(&path.display().to_string(), &text, &hits));
    }
    match args.json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&found)?))?,
        false => found.iter().try_for_each(|hit| print(&hit.line()))?,
    }
    Ok(if found.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn read(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => stdin().lock().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(path).map(|content| bytes = content),
    };
    read.map_err(|error| anyhow!(UsageError(format!("`{}` cannot be read: {error}", path.display()))))?;
    // Binary files hold secrets too; what is no text becomes one odd character each.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One finding in a text file.
#[derive(Debug, Serialize)]
struct Found {
    file: String,
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    class: DataClass,
    detector: String,
    confidence: Confidence,
    /// Its first four characters: enough to find it again, too little to use it.
    value: String,
}

impl Found {
    fn line(&self) -> String {
        let confidence = format!("{:?}", self.confidence).to_uppercase();
        format!(
            "{}:{}:{}: {} {} {confidence} {}\n",
            self.file, self.line, self.column, self.class, self.detector, self.value
        )
    }
}

/// From code points to lines and columns, in one pass: hits come sorted by where they start.
fn locate(file: &str, text: &str, hits: &[Hit]) -> Vec<Found> {
    let mut characters = text.chars().enumerate().peekable();
    let (mut line, mut line_start) = (1, 0);
    let mut found = Vec::with_capacity(hits.len());
    for hit in hits {
        while let Some((at, character)) = characters.next_if(|(at, _)| *at < hit.start) {
            if character == '\n' {
                (line, line_start) = (line + 1, at + 1);
            }
        }
        let shown = characters.clone().map(|(_, c)| c).take(hit.end.saturating_sub(hit.start).min(4));
        found.push(Found {
            file: file.to_owned(),
            line,
            column: hit.start - line_start + 1,
            class: hit.class,
            detector: hit.detector.clone(),
            confidence: hit.confidence,
            value: format!("{}…", crate::terminal::printable(&shown.collect::<String>())),
        });
    }
    found
}

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

fn stream() -> Result<Exit> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::Place;

    #[test]
    fn hits_are_located_by_line_and_column_and_masked() {
        let hit = |start, end| Hit {
            class: DataClass::Secrets,
            detector: "d".to_owned(),
            confidence: Confidence::High,
            place: Place::Body,
            path: String::new(),
            in_key: false,
            start,
            end,
        };
        let hits = [hit(0, 2), hit(2, 7), hit(10, 16)];
        let found = locate("a.txt", "ab\u{fc}cdef\n\n\nx123456\n", &hits);
        let places: Vec<_> = found.iter().map(|f| (f.line, f.column, f.value.as_str())).collect();
        assert_eq!(places, [(1, 1, "ab\u{2026}"), (1, 3, "\u{fc}cde\u{2026}"), (4, 1, "x123\u{2026}")]);
        assert_eq!(found[2].line(), "a.txt:4:1: SECRETS d HIGH x123\u{2026}\n");
    }
}
