//! JSON as a careless reader takes it.
//!
//! Whoever is called may read a text that our strict reader refuses: the first of two equal names, or the last; past a mark of
//! byte order, a number beyond a double, half of a surrogate pair, or whatever follows the document. Here is found under a
//! name whatever some reader could find there, so that none of these hides a parameter.

use interven_types::{MAX_JSON_DEPTH, parse_json};
use serde_json::{Map, Value, map::Entry};

/// Reads a text that is meant as JSON. Values of equal names stand together in an array, and so does what follows a document.
pub(crate) fn read_json(text: &str) -> Value {
    parse_json(text.as_bytes()).unwrap_or_else(|_| {
        let mut reader = Reader { rest: text };
        let first = reader.value(0);
        match reader.rest_of_items(0) {
            rest if rest.is_empty() => first,
            rest => Value::Array(std::iter::once(first).chain(rest).collect()),
        }
    })
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// The character that comes next, past whatever only separates.
    fn peek(&mut self) -> Option<char> {
        let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '\u{feff}');
        self.rest = self.rest.trim_start_matches(separates);
        self.rest.chars().next()
    }

    fn skip(&mut self) {
        let mut chars = self.rest.chars();
        chars.next();
        self.rest = chars.as_str();
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.peek() {
            Some('{' | '[') if depth >= MAX_JSON_DEPTH => self.skip_nested(),
            Some('{') => self.members(depth + 1),
            Some('[') => self.items(depth + 1),
            Some('"') => Value::String(self.string()),
            // An end where a value should be.
            Some('}' | ']') | None => Value::Null,
            Some(_) => self.word(),
        }
    }

    fn members(&mut self, depth: usize) -> Value {
        self.skip();
        let mut members = Map::new();
        while let Some(next) = self.peek() {
            let name = match next {
                '}' => {
                    self.skip();
                    break;
                }
                '"' => self.string(),
                '{' | '[' | ']' => {
                    self.skip();
                    continue;
                }
                _ => self.take_word().to_owned(),
            };
            let value = self.value(depth);
            match members.entry(name) {
                Entry::Vacant(free) => _ = free.insert(value),
                Entry::Occupied(mut taken) => {
                    let earlier = taken.get_mut().take();
                    taken.insert(Value::Array(vec![earlier, value]));
                }
            }
        }
        Value::Object(members)
    }

    fn items(&mut self, depth: usize) -> Value {
        self.skip();
        Value::Array(self.rest_of_items(depth))
    }

    fn rest_of_items(&mut self, depth: usize) -> Vec<Value> {
        let mut items = Vec::new();
        while let Some(next) = self.peek() {
            match next {
                ']' if depth > 0 => {
                    self.skip();
                    break;
                }
                '}' | ']' => self.skip(),
                _ => items.push(self.value(depth)),
            }
        }
        items
    }

    fn skip_nested(&mut self) -> Value {
        let mut open = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                '"' => drop(self.string()),
                '{' | '[' => open += 1,
                '}' | ']' => open -= 1,
                _ => {}
            }
            if next != '"' {
                self.skip();
            }
            if open == 0 {
                break;
            }
        }
        Value::Null
    }

    /// From one quotation mark to the next that is not escaped.
    fn string(&mut self) -> String {
        self.skip();
        let mut is_escaped = false;
        let end = self.rest.find(|c: char| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let (raw, rest) = end.and_then(|end| self.rest.split_at_checked(end)).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.skip();
        unescape(raw)
    }

    fn take_word(&mut self) -> &'t str {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | '"' | '{' | '}' | '[' | ']');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        word
    }

    /// A number, `true`, `false`, `null`, or a word that is none of them.
    fn word(&mut self) -> Value {
        let word = self.take_word();
        serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()))
    }
}

fn unescape(raw: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        let meant = match (c, c == '\\') {
            (plain, false) => plain,
            (_, true) => match chars.next() {
                Some('u') => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xFFFD));
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(itself) => itself,
                None => break,
            },
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_some_reader_finds_is_found() {
        let deep = format!(r#"{{"x":{}{},"a":1}}"#, "[{\"y\":".repeat(200), "}]".repeat(200));
        for (text, expected) in [
            (r#"{"a":1,"a":[2,{"b":3}],"a":4}"#, json!({"a": [[1, [2, {"b": 3}]], 4]})),
            ("\u{feff}{\"a\":1}", json!({"a": 1})),
            (r#"{"a":1} {"a":2}"#, json!([{"a": 1}, {"a": 2}])),
            (r#"{"a":1}]}{"a":2}"#, json!([{"a": 1}, {"a": 2}])),
            (r#"{"a":1,"b":123456789012345678901234}"#, json!({"a": 1, "b": 1.234_567_890_123_456_8e23})),
            (r#"{"a":1,"b":1e999,"c":NaN}"#, json!({"a": 1, "b": "1e999", "c": "NaN"})),
            (r#"{"a":1,"b":"\ud800x\u00e9\ud83d\ude00\"\\"}"#, json!({"a": 1, "b": "\u{fffd}xé😀\"\\"})),
            (r#"{a:1,"b":[1,2,],}"#, json!({"a": 1, "b": [1, 2]})),
            (r#"{"a":1,"b":[1,{"c":"#, json!({"a": 1, "b": [1, {"c": null}]})),
            (r#"{"a":1,"b":"unclosed"#, json!({"a": 1, "b": "unclosed"})),
            (r#"{"a":}]}"#, json!({"a": null})),
            ("", Value::Null),
        ] {
            assert_eq!(read_json(text), expected, "{text}");
        }
        assert_eq!(read_json(&deep)["a"], 1);
        for text in ["}", "]", "[}]", "{]}", "{[}", "{\"a\" {\"b\"", ":::", "\"", "\\", "{\\"] {
            read_json(text);
            read_json(&text.repeat(5_000));
        }
    }
}
