//! One view of a call's parameters, wherever they stand: JSON body, form body, JSON inside a string, query string.

use crate::{CanonicalUrl, soap, tolerant::read_json};
use interven_types::parse_json;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Most values read for one name, so that a huge array costs no more than a long one.
pub(crate) const MAX_VALUES: usize = 256;

/// The name under which what a SOAP body asks for is found.
const SOAP_REQUEST: &str = "soap:request";

/// A body as whoever is called may read it: a text that is JSON as what it says. JSON that readers take for different things stands
/// in a list of its own, where no path that begins with a name leads. A form has no types to compare, and stays a text.
pub fn opened(body: &Value) -> Cow<'_, Value> {
    let Value::String(text) = body else { return Cow::Borrowed(body) };
    let text = without_mark(text);
    if !text.starts_with(['{', '[']) {
        return Cow::Borrowed(body);
    }
    match parse_json(text.as_bytes()) {
        Ok(json) => Cow::Owned(json),
        Err(_) if is_meant_as_json(text) => Cow::Owned(Value::Array(vec![read_json(text)])),
        Err(_) => Cow::Borrowed(body),
    }
}

/// Past blanks and a mark of byte order.
fn without_mark(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// `{"` and `[{`, and neither `{{name}}` nor `[INFO]`.
fn is_meant_as_json(text: &str) -> bool {
    let mut chars = text.chars().filter(|c| !c.is_whitespace());
    matches!((chars.next(), chars.next()), (Some('{'), Some('"')) | (Some('['), Some('{' | '[' | '"')))
}

/// Parameters of a call by name.
#[derive(Debug)]
pub(crate) struct Params<'a> {
    body: Cow<'a, Value>,
    /// What stood as JSON in a header or in one parameter.
    opened: Vec<Value>,
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// How many of the pairs are the query's; they come first.
    query_len: usize,
    /// What a SOAP body asks for.
    requests: Vec<&'a str>,
    headers: &'a BTreeMap<String, String>,
}

impl<'a> Params<'a> {
    pub(crate) fn of(body: &'a Value, url: &'a CanonicalUrl, headers: &'a BTreeMap<String, String>) -> Self {
        let mut pairs: Vec<_> = url.query_pairs().collect();
        let query_len = pairs.len();
        let mut requests = Vec::new();
        let body = match body {
            Value::String(text) if text.trim_start().starts_with('<') => {
                requests = soap::requests(text);
                Cow::Owned(Value::Null)
            }
            Value::String(text) => read_text(text, &mut pairs),
            structured => Cow::Borrowed(structured),
        };
        Self { body, opened: Vec::new(), pairs, query_len, requests, headers }
    }

    /// Reads the texts under `names` as JSON, whose members are parameters too.
    pub(crate) fn open_json(&mut self, names: &[String]) {
        let texts = names.iter().flat_map(|name| self.texts(name));
        self.opened = texts.map(|text| read_json(&text)).collect();
    }

    /// The body as JSON; what a text body holds, when it is JSON.
    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    fn documents(&self) -> impl Iterator<Item = &Value> {
        std::iter::once(self.body()).chain(&self.opened)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Names and values of the query and of a form body, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Names and values of the query alone.
    pub(crate) fn query_pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs().take(self.query_len)
    }

    /// Every scalar under `path`: a member name, or names joined by dots, through arrays. `header:x` is a header,
    /// `soap:request` what a SOAP body asks for.
    pub(crate) fn texts(&self, path: &str) -> Vec<Cow<'_, str>> {
        let mut found = Vec::new();
        if let Some(name) = path.strip_prefix("header:") {
            found.extend(self.header(name).map(Cow::Borrowed));
            return found;
        }
        if path == SOAP_REQUEST {
            return self.requests.iter().map(|name| Cow::Borrowed(*name)).collect();
        }
        for document in self.documents() {
            found.extend(values_at(document, path).into_iter().filter_map(scalar));
        }
        for (name, value) in self.pairs() {
            if name == path && found.len() < MAX_VALUES {
                found.push(Cow::Borrowed(value));
            }
        }
        found
    }

    /// Every scalar under `path` in the JSON of the call, whatever query stands beside it.
    pub(crate) fn body_texts(&self, path: &str) -> Vec<Cow<'_, str>> {
        self.documents().flat_map(|document| values_at(document, path)).filter_map(scalar).collect()
    }

    pub(crate) fn text(&self, path: &str) -> Option<Cow<'_, str>> {
        self.texts(path).into_iter().find(|text| !text.is_empty())
    }

    /// Something stands under that name, be it empty; in arrays, in one of the items.
    pub(crate) fn has(&self, path: &str) -> bool {
        if let Some(name) = path.strip_prefix("header:") {
            return self.header(name).is_some();
        }
        if path == SOAP_REQUEST {
            return !self.requests.is_empty();
        }
        self.documents().any(|document| exists(document, path)) || self.pairs().any(|(name, _)| name == path)
    }
}

/// The value at a dotted path of object members.
pub(crate) fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// The first name of a dotted path and the rest. A dot where a name should begin belongs to the name: Dropbox's `.tag`.
fn split_name(path: &str) -> (&str, &str) {
    let start = path.len() - path.trim_start_matches('.').len();
    let dot = path.get(start..).and_then(|names| names.find('.')).map(|at| start + at);
    dot.and_then(|dot| Some((path.get(..dot)?, path.get(dot + 1..)?))).unwrap_or((path, ""))
}

