//! A document as a tree in which everything knows where it was written.

use crate::diagnostic::{Path, Position, Step};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use serde_saphyr::{Location, Spanned};
use std::fmt;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Absent when the document did not come from a text.
    pub(crate) at: Option<Position>,
    pub(crate) content: Content,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_at: Option<Position>,
    pub(crate) value: Node,
}

impl Node {
    /// Reads YAML 1.2 (and so JSON). Aliases, depth and size are bounded; duplicate keys are errors.
    pub(crate) fn from_yaml(text: &str) -> Result<Self, (Option<Position>, String)> {
        /// The largest pack shipped is a few dozen KiB.
        const MAX_BYTES: usize = 4 * 1024 * 1024;
        if text.len() > MAX_BYTES {
            return Err((None, format!("the text is {} bytes; the limit is {MAX_BYTES}", text.len())));
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: 48,
                max_documents: 1,
                max_nodes: 400_000,
                max_aliases: 1_000,
                max_anchors: 1_000,
                max_merge_keys: 1_000,
                max_total_scalar_bytes: MAX_BYTES,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: 100_000,
                max_replay_stack_depth: 16,
            },
            strict_booleans: true,
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let error = error.without_snippet();
            let position = error.location().as_ref().and_then(position);
            // The library ends its sentences with the place, which a diagnostic carries in fields of its own.
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message);
            (position, plainly(message))
        })
    }

    pub(crate) fn from_json(value: Value) -> Self {
        let content = match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(value),
            Value::Number(value) => Content::Number(value),
            Value::String(value) => Content::Text(value),
            Value::Array(items) => Content::List(items.into_iter().map(Self::from_json).collect()),
            Value::Object(members) => Content::Map(
                members
                    .into_iter()
                    .map(|(key, value)| Member { key, key_at: None, value: Self::from_json(value) })
                    .collect(),
            ),
        };
        Self { at: None, content }
    }

    /// Where the deepest existing part of `path` was written.
    pub(crate) fn position_of(&self, path: &Path) -> Option<Position> {
        let mut node = self;
        let mut position = self.at;
        for step in &path.0 {
            match (&node.content, step) {
                (Content::Map(members), Step::Key(key)) => {
                    let Some(member) = members.iter().find(|m| m.key == *key) else { break };
                    node = &member.value;
                    position = member.key_at.or(position);
                }
                (Content::List(items), Step::Index(index)) => {
                    let Some(item) = items.get(*index) else { break };
                    node = item;
                    position = item.at.or(position);
                }
                _ => break,
            }
        }
        position
    }
}

/// What the library says about its options, said about the text.
fn plainly(message: &str) -> String {
    if let Some(key) = message.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set ").next().unwrap_or(key);
        return format!("`{key}` is given twice");
    }
    let sentences = [
        ("budget breached: Documents", "a file holds one document, and here a second one begins"),
        ("budget breached", "the text is nested deeper, or repeats more, than policies may"),
        ("non-finite float", "numbers must be finite"),
        ("tabs disallowed", "a tab cannot indent; use spaces"),
    ];
    let plain = sentences.iter().find(|(theirs, _)| message.starts_with(theirs)).map(|(_, ours)| *ours);
    plain.unwrap_or(message).to_owned()
}

/// The library's own "unknown" is line 0.
fn position(location: &Location) -> Option<Position> {
    let line = u32::try_from(location.line()).ok().filter(|line| *line > 0)?;
    Some(Position { line, column: u32::try_from(location.column()).ok()? })
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { at: position(&spanned.referenced), content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        Number::from_f64(value).map(Content::Number).ok_or_else(|| E::custom("numbers must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Content, E> {
        Ok(Content::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = members.next_entry::<Spanned<String>, Node>()? {
            map.push(Member { key_at: position(&key.referenced), key: key.value, value });
        }
        Ok(Content::Map(map))
    }
}
