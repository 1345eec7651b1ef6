//! Reading JSON that someone hostile may have written.
//!
//! Two parsers that disagree are a way around a firewall, so what is ambiguous is refused (RFC 8259 §4, RFC 7493):
//! duplicate keys, lone surrogates, numbers beyond a double, integers beyond 64 bits, nesting deeper than [`MAX_JSON_DEPTH`].
//! Decimals are read as IEEE 754 doubles, as RFC 7493 §2.2 tells senders to expect.

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt, marker::PhantomData};

/// Deepest nesting of arrays and objects that is read.
pub const MAX_JSON_DEPTH: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("the body is not UTF-8 (first bad byte at offset {0})")]
    NotUtf8(usize),
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// Some readers have its digits, others a double that stands for thousands of its neighbours.
    #[error(
        "`{0}` is an integer beyond 64 bits, which readers take for different numbers; send it as a string"
    )]
    LongInteger(String),
}

/// Parses one JSON document, strictly.
pub fn parse_json(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError::NotUtf8(e.valid_up_to()))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    // serde_json's own recursion guard stays on; ours is the tighter one.
    let has_huge_number = Cell::new(false);
    let strict = Strict { depth: 0, has_huge_number: &has_huge_number };
    let value = strict.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    match has_huge_number.get().then(|| find_long_integer(text)).flatten() {
        Some(digits) => Err(JsonError::LongInteger(digits.chars().take(40).collect())),
        None => Ok(value),
    }
}

/// The first integer that 64 bits do not hold, in a text that is JSON.
fn find_long_integer(text: &str) -> Option<&str> {
    let (mut is_in_string, mut is_escaped) = (false, false);
    let mut numbers = text.split(|c: char| {
        let is_outside = !is_in_string;
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_in_string = !is_in_string,
            _ => {}
        }
        !(is_outside && (c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')))
    });
    let is_integer =
        |number: &str| number.contains(|c: char| c.is_ascii_digit()) && !number.contains(['.', 'e', 'E']);
    numbers
        .find(|number| is_integer(number) && number.parse::<i64>().is_err() && number.parse::<u64>().is_err())
}

fn malformed(error: serde_json::Error) -> JsonError {
    JsonError::Malformed(error.to_string())
}

/// Reads a struct from an object alone, for `deserialize_with`. Derived readers take a list of the fields too, in their order:
/// an empty one would leave out every limit.
///
/// # Errors
/// Anything but an object of such fields.
pub fn by_name<'de, D: de::Deserializer<'de>, T: de::Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(ByName(PhantomData))
}

struct ByName<T>(PhantomData<T>);

impl<'de, T: de::Deserialize<'de>> Visitor<'de> for ByName<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    /// Whether a number was met that may be an integer beyond 64 bits.
    has_huge_number: &'a Cell<bool>,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_JSON_DEPTH {
            return Err(E::custom(format_args!("nesting deeper than {MAX_JSON_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // 2⁶³, the least that does not fit on one of the two sides of zero.
        if value.abs() >= 9_223_372_036_854_775_808.0 {
            self.has_huge_number.set(true);
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.contains_key(&key) {
                let shown: String = key.chars().take(40).collect();
                return Err(de::Error::custom(format_args!("duplicate key `{shown}`")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(text: &str) -> String {
        parse_json(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,3.5,true,null,"ü\u00fc\ud83d\ude00"],"n":18446744073709551615}"#;
        assert_eq!(parse_json(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        assert_eq!(parse_json(b" 7 ").unwrap(), json!(7));
    }

    #[test]
    fn refuses_what_two_readers_may_read_differently() {
        assert!(refusal(r#"{"a":1,"b":{"c":1,"c":2}}"#).contains("duplicate key `c`"));
        assert!(refusal(r#"{"a":1,"\u0061":2}"#).contains("duplicate key `a`"));
        assert!(refusal(r#"["\ud800"]"#).contains("not valid JSON"));
        assert!(refusal("[1e999]").contains("number out of range"));
        assert!(refusal("[1] [2]").contains("trailing"));
        assert!(refusal("[NaN]").contains("not valid JSON"));
        assert!(parse_json(b"[\"\xff\"]").unwrap_err().to_string().contains("offset 2"));
    }

    #[test]
    fn an_integer_of_many_digits_is_no_double() {
        let long = "123456789012345678901234567890";
        for text in
            [format!("[{long}]"), format!("{{\"a\\\"\":[-{long}]}}"), "18446744073709551616".to_owned()]
        {
            assert!(refusal(&text).contains("integer beyond 64 bits"), "{text}");
        }
        let huge = format!(
            r#"{{"a":1e30,"b":{long}.0,"c":"\\\"{long}","{long}":-9223372036854775808,"d":18446744073709551615}}"#
        );
        assert!(parse_json(huge.as_bytes()).is_ok(), "{huge}");
    }

    #[test]
    fn a_depth_bomb_is_an_error_not_a_crash() {
        assert!(refusal(&"[".repeat(100_000)).contains("deeper than 100"));
        assert!(refusal(&"{\"a\":".repeat(100_000)).contains("deeper than 100"));
        let deepest = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(parse_json(deepest.as_bytes()).is_ok());
    }
}
