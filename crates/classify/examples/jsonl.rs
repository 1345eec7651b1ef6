//! `classify --jsonl` without the rest of the product: lines `{"id", "text"}` or `{"id", "body"}` in,
//! `{"id", "hits": [{class, detector, confidence, path, start, end}]}` out.

use interven_classify::{Classifier, Subject};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
};

fn main() -> std::io::Result<()> {
    let classifier = Classifier::builtin();
    let headers = BTreeMap::new();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let row: Value = serde_json::from_str(&line?)?;
        let findings = match (row.get("text").and_then(Value::as_str), row.get("body")) {
            (Some(text), _) => classifier.classify_text(text),
            (None, Some(body)) => classifier.classify(&Subject {
                url: "https://example.com/",
                host: None,
                headers: &headers,
                body,
            }),
            (None, None) => continue,
        };
        let hits: Vec<Value> = findings
            .hits
            .iter()
            .map(|h| {
                json!({"class": h.class, "detector": h.detector, "confidence": h.confidence, "path": h.path,
                       "start": h.start, "end": h.end})
            })
            .collect();
        writeln!(out, "{}", json!({"id": row.get("id"), "hits": hits}))?;
    }
    out.flush()
}
