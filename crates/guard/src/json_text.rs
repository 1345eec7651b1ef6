//! JSON as a text with places: what stands where, so that one part can be replaced and every other byte stays.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, ops::Range};

/// A member of an object: its name, and the text of its value.
pub(crate) type Member<'a> = (Cow<'a, str>, &'a str);

/// The members of an object in their order, doubles among them; absent when `text` is no object.
pub(crate) fn members(text: &str) -> Option<Vec<Member<'_>>> {
    serde_json::from_str::<Object<'_>>(text).ok().map(|object| object.0)
}

/// The elements of an array; absent when `text` is no array.
pub(crate) fn elements(text: &str) -> Option<Vec<&str>> {
    let array: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(array.into_iter().map(RawValue::get).collect())
}

/// The value of the only member that is called `name`; absent also when there are two.
pub(crate) fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut found = members(text)?.into_iter().filter(|(key, _)| key == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// Where `part`, a slice of `whole`, stands in it.
pub(crate) fn place(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part).then_some(start..end)
}

/// `whole` with other text in these places; they do not overlap.
pub(crate) fn with_replaced(whole: &str, mut replaced: Vec<(Range<usize>, String)>) -> String {
    replaced.sort_by_key(|(range, _)| range.start);
    let mut text = String::with_capacity(whole.len());
    let mut end = 0;
    for (range, other) in replaced {
        text.push_str(whole.get(end..range.start).unwrap_or_default());
        text.push_str(&other);
        end = range.end;
    }
    text.push_str(whole.get(end..).unwrap_or_default());
    text
}

/// JSON text of a string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A JSON string, read; absent when `text` is something else, or holds half of a surrogate pair.
pub(crate) fn string(text: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Text<'_>>(text).ok().map(|text| text.0)
}

struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }
        deserializer.deserialize_str(Reader).map(Text)
    }
}

struct Object<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<Member<'de>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(Text(key)) = map.next_key()? {
                    all.push((key, map.next_value::<&RawValue>()?.get()));
                }
                Ok(all)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(A::Error::custom("an array is no object"))
            }
        }
        deserializer.deserialize_map(Reader).map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_and_replaced_where_it_stands() {
        let text = r#" {"a" : [1, 2.50 ,{"b":1e999}], "a":"x", "\u0062": null} "#;
        let all = members(text.trim()).unwrap();
        assert_eq!(
            all.iter().map(|(key, value)| (&**key, *value)).collect::<Vec<_>>(),
            [("a", r#"[1, 2.50 ,{"b":1e999}]"#), ("a", r#""x""#), ("b", "null"),]
        );
        assert_eq!(elements(all[0].1).unwrap(), ["1", "2.50", r#"{"b":1e999}"#]);
        assert_eq!(member(text, "a"), None, "which of the two?");
        let range = place(text, member(text, "b").unwrap()).unwrap();
        assert_eq!(
            with_replaced(text, vec![(range, quoted("é\n"))]),
            r#" {"a" : [1, 2.50 ,{"b":1e999}], "a":"x", "\u0062": "é\n"} "#
        );
    }

    #[test]
    fn what_is_no_object_or_array_is_none() {
        for text in ["", "[]", "1", "\"{}\"", "{", "{\"a\":1}x", "{\"a\"}", "nul"] {
            assert!(members(text).is_none(), "{text}");
        }
        for text in ["", "{}", "1", "[1", "[1,]"] {
            assert!(elements(text).is_none(), "{text}");
        }
        assert!(string(r#""\ud800""#).is_none());
        assert_eq!(place("ab", "ab".to_owned().as_str()), None);
    }
}