fn exists(value: &Value, path: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| exists(item, path)),
        _ => {
            let (name, rest) = split_name(path);
            value.get(name).is_some_and(|member| rest.is_empty() || exists(member, rest))
        }
    }
}

/// Every value under a dotted path, through arrays; at most [`MAX_VALUES`].
pub(crate) fn values_at<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    let mut found = Vec::new();
    collect(value, path, &mut found);
    found
}

fn collect<'v>(value: &'v Value, path: &str, found: &mut Vec<&'v Value>) {
    if found.len() >= MAX_VALUES {
        return;
    }
    match value {
        Value::Array(items) => {
            for item in items.iter().take(MAX_VALUES) {
                collect(item, path, found);
            }
        }
        _ if path.is_empty() => found.push(value),
        Value::Object(members) => {
            let (name, rest) = split_name(path);
            if let Some(member) = members.get(name) {
                collect(member, rest, found);
            }
        }
        _ => {}
    }
}

pub(crate) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn read_text<'a>(text: &'a str, pairs: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Cow<'a, Value> {
    let trimmed = without_mark(text);
    if trimmed.starts_with(['{', '[']) {
        return Cow::Owned(read_json(trimmed));
    } else if trimmed.starts_with("--") {
        read_multipart(text, pairs);
    } else if text.contains('=') {
        pairs.extend(url::form_urlencoded::parse(text.as_bytes()));
    }
    Cow::Owned(Value::Null)
}

/// Fields of a multipart form (RFC 7578) and the members of its JSON parts. A file's content is no parameter.
fn read_multipart<'a>(text: &'a str, pairs: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>) {
    let Some(boundary) = text.trim_start().lines().next().map(str::trim_end) else { return };
    for part in text.split(boundary).take(MAX_VALUES) {
        let split = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"));
        let Some((head, content)) = split else { continue };
        let content = content.trim_end();
        if let Some(name) = head.split("name=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            pairs.push((
                Cow::Borrowed(name),
                Cow::Borrowed(if head.contains("filename=") { "" } else { content }),
            ));
        } else if content.trim_start().starts_with('{')
            && let Value::Object(members) = read_json(content)
        {
            for (name, value) in members {
                let texts: Vec<_> = match &value {
                    Value::Array(items) => items.iter().filter_map(scalar).collect(),
                    other => scalar(other).into_iter().collect(),
                };
                pairs.extend(texts.iter().map(|t| (Cow::Owned(name.clone()), Cow::Owned(t.to_string()))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(body: Value, url: &str, path: &str) -> Vec<String> {
        let (url, headers) = (CanonicalUrl::parse(url).unwrap(), BTreeMap::new());
        Params::of(&body, &url, &headers).texts(path).into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn a_parameter_is_found_wherever_it_stands() {
        let plain = "https://a.example/";
        let multipart = "--b\r\nContent-Disposition: form-data; name=\"channels\"\r\n\r\nC1\r\n--b--";
        let table = [
            (json!({"channel": "C1"}), plain, "channel"),
            (json!("channel=C1&text=x"), plain, "channel"),
            (json!("{\"channel\": \"C1\"}"), plain, "channel"),
            (json!("\u{feff} {\"channel\": \"C1\", \"channel\": []}"), plain, "channel"),
            (json!(null), "https://a.example/?channel=C1", "channel"),
            (json!({"a": {"b": [{"c": "C1"}]}}), plain, "a.b.c"),
            (json!({"a": [{".tag": {"b": "C1"}}]}), plain, "a..tag.b"),
            (json!(multipart), plain, "channels"),
            (json!("--b\n\n{\"parents\": [\"C1\"]}\n--b--"), plain, "parents"),
        ];
        for (body, url, path) in table {
            assert_eq!(texts(body.clone(), url, path), ["C1"], "{body} {path}");
        }
    }

    #[test]
    fn a_text_is_opened_as_what_it_says() {
        for (body, expected) in [
            (json!(" \u{feff}{\"a\": 1}"), json!({"a": 1})),
            (json!("{\"a\": 1, \"a\": 2}"), json!([{"a": [1, 2]}])),
            (json!("{\"a\": 1} {\"a\": 2}"), json!([[{"a": 1}, {"a": 2}]])),
            (json!("{{name}}"), json!("{{name}}")),
            (json!("[INFO] a=b"), json!("[INFO] a=b")),
            (json!("a=1&a=2"), json!("a=1&a=2")),
            (json!("[1]"), json!([1])),
            (json!("hello"), json!("hello")),
            (json!(""), json!("")),
            (json!({"a": "{}"}), json!({"a": "{}"})),
        ] {
            assert_eq!(*opened(&body), expected, "{body}");
        }
    }

    #[test]
    fn a_member_of_an_item_is_there_wherever_the_item_stands() {
        let (url, headers) = (CanonicalUrl::parse("https://a.example/").unwrap(), BTreeMap::new());
        let mut writes = vec![json!({"update": {}}); MAX_VALUES];
        writes.push(json!({"delete": "d"}));
        let body = json!({"writes": writes});
        let params = Params::of(&body, &url, &headers);
        assert!(params.has("writes.delete") && params.has("writes.update") && !params.has("writes.verify"));
    }

    #[test]
    fn both_places_count_so_neither_hides_the_other() {
        let found = texts(json!({"event": "COMMENT"}), "https://a.example/?event=APPROVE", "event");
        assert_eq!(found, ["COMMENT", "APPROVE"]);
    }
}
