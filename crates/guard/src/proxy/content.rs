//! What a body says: its bytes under the encodings they travel in, as the JSON that the judge reads, and back.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use interven_types::parse_json;
use serde_json::Value;
use std::{borrow::Cow, io::Read};

/// A body as the judge reads it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Empty,
    Json(Value),
    /// Forms, lines of JSON, multipart, anything that is UTF-8.
    Text(String),
    /// Text that came as UTF-16. It has no redacted form.
    Utf16(String),
    /// The judge reads it as base64.
    Binary(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error(
        "the body is encoded as `{0}`, which cannot be looked into; send it as it is, or as gzip or deflate"
    )]
    UnknownEncoding(String),
    #[error("the body is not the `{0}` that it claims to be")]
    BrokenEncoding(String),
    #[error("the body is text in `{0}`, which cannot be looked into; send it in UTF-8")]
    UnknownCharset(String),
    #[error("the body is larger than {0} bytes once decoded")]
    TooLarge(usize),
    #[error("the body claims to be JSON, and cannot be read in exactly one way: {0}")]
    Json(String),
}

impl Content {
    /// Reads a request's body.
    pub(super) fn of_request(headers: &HeaderMap, body: &[u8], limit: usize) -> Result<Self, Unreadable> {
        let decoded = decoded(headers, body, limit, true)?;
        if decoded.is_empty() {
            return Ok(Self::Empty);
        }
        let charset = charset(headers);
        if charset.as_deref().is_some_and(|charset| !is_readable(charset)) {
            return Err(Unreadable::UnknownCharset(charset.unwrap_or_default()));
        }
        if let Some(text) = utf16(&decoded, charset.as_deref()) {
            return Ok(Self::Utf16(text));
        }
        let is_json = is_json(headers);
        // Receivers read JSON whatever it is called.
        if is_json
            || decoded.trim_ascii_start().starts_with(b"{")
            || decoded.trim_ascii_start().starts_with(b"[")
        {
            match parse_json(&decoded) {
                Ok(value) => return Ok(Self::Json(value)),
                Err(error) if is_json => return Err(Unreadable::Json(error.to_string())),
                Err(_) => {}
            }
        }
        Ok(Self::of_bytes(&decoded))
    }

    /// Reads the first bytes of an answer. Nothing when it cannot be read.
    pub(super) fn of_response(headers: &HeaderMap, body: &[u8], limit: usize) -> Option<Self> {
        let decoded = decoded(headers, body, limit, false).ok()?;
        match parse_json(&decoded) {
            Ok(value) => Some(Self::Json(value)),
            Err(_) if decoded.is_empty() => None,
            // It may have been cut within a character.
            Err(_) => Some(Self::Text(String::from_utf8_lossy(&decoded).into_owned())),
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Binary(bytes.to_owned()),
        }
    }

    pub(super) fn to_judge(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Json(value) => value.clone(),
            Self::Text(text) | Self::Utf16(text) => Value::String(text.clone()),
            Self::Binary(bytes) => Value::String(BASE64_STANDARD.encode(bytes)),
        }
    }

    /// The bytes of what the judge made of it. Nothing when it has no such form: then nothing may be sent.
    pub(super) fn redacted(&self, by_judge: &Value) -> Option<Vec<u8>> {
        match (self, by_judge) {
            (Self::Json(_), value) => serde_json::to_vec(value).ok(),
            (Self::Text(_), Value::String(text)) => Some(text.clone().into_bytes()),
            // Of an encoded body a redacted part leaves nothing that decodes, and an empty one had nothing to redact.
            _ => None,
        }
    }
}

/// Whether an answer is worth reading.
pub(super) fn is_text(headers: &HeaderMap) -> bool {
    let Some(kind) = media_type(headers) else { return false };
    kind.starts_with("text/")
        || is_json(headers)
        || ["application/xml", "application/javascript", "application/x-ndjson", "application/jsonl"]
            .contains(&kind.as_str())
        || kind.ends_with("+xml")
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"))
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn charset(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, charset) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(charset.trim().trim_matches('"').to_ascii_lowercase()).filter(|charset| !charset.is_empty())
}

/// A charset in which ASCII is ASCII, so that credentials show in it, or UTF-16. In UTF-7 and EBCDIC they do not.
fn is_readable(charset: &str) -> bool {
    const BEGINNINGS: [&str; 16] = [
        "utf-8",
        "utf8",
        "us-ascii",
        "ascii",
        "iso-8859",
        "iso8859",
        "latin",
        "windows-",
        "cp125",
        "koi8",
        "gb",
        "big5",
        "euc-",
        "shift_jis",
        "macintosh",
        "utf-16",
    ];
    BEGINNINGS.iter().any(|beginning| charset.starts_with(beginning))
}

