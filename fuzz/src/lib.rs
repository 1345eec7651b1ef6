//! Fuzz targets: any input, and what must hold for it. Each target is a file of `fuzz_targets/`; here is what they
//! share: how bytes become a body or a call, and what a classifier promises of its findings and redactions.

use interven_classify::{Classifier, RedactionPlan, Subject};
use interven_types::{Confidence, DataClass, Hit, Place};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// JSON where the bytes are JSON, else a body of one string.
pub fn read_body(bytes: &[u8]) -> Value {
    interven_types::parse_json(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// A call as bytes: a line with the URL, lines `name: value`, an empty line, the body.
#[derive(Debug)]
pub struct Call {
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Call {
    pub fn read(bytes: &[u8]) -> Self {
        let (head, body) = match bytes.windows(2).position(|pair| pair == b"\n\n") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => (bytes, &bytes[bytes.len()..]),
        };
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let url = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Self { url, headers: headers.collect(), body: read_body(body) }
    }

    pub fn subject<'a>(&'a self, host: Option<&'a str>) -> Subject<'a, 'a> {
        Subject { url: &self.url, host, headers: &self.headers, body: &self.body }
    }
}

/// Classes and confidence of a plan, out of one byte: a bit per class (none: all of them), then two for the confidence.
pub fn read_plan(byte: u8) -> (BTreeSet<DataClass>, Confidence) {
    let wanted: BTreeSet<_> =
        DataClass::ALL.into_iter().enumerate().filter(|(bit, _)| byte >> bit & 1 == 1).map(|(_, class)| class).collect();
    let confidence = [Confidence::Low, Confidence::Medium, Confidence::High][usize::from(byte >> 4 & 3) % 3];
    (if wanted.is_empty() { DataClass::ALL.into() } else { wanted }, confidence)
}

/// Every span is a part of the text that it names.
pub fn check_hits(hits: &[Hit], call: &Call) {
    for hit in hits {
        assert!(hit.start < hit.end, "an empty span: {hit:?}");
        let text = match &hit.place {
            Place::Url => Some(call.url.as_str()),
            // So is the name of a header.
            Place::Header(name) if name.contains("[REDACTED:") => continue,
            Place::Header(name) => call.headers.get(name).map(String::as_str),
            // A key in which something was found is covered in paths.
            Place::Body if hit.in_key || hit.path.contains("[REDACTED:") => continue,
            Place::Body => match call.body.pointer(&hit.path) {
                Some(Value::String(text)) => Some(text.as_str()),
                Some(Value::Number(_)) => continue,
                _ => None,
            },
        };
        let text = text.unwrap_or_else(|| panic!("{hit:?} names no text"));
        assert!(hit.end <= text.chars().count(), "{hit:?} ends beyond its text");
    }
}

/// A redacted body holds nothing of the plan any more, has its shape, and stays as it is when redacted again.
pub fn check_redaction(classifier: &Classifier, body: &Value, plan: &RedactionPlan<'_>) {
    let redacted = classifier.redact(body, plan);
    assert!(has_shape_of(body, &redacted.body), "another shape: {}", redacted.body);
    let nothing = BTreeMap::new();
    let subject = Subject { url: "", host: None, headers: &nothing, body: &redacted.body };
    let is_left = |hit: &&Hit| plan.classes.contains(&hit.class) && hit.confidence >= plan.min_confidence;
    let findings = classifier.classify(&subject);
    let left: Vec<_> = findings.hits.iter().filter(is_left).collect();
    assert!(left.is_empty(), "{left:?} is left in {}", redacted.body);
    let again = classifier.redact(&redacted.body, plan);
    assert_eq!(again.body, redacted.body, "it changes again");
}

fn has_shape_of(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| has_shape_of(a, b)),
        // Keys may be redacted, and then stand in another order.
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_none_or(|b| has_shape_of(a, b)))
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => true,
        _ => one == other,
    }
}
