//! Reads the language's types from a [`Node`] and says precisely what is wrong where.
//!
//! The valid keys, and so the suggestions, are those the types declare: there is no second list to keep in step.

use crate::diagnostic::{Path, Position, Step, nearest};
use crate::node::{Content, Member, Node};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor,
};
use std::fmt;

/// Why a node is not what was expected.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) message: String,
    /// The innermost place known.
    pub(crate) at: Option<Position>,
    /// Innermost step first, while the error travels outwards.
    steps: Vec<Step>,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { message, at: None, steps: Vec::new() }
    }

    fn within(mut self, step: Step, at: Option<Position>) -> Self {
        self.steps.push(step);
        self.at = self.at.or(at);
        self
    }

    /// The full path, when the node that was read stands at `base`.
    pub(crate) fn path_from(&self, base: &Path) -> Path {
        Path(base.0.iter().chain(self.steps.iter().rev()).cloned().collect())
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// What serde calls a thing, and what a person who writes policies calls it.
const WORDS: &[(&str, &str)] = &[
    ("a sequence", "a list"),
    ("a boolean", "`true` or `false`"),
    ("a string", "text"),
    ("f64", "a number"),
    ("i64", "a whole number"),
    ("u64", "a whole number, not negative"),
    ("u32", "a whole number, not negative"),
];

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            Unexpected::Str(text) => format!("the text `{}`", shortened(text)),
            Unexpected::Signed(n) => format!("the number `{n}`"),
            Unexpected::Unsigned(n) => format!("the number `{n}`"),
            Unexpected::Float(n) => format!("the number `{n}`"),
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a map of keys".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            other => other.to_string(),
        };
        let expected = expected.to_string();
        let word = WORDS.iter().find(|(theirs, _)| *theirs == expected).map(|(_, ours)| *ours);
        let expected = match word {
            Some(word) => word,
            None if expected.starts_with("struct ") => "a map of keys",
            None => &expected,
        };
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, valid: &'static [&'static str]) -> Self {
        Self::new(unknown("key", field, valid))
    }

    fn unknown_variant(value: &str, valid: &'static [&'static str]) -> Self {
        Self::new(unknown("value", value, valid))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is required"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is given twice, perhaps under another of its names"))
    }
}

/// "unknown key `x`", with the nearest valid one or all of them.
pub(crate) fn unknown(what: &str, typed: &str, valid: &[&str]) -> String {
    let typed_short = shortened(typed);
    match nearest(typed, valid) {
        Some(meant) => format!("unknown {what} `{typed_short}`; did you mean `{meant}`?"),
        None => {
            let all: Vec<String> = valid.iter().map(|v| format!("`{v}`")).collect();
            format!("unknown {what} `{typed_short}`; valid are {}", all.join(", "))
        }
    }
}

fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut short: String = text.chars().take(MAX_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

pub(crate) fn read<T: DeserializeOwned>(node: &Node) -> Result<T, ReadError> {
    T::deserialize(Reader(node))
}

struct Reader<'n>(&'n Node);

impl Reader<'_> {
    fn located<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        result.map_err(|mut error| {
            error.at = error.at.or(self.0.at);
            error
        })
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.0.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(n), _, _) => visitor.visit_u64(n),
                (_, Some(n), _) => visitor.visit_i64(n),
                (_, _, n) => visitor.visit_f64(n.unwrap_or(f64::NAN)),
            },
            Content::Text(text) => visitor.visit_str(text),
            Content::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Content::Map(members) => visitor.visit_map(Members { members: members.iter(), current: None }),
        };
        self.located(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// Structs are maps alone: serde would read a list as the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.0.content {
            Content::List(_) => self.located(Err(de::Error::invalid_type(Unexpected::Seq, &visitor))),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        // Every enum of the language is a plain word.
        let result = match &self.0.content {
            Content::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            _ => return self.deserialize_str(visitor),
        };
        self.located(result)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'n> {
    items: std::iter::Enumerate<std::slice::Iter<'n, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader(item)).map(Some).map_err(|e| e.within(index.into(), item.at))
    }
}

struct Members<'n> {
    members: std::slice::Iter<'n, Member>,
    current: Option<&'n Member>,
}

impl<'de> de::MapAccess<'de> for Members<'_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        self.current = self.members.next();
        let Some(member) = self.current else { return Ok(None) };
        let key: de::value::StrDeserializer<'_, ReadError> = member.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|e| e.within(member.key.as_str().into(), member.key_at))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let Some(member) = self.current else { return Err(de::Error::custom("a key without a value")) };
        seed.deserialize(Reader(&member.value))
            .map_err(|e| e.within(member.key.as_str().into(), member.key_at))
    }
}

/// The keys, aliases included, under which a struct reads its fields.
pub(crate) fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(KeyLister) {
        Err(KeyList(keys)) => keys,
        Ok(_) => &[],
    }
}

/// Learns the keys by asking a struct to read itself, and refusing.
struct KeyLister;

#[derive(Debug)]
struct KeyList(&'static [&'static str]);

impl fmt::Display for KeyList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

impl std::error::Error for KeyList {}

impl de::Error for KeyList {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for KeyLister {
    type Error = KeyList;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, KeyList> {
        Err(KeyList(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, KeyList> {
        Err(KeyList(fields))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
