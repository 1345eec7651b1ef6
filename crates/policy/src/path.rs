//! A small subset of JSONPath (RFC 9535): `$`, `.name`, `['name']`, `[index]`, `[*]`.

use serde_json::Value;
use std::{fmt, str::FromStr};

/// A compiled path. One path leads to at most [`JsonPath::MAX_NODES`] nodes of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Name(String),
    Index(usize),
    Every,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is not a JSON path: {problem} (`$.a.b`, `$['a']`, `$.items[0]`, `$.items[*].amount`)")]
pub struct JsonPathError {
    path: String,
    problem: &'static str,
}

/// A path led to more nodes than [`JsonPath::MAX_NODES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyNodes;

/// What came of following a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Visited<'v> {
    /// Absent when every node was shown.
    pub(crate) complete: Result<(), TooManyNodes>,
    /// A value below the root that the next step does not fit: text where a name leads on, an object where an index does.
    /// Neither `null` nor what a body that is no JSON consists of.
    pub(crate) obstacle: Option<&'v Value>,
    /// Whether some branch ended before the path did.
    pub(crate) has_dead_end: bool,
}

/// How a node was reached from its parent.
#[derive(Clone, Copy)]
enum Token<'v> {
    Name(&'v str),
    Index(usize),
}

impl JsonPath {
    /// Most nodes that are visited for one path in one body.
    pub const MAX_NODES: usize = 10_000;
    const MAX_SEGMENTS: usize = 32;
    const MAX_BYTES: usize = 512;

    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let fail = |problem| JsonPathError { path: text.chars().take(60).collect(), problem };
        if text.len() > Self::MAX_BYTES {
            return Err(fail("longer than 512 bytes"));
        }
        let mut rest = text.strip_prefix('$').ok_or_else(|| fail("it must start with `$`"))?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            if segments.len() == Self::MAX_SEGMENTS {
                return Err(fail("more than 32 segments"));
            }
            let (segment, after) = read_segment(rest).map_err(fail)?;
            segments.push(segment);
            rest = after;
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Every node the path leads to, in document order, with its JSON Pointer (RFC 6901); the first
    /// [`MAX_NODES`](Self::MAX_NODES) when there are more.
    pub fn locate<'v>(&self, root: &'v Value) -> Vec<(String, &'v Value)> {
        self.locate_all(root).0
    }

    /// [`locate`](Self::locate), and whether that is all.
    pub(crate) fn locate_all<'v>(
        &self,
        root: &'v Value,
    ) -> (Vec<(String, &'v Value)>, Result<(), TooManyNodes>) {
        let mut nodes = Vec::new();
        let visited = self.walk(root, &mut |trail, node| nodes.push((pointer(trail), node)));
        (nodes, visited.complete)
    }

    /// Shows every node the path leads to.
    pub(crate) fn visit<'v>(&self, root: &'v Value, mut visit: impl FnMut(&'v Value)) -> Visited<'v> {
        self.walk(root, &mut |_, node| visit(node))
    }

    /// Two different wildcards on one body may be satisfied by different elements.
    pub(crate) fn has_wildcard(&self) -> bool {
        self.segments.contains(&Segment::Every)
    }

    fn walk<'v>(&self, root: &'v Value, visit: &mut dyn FnMut(&[Token<'v>], &'v Value)) -> Visited<'v> {
        let mut walk =
            Walk { trail: Vec::new(), left: Self::MAX_NODES, obstacle: None, has_dead_end: false, visit };
        let complete = walk.descend(&self.segments, root);
        Visited { complete, obstacle: walk.obstacle, has_dead_end: walk.has_dead_end }
    }
}

impl FromStr for JsonPath {
    type Err = JsonPathError;
    fn from_str(text: &str) -> Result<Self, JsonPathError> {
        Self::parse(text)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn read_segment(text: &str) -> Result<(Segment, &str), &'static str> {
    if let Some(after) = text.strip_prefix('.') {
        let end = after.find(['.', '[', ']', '\'', '"', ' ']).unwrap_or(after.len());
        let (name, rest) = after.split_at_checked(end).unwrap_or((after, ""));
        return match name {
            "" => Err("a name is missing after `.`"),
            "*" => Err("`.*` is not supported; use `[*]`"),
            _ => Ok((Segment::Name(name.to_owned()), rest)),
        };
    }
    let Some(inside) = text.strip_prefix('[') else { return Err("expected `.` or `[`") };
    for quote in ['\'', '"'] {
        if let Some(quoted) = inside.strip_prefix(quote) {
            let (name, after) = quoted.split_once(quote).ok_or("a quote is not closed")?;
            let rest = after.strip_prefix(']').ok_or("`]` is missing")?;
            return Ok((Segment::Name(name.to_owned()), rest));
        }
    }
    let (index, rest) = inside.split_once(']').ok_or("`]` is missing")?;
    if index == "*" {
        return Ok((Segment::Every, rest));
    }
    let is_number = !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit());
    let index = index.parse().ok().filter(|_| is_number).ok_or("an index is a number from 0, or `*`")?;
    Ok((Segment::Index(index), rest))
}

struct Walk<'v, 'f> {
    trail: Vec<Token<'v>>,
    left: usize,
    obstacle: Option<&'v Value>,
    has_dead_end: bool,
    visit: &'f mut dyn FnMut(&[Token<'v>], &'v Value),
}

