//! How single fields are read where serde's own way would hide a mistake.

use crate::condition::PathTest;
use interven_types::{GrantUses, RuntimeType};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize as _, Serializer};
use serde_json::Value;

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A list with at least one item: an empty one would match nothing, and reads as if it matched everything.
pub(crate) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(reader: D) -> Result<Vec<T>, D::Error> {
    let items = Vec::deserialize(reader)?;
    if items.is_empty() {
        return Err(D::Error::custom("the list is empty; name something, or remove the key"));
    }
    Ok(items)
}

pub(crate) fn optional_list<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Vec<String>>, D::Error> {
    match Option::<Vec<String>>::deserialize(reader)? {
        Some(items) if items.is_empty() => {
            Err(D::Error::custom("the list is empty; name something, or remove the key"))
        }
        items => Ok(items),
    }
}

/// `x` or `[x, y]`.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<String>, D::Error> {
    let wrong = || D::Error::custom("expected text, or a list of texts");
    match Value::deserialize(reader)? {
        Value::String(one) => Ok(vec![one]),
        Value::Array(items) => items
            .into_iter()
            .map(|item| if let Value::String(text) = item { Ok(text) } else { Err(wrong()) })
            .collect(),
        _ => Err(wrong()),
    }
}

/// The type of the domain reads unknown words as `custom`; in a rule they are typing errors.
pub(crate) fn runtime_types<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<RuntimeType>, D::Error> {
    let names: Vec<String> = list(reader)?;
    let known = |name: &String| {
        let runtime = RuntimeType::named(name);
        if runtime.as_str() == name {
            Ok(runtime)
        } else {
            Err(D::Error::unknown_variant(name, RUNTIME_TYPES))
        }
    };
    names.iter().map(known).collect()
}

const RUNTIME_TYPES: &[&str] = &[
    "langchain",
    "langgraph",
    "crewai",
    "openai_assistants",
    "mcp",
    "openclaw",
    "claude_code",
    "cursor",
    "copilot",
    "browser_use",
    "computer_use",
    "python",
    "node",
    "custom",
];

pub(crate) fn grant_uses<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<GrantUses>, D::Error> {
    let value = Option::<Value>::deserialize(reader)?;
    value
        .map(serde_json::from_value)
        .transpose()
        .map_err(|_| D::Error::custom("expected a whole number from 1, or `unlimited`"))
}

/// `10000` and not `10000.0`, as people write it.
pub(crate) fn write_bound<S: Serializer>(test: &Option<PathTest<f64>>, writer: S) -> Result<S::Ok, S::Error> {
    /// Up to here every whole double is a whole number of its own: 2⁵³.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let value = |bound: f64| {
        let is_whole =
            bound.fract() == 0.0 && bound.abs() <= MAX_EXACT && !(bound == 0.0 && bound.is_sign_negative());
        if is_whole {
            format!("{bound:.0}").parse().map_or(Value::from(bound), |whole: i64| whole.into())
        } else {
            bound.into()
        }
    };
    test.as_ref().map(|test| PathTest { path: test.path.clone(), value: value(test.value) }).serialize(writer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_type_offered_is_one_of_the_domain() {
        for name in RUNTIME_TYPES {
            assert_eq!(RuntimeType::named(name).as_str(), *name);
        }
    }
}
