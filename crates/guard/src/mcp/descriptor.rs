//! What a server says about one of its tools: read strictly, fingerprinted, compared.

use interven_types::{JsonError, parse_json};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Whatever of a descriptor reaches the model or decides what a call may hold.
const PINNED: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

/// A tool as `tools/list` describes it, reduced to the members that are pinned.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    name: String,
    pinned: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableDescriptor {
    #[error("{0}")]
    Json(#[from] JsonError),
    #[error("it is no object with a `name`")]
    Nameless,
    /// Readers that do not mind the case would read another tool.
    #[error("it can be read in two ways: `{0}`")]
    Ambiguous(String),
}

impl Descriptor {
    pub fn read(text: &str) -> Result<Self, UnreadableDescriptor> {
        let value = parse_json(text.as_bytes())?;
        let is_odd = |key: &&String| PINNED.iter().any(|name| key.eq_ignore_ascii_case(name) && key != name);
        if let Some(key) = value.as_object().and_then(|all| all.keys().find(is_odd)) {
            return Err(UnreadableDescriptor::Ambiguous(key.clone()));
        }
        Self::from_value(value).ok_or(UnreadableDescriptor::Nameless)
    }

    /// Of the whole descriptor, or of what was pinned of it.
    pub fn from_value(value: Value) -> Option<Self> {
        let Value::Object(mut all) = value else { return None };
        let name = all.get("name")?.as_str()?.to_owned();
        let pinned: Map<String, Value> =
            PINNED.into_iter().filter_map(|key| Some((key.to_owned(), all.remove(key)?))).collect();
        Some(Self { name, pinned: Value::Object(pinned) })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn pinned(&self) -> &Value {
        &self.pinned
    }

    /// `sha256:` and the hash of the canonical form (RFC 8785), which does not mind the order of members.
    pub fn fingerprint(&self) -> String {
        let canonical = serde_json_canonicalizer::to_vec(&self.pinned)
            .unwrap_or_else(|_| self.pinned.to_string().into_bytes());
        Sha256::digest(&canonical).iter().fold("sha256:".to_owned(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Every text of it that a model may read, with the place where it stands: values and names of members.
    pub fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = Vec::new();
        collect_texts(&self.pinned, &mut String::new(), &mut texts);
        texts
    }

    /// Arguments that go into headers too (`x-mcp-header`, revision 2026-07-28): their path, and the header's name.
    pub fn mirrored(&self) -> Vec<(Vec<String>, String)> {
        let mut found = Vec::new();
        if let Some(schema) = self.pinned.get("inputSchema") {
            collect_mirrored(schema, &mut Vec::new(), &mut found);
        }
        found
    }

    /// Names of its parameters with their places, also of those inside of others.
    pub fn parameters(&self) -> Vec<(String, &str)> {
        let mut names = Vec::new();
        if let Some(schema) = self.pinned.get("inputSchema") {
            collect_parameters(schema, "/inputSchema", &mut names);
        }
        names
    }
}

fn collect_texts<'a>(value: &'a Value, place: &mut String, texts: &mut Vec<(String, &'a str)>) {
    let depth = place.len();
    match value {
        Value::String(text) => texts.push((place.clone(), text)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let _ = write!(place, "/{index}");
                collect_texts(item, place, texts);
                place.truncate(depth);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                place.push('/');
                place.push_str(&pointer_token(key));
                texts.push((place.clone(), key));
                collect_texts(value, place, texts);
                place.truncate(depth);
            }
        }
        _ => {}
    }
}

fn collect_mirrored(schema: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        path.push(name.clone());
        if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
            found.push((path.clone(), header.to_owned()));
        }
        collect_mirrored(property, path, found);
        path.pop();
    }
}

fn collect_parameters<'a>(schema: &'a Value, place: &str, names: &mut Vec<(String, &'a str)>) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                let place = format!("{place}/{}", pointer_token(key));
                if let ("properties", Value::Object(properties)) = (key.as_str(), value) {
                    names.extend(
                        properties
                            .keys()
                            .map(|name| (format!("{place}/{}", pointer_token(name)), name.as_str())),
                    );
                }
                collect_parameters(value, &place, names);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_parameters(item, &format!("{place}/{index}"), names);
            }
        }
        _ => {}
    }
}

