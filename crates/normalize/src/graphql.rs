//! Root fields of a GraphQL document (<https://spec.graphql.org/October2021/>): what it reads or changes.

use serde_json::{Map, Value};

/// Most root fields and arguments read of one document.
const MAX_FIELDS: usize = 128;

/// A field directly under `query` or `mutation`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RootField<'q> {
    pub(crate) name: &'q str,
    pub(crate) is_mutation: bool,
    /// Scalar arguments at any depth: name and token, a variable with its `$`.
    arguments: Vec<(&'q str, &'q str)>,
}

impl RootField<'_> {
    /// Arguments by name, flat; variables replaced by what the request gives for them, whose members stand flat too.
    pub(crate) fn arguments(&self, variables: &Value) -> Value {
        let mut flat = Map::new();
        for (name, token) in &self.arguments {
            match token.strip_prefix('$') {
                Some(variable) => {
                    flatten(name, variables.get(variable).unwrap_or(&Value::Null), &mut flat, 0)
                }
                None => {
                    _ = flat.insert((*name).to_owned(), Value::String(token.trim_matches('"').to_owned()))
                }
            }
        }
        Value::Object(flat)
    }
}

fn flatten(name: &str, value: &Value, flat: &mut Map<String, Value>, depth: usize) {
    if depth > 8 || flat.len() > MAX_FIELDS {
        return;
    }
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| flatten(name, v, flat, depth + 1)),
        other => _ = flat.insert(name.to_owned(), other.clone()),
    }
}

/// Root fields of every operation that may run: of the one named `wanted`, or of all. Fragments on the root types count.
pub(crate) fn root_fields<'q>(document: &'q str, wanted: Option<&str>) -> Vec<RootField<'q>> {
    let mut tokens = Tokens { rest: document };
    let mut fields = Vec::new();
    let mut definitions = 0;
    while let Some(token) = tokens.next() {
        let (is_mutation, name) = match token {
            "{" => {
                read_selection(&mut tokens, false, &mut fields);
                continue;
            }
            "query" | "subscription" => (false, tokens.skip_to_selection()),
            "mutation" => (true, tokens.skip_to_selection()),
            "fragment" => {
                let words = tokens.skip_to_selection();
                (words.contains(&"Mutation"), words)
            }
            _ => continue,
        };
        definitions += 1;
        let runs = token == "fragment" || wanted.is_none_or(|wanted| name.first() == Some(&wanted));
        let is_root = token != "fragment" || name.iter().any(|word| matches!(*word, "Mutation" | "Query"));
        let mut ignored = Vec::new();
        read_selection(&mut tokens, is_mutation, if runs && is_root { &mut fields } else { &mut ignored });
        if definitions > MAX_FIELDS {
            break;
        }
    }
    // A name that no operation has: the server refuses it, or is laxer than we are; then all count.
    if fields.is_empty() && wanted.is_some() { root_fields(document, None) } else { fields }
}

/// Reads up to the closing brace of a selection whose opening one was read.
fn read_selection<'q>(tokens: &mut Tokens<'q>, is_mutation: bool, fields: &mut Vec<RootField<'q>>) {
    let mut depth = 1_usize;
    // Braces of inline fragments at the root do not lead away from it.
    let mut inline = Vec::new();
    let mut is_spread = false;
    while let Some(token) = tokens.next() {
        match token {
            "{" => {
                depth += 1;
                if is_spread {
                    inline.push(depth);
                }
                is_spread = false;
            }
            "}" => {
                if inline.last() == Some(&depth) {
                    inline.pop();
                }
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            "(" => {
                let arguments = read_arguments(tokens);
                if depth == 1 + inline.len()
                    && !is_spread
                    && let Some(field) = fields.last_mut()
                {
                    field.arguments = arguments;
                }
            }
            // An alias: the name follows.
            ":" if depth == 1 + inline.len() => _ = fields.pop(),
            "..." => is_spread = depth == 1 + inline.len(),
            "@" => _ = tokens.next(),
            "on" if is_spread => _ = tokens.next(),
            name if is_name(name) && depth == 1 + inline.len() => {
                if is_spread {
                    // A named spread; its definition is read on its own.
                    is_spread = false;
                } else if fields.len() < MAX_FIELDS {
                    fields.push(RootField { name, is_mutation, arguments: Vec::new() });
                }
            }
            _ => {}
        }
    }
}

/// Scalars of an argument list whose opening parenthesis was read.
fn read_arguments<'q>(tokens: &mut Tokens<'q>) -> Vec<(&'q str, &'q str)> {
    let (mut found, mut depth, mut lists) = (Vec::new(), 1_usize, 0_usize);
    let (mut name, mut before, mut expects_value) = ("", "", false);
    for token in tokens.by_ref() {
        match token {
            "(" | "{" => {
                depth += 1;
                expects_value = false;
            }
            ")" | "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
                expects_value = lists > 0;
            }
            "[" => lists += 1,
            "]" => {
                lists = lists.saturating_sub(1);
                expects_value = lists > 0;
            }
            ":" => {
                name = before;
                expects_value = true;
            }
            value if expects_value => {
                if found.len() < MAX_FIELDS {
                    found.push((name, value));
                }
                expects_value = lists > 0;
            }
            _ => {}
        }
        before = token;
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// Tokens of a document: names with a `$` before them, strings, numbers, punctuation. Comments and commas are left out.
struct Tokens<'q> {
    rest: &'q str,
}

