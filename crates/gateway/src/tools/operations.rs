//! What the tool gateway can do: each operation with its parameters and the HTTP call that it makes. Data.

use serde_json::{Map, Value, json};
use std::fmt;

use Kind::{Any, Choice, List, Text, Texts};
use Place::{Body, Path, Segments};

/// Where a parameter goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// One segment of the path.
    Path,
    /// Several segments, as a path of its own.
    Segments,
    /// A member of the body, under this name.
    Body(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    List,
    /// An object of texts.
    Texts,
    Any,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub name: &'static str,
    pub is_required: bool,
    pub kind: Kind,
    place: Place,
    about: &'static str,
}

const fn needed(name: &'static str, kind: Kind, place: Place, about: &'static str) -> Parameter {
    Parameter { name, is_required: true, kind, place, about }
}

const fn optional(name: &'static str, kind: Kind, place: Place, about: &'static str) -> Parameter {
    Parameter { name, is_required: false, kind, place, about }
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub tool: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub method: &'static str,
    /// Below the tool's address; `{name}` is a parameter.
    path: &'static str,
    pub parameters: &'static [Parameter],
}

/// The one operation whose parameters say where it goes.
pub(crate) const HTTP_REQUEST: (&str, &str) = ("http", "request");

/// Vendors' documentation: `chat.postMessage` (docs.slack.dev), "Create a pull request" and "Create or update file contents"
/// (docs.github.com/rest), `permissions.create` (developers.google.com/drive/api).
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation {
        tool: "slack",
        name: "post_message",
        about: "Posts a message to a Slack channel",
        method: "POST",
        path: "chat.postMessage",
        parameters: &[
            needed("text", Text, Body("text"), "The message"),
            optional("channel", Text, Body("channel"), "Channel id or name; an incoming webhook has its own"),
            optional("blocks", List, Body("blocks"), "Block Kit blocks"),
        ],
    },
    Operation {
        tool: "github",
        name: "create_pull_request",
        about: "Opens a pull request on GitHub",
        method: "POST",
        path: "repos/{owner}/{repo}/pulls",
        parameters: &[
            needed("owner", Text, Path, "Account that owns the repository"),
            needed("repo", Text, Path, "Name of the repository"),
            needed("title", Text, Body("title"), "Title"),
            needed("head", Text, Body("head"), "Branch with the changes"),
            needed("base", Text, Body("base"), "Branch to merge into"),
            optional("body", Text, Body("body"), "Description"),
        ],
    },
    Operation {
        tool: "github",
        name: "update_file",
        about: "Creates or replaces one file in a GitHub repository",
        method: "PUT",
        path: "repos/{owner}/{repo}/contents/{path}",
        parameters: &[
            needed("owner", Text, Path, "Account that owns the repository"),
            needed("repo", Text, Path, "Name of the repository"),
            needed("path", Text, Segments, "Path of the file"),
            needed("message", Text, Body("message"), "Commit message"),
            needed("content", Text, Body("content"), "New content, in base64"),
            optional("sha", Text, Body("sha"), "Blob that is replaced; needed when the file is there"),
            optional("branch", Text, Body("branch"), "Branch; the default one when absent"),
        ],
    },
    Operation {
        tool: "gdrive",
        name: "share_file",
        about: "Gives somebody access to a file on Google Drive",
        method: "POST",
        path: "files/{file_id}/permissions",
        parameters: &[
            needed("file_id", Text, Path, "Id of the file"),
            needed(
                "role",
                Choice(&["reader", "commenter", "writer", "fileOrganizer", "organizer", "owner"]),
                Body("role"),
                "What they may do",
            ),
            needed("type", Choice(&["user", "group", "domain", "anyone"]), Body("type"), "Who they are"),
            optional("email_address", Text, Body("emailAddress"), "Of the user or group"),
        ],
    },
    Operation {
        tool: HTTP_REQUEST.0,
        name: HTTP_REQUEST.1,
        about: "Makes an HTTP request to a host that an operator configured",
        method: "GET",
        path: "",
        parameters: &[
            needed("url", Text, Body("url"), "Absolute URL"),
            needed("method", Text, Body("method"), "GET, POST, …"),
            optional("body", Any, Body("body"), "JSON, or text with a content type of its own"),
            optional("headers", Texts, Body("headers"), "Headers beside those of the credential"),
        ],
    },
];

/// What is wrong with the parameters; names one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadParameters {
    #[error("the body must be a JSON object of parameters")]
    NoObject,
    #[error("`{0}` is required")]
    Missing(&'static str),
    #[error("`{name}` must be {expected}")]
    WrongKind { name: &'static str, expected: String },
    #[error("`{0}` is no parameter of this operation")]
    Unknown(String),
    #[error("`{0}` is empty or holds what cannot stand in a path")]
    BadPath(&'static str),
}

/// Parameters that fit their operation.
#[derive(Debug)]
pub(crate) struct Given {
    /// In the order of the path.
    pub segments: Vec<String>,
    pub body: Map<String, Value>,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Text => f.write_str("a string"),
            Choice(words) => write!(f, "one of {}", words.join(", ")),
            List => f.write_str("an array"),
            Texts => f.write_str("an object of strings"),
            Any => f.write_str("JSON"),
        }
    }
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Text => value.is_string(),
            Choice(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            List => value.is_array(),
            Texts => value.as_object().is_some_and(|members| members.values().all(Value::is_string)),
            Any => true,
        }
    }

    /// JSON Schema, 2020-12.
    fn schema(self) -> Value {
        match self {
            Text => json!({"type": "string"}),
            Choice(words) => json!({"type": "string", "enum": words}),
            List => json!({"type": "array"}),
            Texts => json!({"type": "object", "additionalProperties": {"type": "string"}}),
            Any => json!({}),
        }
    }
}

