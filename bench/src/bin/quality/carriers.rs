//! Ways in which a text travels in the body of a call.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};

use crate::finder::call_with;

pub(crate) struct Carrier {
    pub(crate) name: &'static str,
    pub(crate) wrap: fn(&str) -> Value,
}

macro_rules! carriers {
    ($($name:literal => $wrap:expr,)*) => { &[$(Carrier { name: $name, wrap: $wrap },)*] };
}

pub(crate) const CARRIERS: &[Carrier] = carriers! {
    "a string" => |text| json!({ "text": text }),
    "a string deep in a list" => |text| json!([[{ "rows": [{ "id": 7, "cells": ["a", [text]] }] }]]),
    "JSON in a string" => call_with,
    "JSON in strings, three deep" => |text| {
        let inner = (0..2).fold(text.to_owned(), |inner, _| json!({ "note": inner }).to_string());
        call_with(&inner)
    },
    "a key" => |text| json!({ "index": { text: true } }),
    "base64" => |text| json!({ "content": STANDARD.encode(text) }),
    "base64url" => |text| json!({ "data": URL_SAFE_NO_PAD.encode(text) }),
    "base64 in lines" => |text| {
        let encoded = STANDARD.encode(format!("{text}\n{}", "Nothing else of note stands here.\n".repeat(4)));
        let lines: Vec<_> = encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        json!({ "content": lines.join("\n") })
    },
    "base64 of base64" => |text| json!({ "content": STANDARD.encode(STANDARD.encode(text)) }),
    "data URL" => |text| json!({ "href": format!("data:text/plain;base64,{}", STANDARD.encode(text)) }),
    "hex" => |text| json!({ "payload": hex(text.as_bytes()) }),
    "gzip in base64" => |text| json!({ "blob": STANDARD.encode(gzip(text.as_bytes())) }),
    "zlib in base64" => |text| json!({ "blob": STANDARD.encode(zlib(text.as_bytes())) }),
    "percent-encoding" => |text| json!({ "query": percent(text, |_| true) }),
    "a form" => |text| json!(format!("channel=ops&text={}&as_user=1", percent(text, |b| !b.is_ascii_alphanumeric()))),
    "a query of a URL" => |text| {
        json!({ "url": format!("https://example.com/search?q={}&page=2", percent(text, |b| !b.is_ascii_alphanumeric())) })
    },
    "unicode escapes" => |text| {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        json!({ "raw": escaped })
    },
    "character references" => |text| {
        let references: String = text.chars().map(|c| format!("&#{};", u32::from(c))).collect();
        json!({ "html": format!("<p>{references}</p>") })
    },
    "XML" => |text| json!(format!("<?xml version=\"1.0\"?><post><note kind=\"a\">{}</note></post>", entities(text))),
    "YAML" => |text| json!({ "manifest": format!("kind: Note\nspec:\n  lines:\n    - 'first'\n    - '{}'\n", text.replace('\'', "''")) }),
    "JSON lines" => |text| json!(format!("{}\n{}\n{}\n", json!({ "n": 1 }), json!({ "n": 2, "note": text }), json!({ "n": 3 }))),
    "CSV" => |text| json!({ "csv": format!("id,note,done\n1,first,true\n2,\"{}\",false\n", text.replace('"', "\"\"")) }),
    "multipart" => |text| {
        json!(format!("--x7f\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n{text}\r\n--x7f--\r\n"))
    },
    "a command line" => |text| json!({ "command": format!("printf '%s' '{}' > note.txt", text.replace('\'', "'\\''")) }),
    "SQL" => |text| json!({ "query": format!("INSERT INTO notes (id, body) VALUES (7, '{}');", text.replace('\'', "''")) }),
    "a patch" => |text| json!({ "patch": format!("@@ -1,2 +1,3 @@\n import os\n+# {text}\n print(1)\n") }),
    "a table in Markdown" => |text| json!({ "body": format!("| id | note |\n| --- | --- |\n| 7 | {text} |\n") }),
    "quoted-printable" => |text| {
        let encoded: String = text.bytes().map(|byte| format!("={byte:02X}")).collect();
        json!({ "mail": format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}\r\n") })
    },
    "UTF-16 in base64" => |text| {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        json!({ "encodedCommand": STANDARD.encode(bytes) })
    },
    "zero-width spaces" => |text| {
        let split: String = text.chars().flat_map(|c| [Some(c), c.is_ascii_alphanumeric().then_some('\u{200b}')]).flatten().collect();
        json!({ "text": split })
    },
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(text: &str, must_be_encoded: impl Fn(u8) -> bool) -> String {
    text.bytes()
        .map(|byte| if must_be_encoded(byte) { format!("%{byte:02X}") } else { char::from(byte).to_string() })
        .collect()
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Compressed into memory, which cannot fail.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut stream = GzEncoder::new(Vec::new(), Compression::default());
    let _ = stream.write_all(bytes);
    stream.finish().unwrap_or_default()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = ZlibEncoder::new(Vec::new(), Compression::default());
    let _ = stream.write_all(bytes);
    stream.finish().unwrap_or_default()
}