impl<'q> Tokens<'q> {
    /// Skips name, variables and directives of a definition to its `{`; gives the names on the way.
    fn skip_to_selection(&mut self) -> Vec<&'q str> {
        let (mut names, mut depth) = (Vec::new(), 0_usize);
        for token in self.by_ref() {
            match token {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "{" if depth == 0 => break,
                name if depth == 0 && is_name(name) && names.len() < 8 => names.push(name),
                _ => {}
            }
        }
        names
    }

    fn take(&mut self, bytes: usize) -> &'q str {
        let (token, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        token
    }
}

impl<'q> Iterator for Tokens<'q> {
    type Item = &'q str;

    fn next(&mut self) -> Option<&'q str> {
        loop {
            self.rest =
                self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == '\u{feff}');
            match self.rest.strip_prefix('#') {
                Some(comment) => self.rest = comment.split_once(['\n', '\r']).map_or("", |(_, after)| after),
                None => break,
            }
        }
        let first = self.rest.chars().next()?;
        if self.rest.starts_with("\"\"\"") {
            let end =
                self.rest.get(3..).and_then(|text| text.find("\"\"\"")).map_or(self.rest.len(), |at| at + 6);
            return Some(self.take(end));
        }
        if first == '"' {
            let mut escaped = false;
            let end = self.rest.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            return Some(self.take(end.map_or(self.rest.len(), |(at, _)| at + 1)));
        }
        if self.rest.starts_with("...") {
            return Some(self.take(3));
        }
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.');
        if is_word(first) {
            let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
            return Some(self.take(end));
        }
        Some(self.take(first.len_utf8()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(document: &str, wanted: Option<&str>) -> Vec<String> {
        let fields = root_fields(document, wanted);
        fields.iter().map(|f| format!("{}{}", if f.is_mutation { "!" } else { "" }, f.name)).collect()
    }

    #[test]
    fn root_fields_are_found_in_any_notation() {
        let table: [(&str, &[&str]); 9] = [
            ("{ viewer { login } }", &["viewer"]),
            (
                "query Q($a: Int = 3) @live { a: viewer { login } repository(name: \"x\") { id } }",
                &["viewer", "repository"],
            ),
            (
                "mutation { mergePullRequest(input: {pullRequestId: \"P\"}) { clientMutationId } }",
                &["!mergePullRequest"],
            ),
            (
                "mutation M($i: I!) { x: addComment(input: $i) { id } y: deleteRef(input: {refId: \"} {\"}) { id } }",
                &["!addComment", "!deleteRef"],
            ),
            ("# mutation { no }\nquery { me }", &["me"]),
            ("mutation { ...F } fragment F on Mutation { deleteRef(input: {}) { id } }", &["!deleteRef"]),
            ("mutation { ... on Mutation { deleteRef { id } } addStar { id } }", &["!deleteRef", "!addStar"]),
            ("mutation { a(t: \"\"\" } x { \"\"\") { b } }", &["!a"]),
            ("", &[]),
        ];
        for (document, expected) in table {
            assert_eq!(names(document, None), expected, "{document}");
        }
    }

    #[test]
    fn only_the_named_operation_runs() {
        let document = "query A { viewer { id } } mutation B { deleteRef { id } }";
        assert_eq!(names(document, Some("A")), ["viewer"]);
        assert_eq!(names(document, Some("B")), ["!deleteRef"]);
        assert_eq!(names(document, Some("C")), ["viewer", "!deleteRef"]);
    }

    #[test]
    fn arguments_come_from_the_document_and_its_variables() {
        let inline = root_fields("mutation { r(input: {event: APPROVE, body: \"ok\"}) { id } }", None);
        assert_eq!(inline[0].arguments(&Value::Null), json!({"event": "APPROVE", "body": "ok"}));
        let variable = root_fields("mutation($i: I!) { r(input: $i, n: $n) { id } }", None);
        let given = json!({"i": {"event": "APPROVE", "deep": {"x": 1}}, "n": 2});
        assert_eq!(variable[0].arguments(&given), json!({"event": "APPROVE", "x": 1, "n": 2}));
    }

    #[test]
    fn broken_documents_end() {
        for document in [
            "{",
            "}",
            "mutation {",
            "mutation { a(",
            "\"",
            "{ a: }",
            "...",
            "query ( { ) {",
            &"{a".repeat(5000),
        ] {
            root_fields(document, None);
        }
    }
}