impl Operation {
    pub(crate) fn find(tool: &str, name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.tool == tool && operation.name == name)
    }

    /// As an MCP client calls it: names there have no slash.
    pub(crate) fn mcp_name(&self) -> String {
        format!("{}_{}", self.tool, self.name)
    }

    pub(crate) fn is_http_request(&self) -> bool {
        (self.tool, self.name) == HTTP_REQUEST
    }

    /// Checks the parameters and puts each into its place. A parameter that nobody knows is refused: the call would
    /// otherwise be another than the one that was meant.
    pub(crate) fn read(&self, parameters: Value) -> Result<Given, BadParameters> {
        let Value::Object(mut parameters) = parameters else { return Err(BadParameters::NoObject) };
        let mut given = Given { segments: Vec::new(), body: Map::new() };
        let mut path: Vec<(&str, Vec<String>)> = Vec::new();
        for parameter in self.parameters {
            let Parameter { name, kind, place, .. } = *parameter;
            let value = match parameters.remove(name).filter(|value| !value.is_null()) {
                Some(value) if kind.fits(&value) => value,
                Some(_) => return Err(BadParameters::WrongKind { name, expected: kind.to_string() }),
                None if parameter.is_required => return Err(BadParameters::Missing(name)),
                None => continue,
            };
            match (place, value) {
                (Body(member), value) => drop(given.body.insert(member.to_owned(), value)),
                (Path, Value::String(text)) => path.push((name, vec![segment(name, text)?])),
                (Segments, Value::String(text)) => {
                    let parts = text.split('/').map(|part| segment(name, part.to_owned()));
                    path.push((name, parts.collect::<Result<_, _>>()?));
                }
                (Path | Segments, _) => return Err(BadParameters::BadPath(name)),
            }
        }
        if let Some(unknown) = parameters.into_iter().map(|(name, _)| name).next() {
            return Err(BadParameters::Unknown(unknown));
        }
        for part in self.path.split('/').filter(|part| !part.is_empty()) {
            let named = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
            match named.and_then(|name| path.iter().find(|(known, _)| *known == name)) {
                Some((_, values)) => given.segments.extend(values.iter().cloned()),
                None => given.segments.push(part.to_owned()),
            }
        }
        Ok(given)
    }

    /// As an MCP client sees it.
    pub(crate) fn schema(&self) -> Value {
        let property = |parameter: &Parameter| {
            let mut schema = parameter.kind.schema();
            if let Value::Object(members) = &mut schema {
                members.insert("description".to_owned(), parameter.about.into());
            }
            (parameter.name.to_owned(), schema)
        };
        let required = self.parameters.iter().filter(|parameter| parameter.is_required);
        json!({
            "type": "object",
            "properties": self.parameters.iter().map(property).collect::<Map<_, _>>(),
            "required": required.map(|parameter| parameter.name).collect::<Vec<_>>(),
            "additionalProperties": false,
        })
    }
}

/// One segment of a path as it is: neither another path nor a step up.
fn segment(name: &'static str, text: String) -> Result<String, BadParameters> {
    let is_step = matches!(text.as_str(), "" | "." | "..");
    if is_step || text.contains(['/', '\\']) || text.chars().any(char::is_control) {
        return Err(BadParameters::BadPath(name));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_where_the_vendor_has_them() {
        let update = Operation::find("github", "update_file").unwrap();
        let given = update
            .read(json!({"owner": "acme", "repo": "site", "path": "docs/a b.md", "message": "m", "content": "aGk=", "sha": null}))
            .unwrap();
        assert_eq!(given.segments, ["repos", "acme", "site", "contents", "docs", "a b.md"]);
        assert_eq!(Value::Object(given.body), json!({"message": "m", "content": "aGk="}));
        let share = Operation::find("gdrive", "share_file").unwrap();
        let given = share
            .read(json!({"file_id": "1", "role": "reader", "type": "user", "email_address": "ana@acme.test"}))
            .unwrap();
        assert_eq!(given.body["emailAddress"], "ana@acme.test");
    }

    #[test]
    fn parameters_that_do_not_fit_are_named() {
        let with = |name: &str, value: Value| {
            let mut whole =
                json!({"owner": "acme", "repo": "site", "path": "a", "message": "m", "content": "aGk="});
            whole[name] = value;
            Operation::find("github", "update_file").unwrap().read(whole).unwrap_err()
        };
        for hostile in ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0"] {
            assert_eq!(with("owner", json!(hostile)), BadParameters::BadPath("owner"), "{hostile:?}");
        }
        for hostile in ["", "/etc", "a//b", "../x", "a/..", "a/./b", "a/\u{7f}"] {
            assert_eq!(with("path", json!(hostile)), BadParameters::BadPath("path"), "{hostile:?}");
        }
        assert_eq!(with("owner", Value::Null), BadParameters::Missing("owner"));
        assert_eq!(with("owner", json!(7)).to_string(), "`owner` must be a string");
        assert_eq!(with("force", json!(true)), BadParameters::Unknown("force".to_owned()));
        let share = Operation::find("gdrive", "share_file").unwrap();
        let refused = share.read(json!({"file_id": "1", "role": "admin", "type": "user"})).unwrap_err();
        assert!(refused.to_string().starts_with("`role` must be one of reader, "), "{refused}");
        assert_eq!(share.read(json!("x")).unwrap_err(), BadParameters::NoObject);
    }

    #[test]
    fn every_place_in_a_path_is_a_needed_parameter() {
        for operation in OPERATIONS {
            let names =
                operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            for name in names {
                let parameter = operation.parameters.iter().find(|parameter| parameter.name == name).unwrap();
                assert!(parameter.is_required && matches!(parameter.place, Path | Segments), "{name}");
            }
        }
    }
}
