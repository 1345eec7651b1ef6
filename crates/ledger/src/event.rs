//! The bytes of one event: what a leaf of the log is the hash of.
//!
//! One JSON object. Its keys are sorted and its values are texts, whole numbers and null, so that RFC 8785 gives the very
//! same bytes, and any language can make them again. Whatever a row holds, an event stays below 64 KiB, which is what an
//! entry of a tiled log may have (C2SP tlog-tiles): a long text stands as its hash.

use crate::hash::hex_digest;

/// The format that this build writes, under the key `v`.
pub const EVENT_VERSION: u32 = 1;
/// A text whose JSON form is longer stands as its hash. Some thirty of them and their keys fit an entry.
pub const LONGEST_TEXT: usize = 1_024;

/// One value of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Field<'a> {
    Null,
    Integer(i64),
    /// Stands as a text: the shortest decimal that reads back as this number, without an exponent.
    Real(f64),
    Text(&'a str),
    /// Stands as its SHA-256 in hexadecimal under `<name>_sha256`, as does a text that is too long.
    Digest(&'a [u8]),
}

/// The canonical bytes. `fields` come sorted by name; `v` is added in its place.
pub fn event_bytes<'a>(fields: impl IntoIterator<Item = (&'a str, Field<'a>)>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2_048);
    let mut is_versioned = false;
    for (name, field) in fields {
        if !is_versioned && name > "v" {
            is_versioned = true;
            put_version(&mut bytes);
        }
        put(&mut bytes, name, field);
    }
    if !is_versioned {
        put_version(&mut bytes);
    }
    bytes.push(b'}');
    bytes
}

fn put_version(bytes: &mut Vec<u8>) {
    put(bytes, "v", Field::Integer(EVENT_VERSION.into()));
}

fn put(bytes: &mut Vec<u8>, name: &str, field: Field<'_>) {
    match field {
        Field::Null => put_raw(bytes, name, "", "null"),
        Field::Integer(number) => put_raw(bytes, name, "", &number.to_string()),
        // Adding zero makes one zero of the two.
        Field::Real(number) => put_raw(bytes, name, "", &format!("\"{}\"", number + 0.0)),
        Field::Digest(content) => put_digest(bytes, name, content),
        Field::Text(text) => match quoted(text) {
            Some(quoted) => put_raw(bytes, name, "", &quoted),
            None => put_digest(bytes, name, text.as_bytes()),
        },
    }
}

/// The text in JSON, if it is short enough to stand in an event.
fn quoted(text: &str) -> Option<String> {
    let quoted = serde_json::to_string(text).ok().filter(|_| text.len() <= LONGEST_TEXT)?;
    (quoted.len() <= LONGEST_TEXT).then_some(quoted)
}

fn put_digest(bytes: &mut Vec<u8>, name: &str, content: &[u8]) {
    put_raw(bytes, name, "_sha256", &format!("\"{}\"", hex_digest(content)));
}

fn put_raw(bytes: &mut Vec<u8>, name: &str, suffix: &str, value: &str) {
    bytes.push(if bytes.is_empty() { b'{' } else { b',' });
    for part in ["\"", name, suffix, "\":", value] {
        bytes.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_object_with_sorted_keys_and_its_version() {
        let fields = [
            ("agent", Field::Text("a \"b\"\n\u{1}\u{7f}é")),
            ("body", Field::Digest(b"abc")),
            ("host", Field::Null),
            ("risk", Field::Real(0.1)),
            ("seq", Field::Integer(7)),
            ("verb", Field::Text("READ")),
            ("zero", Field::Real(-0.0)),
        ];
        let expected = "{\"agent\":\"a \\\"b\\\"\\n\\u0001\u{7f}é\",\
            \"body_sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\
            \"host\":null,\"risk\":\"0.1\",\"seq\":7,\"v\":1,\"verb\":\"READ\",\"zero\":\"0\"}";
        assert_eq!(String::from_utf8(event_bytes(fields)).unwrap(), expected);
        assert_eq!(event_bytes([("a", Field::Null)]), b"{\"a\":null,\"v\":1}");
    }

    #[test]
    fn a_text_that_is_long_or_grows_long_by_escaping_stands_as_its_hash() {
        for (text, is_hashed) in [
            ("x".repeat(LONGEST_TEXT - 2), false),
            ("x".repeat(LONGEST_TEXT - 1), true),
            ("\u{1}".repeat(LONGEST_TEXT / 6 + 1), true),
        ] {
            let event = String::from_utf8(event_bytes([("url", Field::Text(&text))])).unwrap();
            assert_eq!(event.contains("\"url_sha256\":\""), is_hashed, "{event}");
        }
    }
}