/// The text of UTF-16, known by its byte order mark or its name (RFC 2781 §3.3, §4.3).
fn utf16(bytes: &[u8], charset: Option<&str>) -> Option<String> {
    let (is_big, bytes) = match (bytes, charset) {
        ([0xfe, 0xff, rest @ ..], _) => (true, rest),
        ([0xff, 0xfe, rest @ ..], _) => (false, rest),
        (bytes, Some("utf-16" | "utf-16be")) => (true, bytes),
        (bytes, Some("utf-16le")) => (false, bytes),
        _ => return None,
    };
    let unit =
        |pair: &[u8]| pair.try_into().ok().map(if is_big { u16::from_be_bytes } else { u16::from_le_bytes });
    let units = bytes.chunks_exact(2).filter_map(unit);
    Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// Undoes the content codings (RFC 9110 §8.4), last applied first. What is cut short is read as far as it goes, unless it must
/// be `whole`.
fn decoded<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
    limit: usize,
    whole: bool,
) -> Result<Cow<'a, [u8]>, Unreadable> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let text = value.to_str().map_err(|_| Unreadable::UnknownEncoding("?".to_owned()))?;
        codings.extend(text.split(',').map(|coding| coding.trim().to_ascii_lowercase()));
    }
    let mut bytes = Cow::Borrowed(body);
    for coding in codings.iter().rev().filter(|coding| !coding.is_empty() && *coding != "identity") {
        // A header on an empty body encodes nothing.
        if bytes.is_empty() {
            break;
        }
        let opened = match coding.as_str() {
            "gzip" | "x-gzip" => opened(MultiGzDecoder::new(&*bytes), limit),
            // RFC 9110 §8.4.1.2: zlib; some send it bare.
            "deflate" if bytes.first().is_some_and(|first| first & 0x0f == 8) => {
                opened(ZlibDecoder::new(&*bytes), limit)
            }
            "deflate" => opened(DeflateDecoder::new(&*bytes), limit),
            _ => return Err(Unreadable::UnknownEncoding(coding.clone())),
        };
        bytes = Cow::Owned(match opened {
            Opened { bytes, .. } if bytes.len() > limit && whole => return Err(Unreadable::TooLarge(limit)),
            Opened { is_broken: true, .. } if whole => {
                return Err(Unreadable::BrokenEncoding(coding.clone()));
            }
            Opened { mut bytes, .. } => {
                bytes.truncate(limit);
                bytes
            }
        });
    }
    Ok(bytes)
}

struct Opened {
    bytes: Vec<u8>,
    is_broken: bool,
}

/// Reads one byte more than the limit, so that too much shows.
fn opened(decoder: impl Read, limit: usize) -> Opened {
    let mut bytes = Vec::new();
    let read = decoder.take(limit as u64 + 1).read_to_end(&mut bytes);
    Opened { bytes, is_broken: read.is_err() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use serde_json::json;
    use std::io::Write as _;

    fn headers(kind: &'static str, coding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (CONTENT_TYPE, kind.parse().unwrap()),
            (CONTENT_ENCODING, coding.parse().unwrap()),
        ])
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(kind: &'static str, coding: &'static str, body: &[u8]) -> Result<Content, Unreadable> {
        Content::of_request(&headers(kind, coding), body, 100)
    }

    #[test]
    fn a_body_is_what_it_says_under_its_encodings() {
        let json = br#"{"a":1}"#;
        for (kind, coding, body, expected) in [
            ("application/json", "identity", json.to_vec(), Content::Json(json!({"a": 1}))),
            ("application/json; charset=utf-8", "gzip", gzip(json), Content::Json(json!({"a": 1}))),
            ("application/json", "gzip, gzip", gzip(&gzip(json)), Content::Json(json!({"a": 1}))),
            ("text/plain", "", json.to_vec(), Content::Json(json!({"a": 1}))),
            ("text/plain", "", b"{not json".to_vec(), Content::Text("{not json".to_owned())),
            ("application/x-www-form-urlencoded", "", b"a=1".to_vec(), Content::Text("a=1".to_owned())),
            ("application/json", "gzip", Vec::new(), Content::Empty),
            ("image/png", "", vec![0xff, 0xd8], Content::Binary(vec![0xff, 0xd8])),
            ("text/plain; charset=utf-16", "", vec![0xff, 0xfe, b'a', 0], Content::Utf16("a".to_owned())),
            ("text/plain", "", vec![0xfe, 0xff, 0, b'a'], Content::Utf16("a".to_owned())),
            ("text/plain; charset=\"UTF-16LE\"", "", vec![b'a', 0], Content::Utf16("a".to_owned())),
            ("text/plain; charset=ISO-8859-1", "", b"a".to_vec(), Content::Text("a".to_owned())),
        ] {
            assert_eq!(read(kind, coding, &body), Ok(expected), "{kind} {coding}");
        }
    }

    #[test]
    fn what_cannot_be_looked_into_is_no_body_to_judge() {
        let bomb = gzip(&[b'a'; 10_000]);
        let half = gzip(&[b'a'; 90]).split_at(12).0.to_vec();
        for (kind, coding, body, expected) in [
            ("text/plain", "br", b"x".to_vec(), Unreadable::UnknownEncoding("br".to_owned())),
            ("text/plain; charset=utf-7", "", b"x".to_vec(), Unreadable::UnknownCharset("utf-7".to_owned())),
            ("text/plain", "gzip", b"plain".to_vec(), Unreadable::BrokenEncoding("gzip".to_owned())),
            ("text/plain", "gzip", half, Unreadable::BrokenEncoding("gzip".to_owned())),
            ("text/plain", "gzip", bomb, Unreadable::TooLarge(100)),
        ] {
            assert_eq!(read(kind, coding, &body), Err(expected), "{kind} {coding}");
        }
        let twice = read("application/json", "", br#"{"a":1,"a":2}"#);
        assert!(matches!(twice, Err(Unreadable::Json(_))), "{twice:?}");
    }

    #[test]
    fn a_redacted_body_keeps_its_form_or_is_not_sent() {
        let json = Content::Json(json!({"a": "x"}));
        assert_eq!(json.redacted(&json!({"a": "-"})).as_deref(), Some(br#"{"a":"-"}"#.as_slice()));
        let text = Content::Text("a=x".to_owned());
        assert_eq!(text.redacted(&json!("a=-")).as_deref(), Some(b"a=-".as_slice()));
        assert_eq!(text.redacted(&json!({"a": "-"})), None);
        assert_eq!(Content::Binary(vec![0xff]).redacted(&json!("-")), None);
        assert_eq!(Content::Utf16("a".to_owned()).redacted(&json!("-")), None);
    }
}