/// RFC 6901 §3.
fn pointer_token(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// One difference between two descriptors.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// JSON Pointer.
    pub place: String,
    /// Absent: it is new.
    pub was: Option<Value>,
    /// Absent: it is gone.
    pub now: Option<Value>,
}

/// What is different, in the order of the places.
pub fn differences(was: &Value, now: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(Some(was), Some(now), "", &mut changes);
    changes
}

fn compare(was: Option<&Value>, now: Option<&Value>, place: &str, changes: &mut Vec<Change>) {
    match (was, now) {
        (Some(was), Some(now)) if was == now => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                compare(old.get(key), new.get(key), &format!("{place}/{}", pointer_token(key)), changes);
            }
        }
        (was, now) => {
            changes.push(Change { place: place.to_owned(), was: was.cloned(), now: now.cloned() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: &str = r#"{"name":"add","description":"Adds.","inputSchema":{"type":"object","properties":
        {"a":{"type":"number"},"b/c":{"type":"object","properties":{"d":{"description":"deep"}}}}},"_meta":{"x":1}}"#;

    #[test]
    fn the_fingerprint_is_of_what_is_pinned_in_any_order() {
        let add = Descriptor::read(ADD).unwrap();
        let mut value = parse_json(ADD.as_bytes()).unwrap();
        value["_meta"] = Value::Null;
        value["icons"] = Value::from("x");
        let same = Descriptor::from_value(value.clone()).unwrap();
        assert_eq!(add.fingerprint(), same.fingerprint());
        assert!(add.fingerprint().starts_with("sha256:") && add.fingerprint().len() == 71);
        for key in ["name", "title", "description", "inputSchema", "outputSchema", "annotations"] {
            let mut other = value.clone();
            other[key] = Value::from("changed");
            assert_ne!(Descriptor::from_value(other).unwrap().fingerprint(), add.fingerprint(), "{key}");
        }
        let shuffled = r#"{"inputSchema":{"properties":{"b/c":{"properties":{"d":{"description":"deep"}},"type":"object"},
            "a":{"type":"number"}},"type":"object"},"description":"Adds.","name":"add"}"#;
        assert_eq!(Descriptor::read(shuffled).unwrap().fingerprint(), add.fingerprint());
    }

    #[test]
    fn texts_and_parameters_are_found_at_every_depth() {
        let add = Descriptor::read(ADD).unwrap();
        assert_eq!(
            add.parameters(),
            [
                ("/inputSchema/properties/a".to_owned(), "a"),
                ("/inputSchema/properties/b~1c".to_owned(), "b/c"),
                ("/inputSchema/properties/b~1c/properties/d".to_owned(), "d"),
            ]
        );
        let texts = add.texts();
        assert!(texts.contains(&("/description".to_owned(), "Adds.")), "{texts:?}");
        assert!(
            texts.iter().any(|(place, text)| place.ends_with("/d/description") && *text == "deep"),
            "{texts:?}"
        );
    }

    #[test]
    fn a_change_is_told_by_its_place() {
        let was = Descriptor::read(ADD).unwrap();
        let now = Descriptor::read(&ADD.replace("Adds.", "Adds!").replace("\"a\"", "\"command\"")).unwrap();
        let places: Vec<String> =
            differences(was.pinned(), now.pinned()).into_iter().map(|change| change.place).collect();
        assert_eq!(places, ["/description", "/inputSchema/properties/a", "/inputSchema/properties/command"]);
        assert_eq!(differences(was.pinned(), was.pinned()), []);
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        for text in ["[]", "{}", r#"{"name":1}"#, r#"{"name":"a","name":"b"}"#, "{"] {
            assert!(Descriptor::read(text).is_err(), "{text}");
        }
    }
}
