//! The classifier as the program asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use interven_classify::detectors::Detector;
use interven_classify::{Classifier, RedactionPlan, Subject};
use interven_types::{Confidence, DataClass, Hit};
use serde_json::{Value, json};

use crate::rows::Content;
use crate::table::Table;

pub(crate) struct Finder {
    classifier: Arc<Classifier>,
}

impl Finder {
    pub(crate) fn builtin() -> Self {
        Self { classifier: Classifier::builtin() }
    }

    pub(crate) fn hits(&self, content: &Content) -> Vec<Hit> {
        match content {
            Content::Text(text) => self.hits_of_text(text),
            Content::Body(body) => self.hits_of_body(body),
        }
    }

    pub(crate) fn hits_of_text(&self, text: &str) -> Vec<Hit> {
        self.classifier.classify_text(text).hits
    }

    pub(crate) fn hits_of_body(&self, body: &Value) -> Vec<Hit> {
        let headers = BTreeMap::new();
        let subject = Subject { url: "https://example.com/", host: None, headers: &headers, body };
        self.classifier.classify(&subject).hits
    }

    /// What is left of `body` when every class at MEDIUM and above has to go.
    pub(crate) fn redact(&self, body: &Value) -> Value {
        let classes = BTreeSet::from(DataClass::ALL);
        let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &[] };
        self.classifier.redact(body, &plan).body
    }

    /// Every text that a detector must match, with the detector.
    pub(crate) fn examples(&self) -> impl Iterator<Item = (&Detector, &str)> {
        let detectors = self.classifier.detectors().iter();
        detectors.flat_map(|detector| detector.positive.iter().map(move |text| (detector, text.as_str())))
    }

    pub(crate) fn count_detectors(&self) -> Table {
        let mut table = Table::new(&["class", "detectors", "providers", "examples", "near misses"]);
        for class in DataClass::ALL {
            let of_class = || self.classifier.detectors().iter().filter(|detector| detector.class == class);
            let providers: BTreeSet<_> =
                of_class().filter_map(|detector| detector.provider.as_ref()).collect();
            let examples: usize = of_class().map(|detector| detector.positive.len()).sum();
            let near_misses: usize = of_class().map(|detector| detector.negative.len()).sum();
            table.row(&[&class, &of_class().count(), &providers.len(), &examples, &near_misses]);
        }
        table
    }
}

/// A call of a tool that posts `text`, which stands as a JSON string inside a JSON string.
pub(crate) fn call_with(text: &str) -> Value {
    let note = json!({ "note": text }).to_string();
    let arguments = json!({ "channel": "#ops", "text": note });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "post", "arguments": arguments } })
}

/// As the answers of the API spell it.
pub(crate) fn name_of(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "LOW",
        Confidence::Medium => "MEDIUM",
        Confidence::High => "HIGH",
    }
}

/// Hits that count: LOW ones are hints.
pub(crate) fn counts(hit: &Hit) -> bool {
    hit.confidence > Confidence::Low
}
