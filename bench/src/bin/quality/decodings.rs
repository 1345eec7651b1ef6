//! Every text that a reader might get out of a body, whatever it takes: the check that nothing planted is left.
//!
//! Shares nothing with the product's layers, so that a blind spot there does not hide itself here. Each string, key and
//! number is read as it stands, and then as JSON, percent-encoding, escapes, character references, base 64, hexadecimal,
//! quoted-printable, compressed data and UTF-16, up to [`DEEPEST`] of them inside each other; neighbours are read as one.

use std::collections::BTreeSet;
use std::io::Read;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::{GzDecoder, ZlibDecoder};
use serde_json::Value;

const DEEPEST: usize = 5;
/// Texts read of one body; planted bodies are small.
const MOST_TEXTS: usize = 4_000;
const LARGEST_INFLATED: u64 = 1 << 20;
const SHORTEST_RUN: usize = 8;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// Whether `value` can be read anywhere in `body`.
pub(crate) fn hold(body: &Value, value: &str) -> bool {
    let mut leaves = Vec::new();
    collect(body, &mut leaves);
    leaves.push(leaves.concat());
    leaves.push(body.to_string());
    let mut seen = BTreeSet::new();
    let mut layer = leaves;
    for _ in 0..=DEEPEST {
        let mut next = Vec::new();
        for text in layer {
            if text.contains(value) || without_invisible(&text).contains(value) {
                return true;
            }
            if seen.len() < MOST_TEXTS && seen.insert(text.clone()) {
                next.extend(decode(&text));
            }
        }
        layer = next;
    }
    false
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => into.push(number.to_string()),
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        Value::Object(members) => {
            for (key, member) in members {
                into.push(key.clone());
                collect(member, into);
            }
        }
    }
}

fn without_invisible(text: &str) -> String {
    text.chars()
        .filter(|c| !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'))
        .collect()
}

/// The texts one step inside `text`.
fn decode(text: &str) -> Vec<String> {
    let mut inside = Vec::new();
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        collect(&value, &mut inside);
    }
    for line in text.lines().filter(|line| line.starts_with(['{', '['])) {
        if let Ok(value) = serde_json::from_str::<Value>(line) {
            collect(&value, &mut inside);
        }
    }
    let rewritten = [
        replace_escapes(text, "%", 2, 16),
        replace_escapes(text, "=", 2, 16),
        replace_escapes(text, "\\u", 4, 16),
        replace_escapes(text, "\\x", 2, 16),
        replace_references(text),
        text.replace("=\r\n", "").replace("=\n", ""),
        text.replace('+', " "),
    ];
    inside.extend(rewritten.into_iter().filter(|decoded| decoded != text));
    for run in runs(text) {
        let unwrapped: String = run.chars().filter(|c| !c.is_whitespace()).collect();
        inside.extend(packed(&unwrapped).iter().flat_map(|bytes| read(bytes)));
    }
    inside
}

/// `<mark>` and `digits` digits are a byte or a code unit; bytes together are UTF-8.
fn replace_escapes(text: &str, mark: &str, digits: usize, radix: u32) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(mark) {
        bytes.extend(before.as_bytes());
        let code = after.get(..digits).and_then(|code| u32::from_str_radix(code, radix).ok());
        match code {
            Some(code) if digits == 2 => bytes.extend(u8::try_from(code)),
            Some(code) => {
                bytes.extend(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().bytes())
            }
            None => bytes.extend(mark.as_bytes()),
        }
        rest = if code.is_some() { after.get(digits..).unwrap_or_default() } else { after };
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Character references of HTML and XML: `&#65;`, `&#x41;` and the named ones of XML.
fn replace_references(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let reference = after.split_once(';').and_then(|(name, rest)| Some((character_of(name)?, rest)));
        if let Some((character, after)) = reference {
            decoded.push(character);
            rest = after;
        } else {
            decoded.push('&');
            rest = after;
        }
    }
    decoded + rest
}

fn character_of(name: &str) -> Option<char> {
    let code = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            number.strip_prefix(['x', 'X']).map_or_else(|| code(number, 10), |digits| code(digits, 16))
        }
    }
}

/// Unbroken stretches of characters that encodings use, with and without line breaks inside.
fn runs(text: &str) -> BTreeSet<&str> {
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_' | '=');
    let unbroken = text.split(|c| !is_code(c));
    let wrapped = text.split(|c| !is_code(c) && c != '\n' && c != '\r');
    let after_sign = text.split(|c| !is_code(c) || c == '=');
    unbroken.chain(wrapped).chain(after_sign).filter(|run| run.len() >= SHORTEST_RUN).collect()
}

/// What the run may be the encoding of.
fn packed(run: &str) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for alphabet in [&alphabet::STANDARD, &alphabet::URL_SAFE] {
        all.extend(GeneralPurpose::new(alphabet, LENIENT).decode(run));
    }
    let hex: Vec<u8> = run
        .as_bytes()
        .chunks(2)
        .map_while(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    if hex.len() * 2 >= run.len() {
        all.push(hex);
    }
    all
}

fn read(bytes: &[u8]) -> Vec<String> {
    let mut texts = vec![String::from_utf8_lossy(bytes).into_owned()];
    let units = |join: fn([u8; 2]) -> u16| -> String {
        let units = bytes
            .chunks_exact(2)
            .map(|pair| join([pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0)]));
        String::from_utf16_lossy(&units.collect::<Vec<_>>())
    };
    texts.extend([units(u16::from_le_bytes), units(u16::from_be_bytes)]);
    let mut inflated = String::new();
    if GzDecoder::new(bytes).take(LARGEST_INFLATED).read_to_string(&mut inflated).is_ok() {
        texts.push(inflated);
    }
    let mut inflated = String::new();
    if ZlibDecoder::new(bytes).take(LARGEST_INFLATED).read_to_string(&mut inflated).is_ok() {
        texts.push(inflated);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::hold;
    use crate::carriers::CARRIERS;
    use serde_json::json;

    /// Otherwise nothing left after redaction would prove nothing.
    #[test]
    fn a_value_is_read_out_of_every_carrier() {
        let value = "AKIA2E5A6B7CXQ4TZNFM";
        for carrier in CARRIERS {
            let body = (carrier.wrap)(&format!("deploy with {value} today"));
            assert!(hold(&body, value), "{}: {body}", carrier.name);
        }
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        let body = json!({ "a": "QUtJQTJFNUE2QjdDWFE0VFpORk0=", "b": [1, "%41%4b"] });
        assert!(hold(&body, "AKIA2E5A6B7CXQ4TZNFM"));
        assert!(!hold(&body, "AKIA2E5A6B7CXQ4TZNFN"));
    }
}