impl<'v> Walk<'v, '_> {
    /// Recursion is as deep as the path has segments.
    fn descend(&mut self, segments: &[Segment], node: &'v Value) -> Result<(), TooManyNodes> {
        let Some((segment, rest)) = segments.split_first() else {
            (self.visit)(&self.trail, node);
            return Ok(());
        };
        match (segment, node) {
            (Segment::Name(name), Value::Object(members)) => match members.get_key_value(name) {
                Some((name, child)) => self.step(Token::Name(name), rest, child),
                None => self.end(),
            },
            (Segment::Index(index), Value::Array(items)) => match items.get(*index) {
                Some(child) => self.step(Token::Index(*index), rest, child),
                None => self.end(),
            },
            (Segment::Every, Value::Array(items)) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, child)| self.counted(Token::Index(index), rest, child)),
            (Segment::Every, Value::Object(members)) => {
                members.iter().try_for_each(|(name, child)| self.counted(Token::Name(name), rest, child))
            }
            _ => {
                let is_body_without_paths = self.trail.is_empty() && !node.is_object() && !node.is_array();
                if !node.is_null() && !is_body_without_paths {
                    self.obstacle.get_or_insert(node);
                }
                self.end()
            }
        }
    }

    fn end(&mut self) -> Result<(), TooManyNodes> {
        self.has_dead_end = true;
        Ok(())
    }

    fn counted(&mut self, token: Token<'v>, rest: &[Segment], child: &'v Value) -> Result<(), TooManyNodes> {
        self.left = self.left.checked_sub(1).ok_or(TooManyNodes)?;
        self.step(token, rest, child)
    }

    fn step(&mut self, token: Token<'v>, rest: &[Segment], child: &'v Value) -> Result<(), TooManyNodes> {
        self.trail.push(token);
        let result = self.descend(rest, child);
        self.trail.pop();
        result
    }
}

/// RFC 6901 §3: `~` is `~0` and `/` is `~1`.
fn pointer(trail: &[Token<'_>]) -> String {
    let mut pointer = String::new();
    for token in trail {
        pointer.push('/');
        match token {
            Token::Name(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
            Token::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn leads_to_nodes_with_their_pointers() {
        let body = json!({"a": {"b": 1, "x/y~": 2}, "items": [{"n": 1}, {"m": 2}, {"n": 3}], "": 5});
        for (path, expected) in [
            ("$", vec![""]),
            ("$.a.b", vec!["/a/b"]),
            ("$['a'][\"b\"]", vec!["/a/b"]),
            ("$.a['x/y~']", vec!["/a/x~1y~0"]),
            ("$.items[2].n", vec!["/items/2/n"]),
            ("$.items[*].n", vec!["/items/0/n", "/items/2/n"]),
            ("$.a[*]", vec!["/a/b", "/a/x~1y~0"]),
            ("$.items[7]", vec![]),
            ("$.items.n", vec![]),
            ("$.a[0]", vec![]),
            ("$['']", vec!["/"]),
        ] {
            let found = JsonPath::parse(path).unwrap().locate(&body);
            let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{path}");
            for (pointer, node) in found {
                assert_eq!(body.pointer(&pointer), Some(node), "{path}");
            }
        }
    }

    #[test]
    fn what_stands_in_the_way_is_told_from_what_is_missing() {
        let body = json!({"text": "x", "none": null, "map": {"a": 1}, "list": [{"n": 1}, 7]});
        for (path, expected) in [
            ("$.nothing.n", None),
            ("$.none.n", None),
            ("$.none[*]", None),
            ("$.map.b", None),
            ("$.list[9]", None),
            ("$.map[*]", None),
            ("$.text.n", Some(json!("x"))),
            ("$.text[*]", Some(json!("x"))),
            ("$.map[0]", Some(json!({"a": 1}))),
            ("$.map[*].n", Some(json!(1))),
            ("$.list[*].n", Some(json!(7))),
            ("$[0]", Some(body.clone())),
        ] {
            let visited = JsonPath::parse(path).unwrap().visit(&body, |_| ());
            assert_eq!(visited.obstacle, expected.as_ref(), "{path}");
        }
        for no_json in [json!("amount=5"), json!(null), json!(7)] {
            assert_eq!(JsonPath::parse("$.amount").unwrap().visit(&no_json, |_| ()).obstacle, None);
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        for path in [
            "", "a.b", "$a", "$.", "$..a", "$.a[", "$.a[x]", "$.a[-1]", "$.a['b", "$.a['b'", "$.*", "$.a[+1]",
        ] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
        assert!(JsonPath::parse(&format!("${}", ".a".repeat(33))).is_err());
        assert!(JsonPath::parse(&format!("$.{}", "a".repeat(600))).is_err());
    }

    #[test]
    fn fan_out_is_bounded() {
        let wide = json!(vec![vec![0; 200]; 200]);
        let path = JsonPath::parse("$[*][*]").unwrap();
        assert_eq!(path.visit(&wide, |_| ()).complete, Err(TooManyNodes));
        assert!(path.locate(&wide).len() <= JsonPath::MAX_NODES);
        let just = json!(vec![0; JsonPath::MAX_NODES]);
        assert_eq!(JsonPath::parse("$[*]").unwrap().locate_all(&just).1, Ok(()));
    }
}
