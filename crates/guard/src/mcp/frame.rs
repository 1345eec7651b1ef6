//! JSON-RPC 2.0 frames as MCP carries them: what kind each is, read without changing it.
//!
//! Only the envelope is read, so that numbers of any size, doubled or unknown fields and the order of members inside
//! `params` and `result` are nobody's business here and pass as they came. What two parsers could read in two ways
//! is refused: an envelope with `method` twice, or with `Method` beside it, may be another call to the server than to
//! the guard. Batches are part of revision 2025-03-26 only and are read in all.

use crate::json_text::{elements, members, string};
use std::borrow::Cow;

/// One line of stdio, one HTTP body or one event of a stream.
#[derive(Debug)]
pub enum Frame<'a> {
    /// White space only.
    Blank,
    One(Message<'a>),
    /// Messages in brackets.
    Batch(Vec<Message<'a>>),
    Unreadable(Unreadable),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it is not JSON")]
    NotJson,
    #[error("it is no JSON-RPC message")]
    NotJsonRpc,
    #[error("it can be read in two ways: `{0}` stands in it twice")]
    Ambiguous(&'static str),
    #[error("it can be read in two ways: it is a call and an answer at once")]
    CallAndAnswer,
}

#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The whole object, without what surrounds it.
    pub text: &'a str,
    pub kind: Kind<'a>,
}

#[derive(Debug, Clone)]
pub enum Kind<'a> {
    Request {
        id: Id,
        method: Cow<'a, str>,
        params: Option<&'a str>,
    },
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a str>,
    },
    /// Exactly one of `result` and `error` is there.
    Answer {
        id: Option<Id>,
        result: Option<&'a str>,
        error: Option<&'a str>,
    },
}

/// The id of a request. `1` and `1.0` are one id, `1` and `"1"` are two (JSON-RPC 2.0 §4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    Null,
    Text(String),
    Number(String),
}

impl Id {
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        if let Some(text) = string(text) {
            return Some(Self::Text(text.into_owned()));
        }
        let number: f64 = serde_json::from_str(text).ok()?;
        // Beyond 2^53 doubles skip integers: there the text itself tells ids apart.
        let is_small = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        Some(Self::Number(if is_small { format!("{}", number + 0.0) } else { text.to_owned() }))
    }

    pub(crate) fn to_json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Text(text) => crate::json_text::quoted(text),
            Self::Number(text) => text.clone(),
        }
    }
}

impl<'a> Frame<'a> {
    pub fn read(bytes: &'a [u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Unreadable(Unreadable::NotUtf8) };
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let read = match text.as_bytes().first() {
            None => return Self::Blank,
            Some(b'[') => elements(text).ok_or(Unreadable::NotJson).and_then(|parts| {
                if parts.is_empty() {
                    return Err(Unreadable::NotJsonRpc);
                }
                parts.into_iter().map(read_message).collect::<Result<_, _>>().map(Self::Batch)
            }),
            Some(_) => read_message(text).map(Self::One),
        };
        read.unwrap_or_else(Self::Unreadable)
    }
}

/// Members of the envelope, by the names that JSON-RPC 2.0 gives them.
const ENVELOPE: [&str; 5] = ["id", "method", "params", "result", "error"];

fn read_message(text: &str) -> Result<Message<'_>, Unreadable> {
    let Some(all) = members(text) else {
        let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        return Err(if is_json { Unreadable::NotJsonRpc } else { Unreadable::NotJson });
    };
    let [id, method, params, result, error] = only(&all, ENVELOPE)?;
    let id = id.map(|text| Id::read(text).ok_or(Unreadable::NotJsonRpc)).transpose()?;
    let method = method.map(|text| string(text).ok_or(Unreadable::NotJsonRpc)).transpose()?;
    let kind = match (method, result.is_some() || error.is_some()) {
        (Some(_), true) => return Err(Unreadable::CallAndAnswer),
        (Some(method), false) => match id {
            Some(id) => Kind::Request { id, method, params },
            None => Kind::Notification { method, params },
        },
        // Some servers write both, one of them null.
        (None, true) => {
            let [result, error] = match (result, error) {
                (result, Some("null")) if result.is_some() => [result, None],
                (Some("null"), error) if error.is_some() => [None, error],
                (Some(_), Some(_)) => return Err(Unreadable::Ambiguous("result")),
                (result, error) => [result, error],
            };
            Kind::Answer { id, result, error }
        }
        (None, false) => return Err(Unreadable::NotJsonRpc),
    };
    Ok(Message { text, kind })
}

/// The values of these members. A reader that takes the first of two, the last, or does not mind the case would each see
/// another message, so two of a name are refused.
pub(crate) fn only<'a, const N: usize>(
    all: &[(Cow<'_, str>, &'a str)],
    names: [&'static str; N],
) -> Result<[Option<&'a str>; N], Unreadable> {
    let mut found = [None; N];
    for (key, value) in all {
        let Some((name, place)) =
            names.iter().zip(&mut found).find(|(name, _)| key.eq_ignore_ascii_case(name))
        else {
            continue;
        };
        if key != name || place.replace(*value).is_some() {
            return Err(Unreadable::Ambiguous(name));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(frame: &str) -> String {
        let one = |message: &Message<'_>| match &message.kind {
            Kind::Request { id, method, params } => {
                format!("request {} {method} {}", id.to_json(), params.unwrap_or("-"))
            }
            Kind::Notification { method, .. } => format!("notification {method}"),
            Kind::Answer { id, result, error } => format!(
                "answer {} {}",
                id.as_ref().map_or("-".to_owned(), Id::to_json),
                result.or(*error).unwrap_or_default()
            ),
        };
        match Frame::read(frame.as_bytes()) {
            Frame::Blank => "blank".to_owned(),
            Frame::One(message) => one(&message),
            Frame::Batch(all) => all.iter().map(one).collect::<Vec<_>>().join(" + "),
            Frame::Unreadable(why) => why.to_string(),
        }
    }

    #[test]
    fn every_kind_is_told_apart() {
        for (frame, expected) in [
            (" \r\n", "blank"),
            (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "request 1 ping -"),
            (r#"{"id":"a\u0062","method":"x","params":{"n":1E400}}"#, r#"request "ab" x {"n":1E400}"#),
            (r#"{"id":1.0,"method":"x"}"#, "request 1 x -"),
            (r#"{"id":9007199254740993,"method":"x"}"#, "request 9007199254740993 x -"),
            (r#"{"id":null,"method":"x"}"#, "request null x -"),
            (r#"{"method":"\u0074ools/call"}"#, "notification tools/call"),
            (r#"{"id":1,"result":{"a":1,"a":2}}"#, r#"answer 1 {"a":1,"a":2}"#),
            (r#"{"id":1,"result":null}"#, "answer 1 null"),
            (r#"{"id":1,"result":{},"error":null}"#, "answer 1 {}"),
            (r#"{"id":1,"result":null,"error":{}}"#, "answer 1 {}"),
            (r#"{"error":{"code":-32700}}"#, r#"answer - {"code":-32700}"#),
            (r#"[{"id":1,"method":"a"} , {"method":"b"}]"#, "request 1 a - + notification b"),
            ("Server listening on 3000", "it is not JSON"),
            (r#"{"id":NaN,"method":"x"}"#, "it is not JSON"),
            ("{\"id\":1}", "it is no JSON-RPC message"),
            ("[]", "it is no JSON-RPC message"),
            ("[1]", "it is no JSON-RPC message"),
            ("42", "it is no JSON-RPC message"),
            (r#"{"id":[],"method":"x"}"#, "it is no JSON-RPC message"),
            (r#"{"id":1,"method":7}"#, "it is no JSON-RPC message"),
            (r#"{"method":"a","method":"b"}"#, "it can be read in two ways: `method` stands in it twice"),
            (r#"{"method":"a","Method":"b"}"#, "it can be read in two ways: `method` stands in it twice"),
            (r#"{"METHOD":"tools/call","id":1}"#, "it can be read in two ways: `method` stands in it twice"),
            (r#"{"id":1,"result":1,"error":2}"#, "it can be read in two ways: `result` stands in it twice"),
            (
                r#"{"id":1,"method":"x","result":{}}"#,
                "it can be read in two ways: it is a call and an answer at once",
            ),
            ("{\"method\":\"a\"}\u{feff}", "it is not JSON"),
        ] {
            assert_eq!(told(frame), expected, "{frame}");
        }
        assert!(matches!(Frame::read(b"{\"a\":\"\xff\"}"), Frame::Unreadable(Unreadable::NotUtf8)));
    }

    #[test]
    fn ids_are_told_apart_as_a_server_would() {
        let id = |text| Id::read(text).unwrap();
        assert_eq!(id("1"), id("1.0"));
        assert_eq!(id("1"), id("1e0"));
        assert_eq!(id("0"), id("-0"));
        assert_eq!(id(r#""a""#), id(r#""\u0061""#));
        assert_ne!(id("1"), id(r#""1""#));
        assert_ne!(id("9007199254740993"), id("9007199254740992"));
    }

    #[test]
    fn deep_nesting_is_no_matter() {
        let deep = format!(r#"{{"method":"x","params":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(told(&deep), "notification x");
    }
}
