//! A `tools/call` on its way to the server.

use super::frame::{Id, Unreadable, only};
use crate::json_text::{members, place};
use interven_types::{JsonError, ScanRequest, parse_json};
use serde_json::Value;
use std::ops::Range;

/// What is asked of a tool.
#[derive(Debug, Clone)]
pub struct ToolCall {
    /// Absent: a notification, which nobody answers.
    pub id: Option<Id>,
    pub tool: String,
    pub arguments: Value,
    /// Where the arguments stand in the message; absent when there are none.
    pub arguments_at: Option<Range<usize>>,
    /// The result is wanted later, under a task (revision 2025-11-25).
    pub is_task: bool,
    /// The protocol's revision is 2026-07-28 or later: results name their type.
    pub is_stateless: bool,
}

/// Why a call cannot be judged; nothing that cannot be judged goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableCall {
    #[error("{0}")]
    Json(#[from] JsonError),
    #[error("{0}")]
    Envelope(#[from] Unreadable),
    #[error("`params` is no object with a `name`")]
    Nameless,
}

const REVISION: &str = "io.modelcontextprotocol/protocolVersion";

impl ToolCall {
    /// Reads `params`, a slice of `message`, strictly: what the guard judges must be what the server reads.
    pub fn read(id: Option<Id>, message: &str, params: Option<&str>) -> Result<Self, UnreadableCall> {
        let params = params.unwrap_or("null");
        let value = parse_json(params.as_bytes())?;
        let [name, arguments] =
            only(&members(params).ok_or(UnreadableCall::Nameless)?, ["name", "arguments"])?;
        let tool = name.and_then(crate::json_text::string).ok_or(UnreadableCall::Nameless)?.into_owned();
        let Value::Object(mut fields) = value else { return Err(UnreadableCall::Nameless) };
        Ok(Self {
            id,
            tool,
            arguments_at: arguments.and_then(|text| place(message, text)),
            arguments: fields.remove("arguments").unwrap_or_default(),
            is_task: fields.get("task").is_some_and(|task| !task.is_null()),
            is_stateless: fields.get("_meta").is_some_and(|meta| meta.get(REVISION).is_some()),
        })
    }

    /// `mcp://<server>/<tool>` with the arguments as the body.
    pub fn to_request(&self, server: &ServerName) -> ScanRequest {
        let url = format!("mcp://{}/{}", server.as_str(), escaped(&self.tool));
        let mut request = ScanRequest::new("POST", &url, self.arguments.clone());
        request.runtime_type = Some("mcp".to_owned());
        request
    }
}

/// A tool's name as one segment of a URL (RFC 3986 §2.1).
pub(crate) fn escaped(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                segment.push(char::from(byte))
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

/// How a server is called in pins, policies and records: letters, digits, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// Makes a name of any text: `My Server` is `my-server`. Absent when nothing is left of it.
    pub fn new(text: &str) -> Option<Self> {
        let is_kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let kept: String =
            text.chars().map(|c| if is_kept(c) { c.to_ascii_lowercase() } else { '-' }).collect();
        let name: String = kept.trim_matches(['-', '.', '_']).chars().take(63).collect();
        (!name.is_empty()).then_some(Self(name))
    }

    /// Of the command that starts it: `npx -y @scope/server-files /tmp` is `files`.
    pub fn of_command(command: &[String]) -> Option<Self> {
        const RUNNERS: [&str; 12] =
            ["npx", "uvx", "uv", "run", "node", "python", "python3", "bunx", "deno", "pipx", "docker", "-m"];
        let told = |word: &&String| !word.starts_with('-') && !RUNNERS.contains(&stem(word));
        let word = command.iter().find(told).or(command.first())?;
        // `files/dist/index.js` is called after its directory.
        const EVERYWHERE: [&str; 8] = ["index", "main", "server", "cli", "dist", "build", "src", "bin"];
        let mut parts = word.rsplit(['/', '\\']).map(stem);
        let name = parts.find(|part| !part.is_empty() && !EVERYWHERE.contains(part)).unwrap_or(stem(word));
        let short = ["mcp-server-", "server-", "mcp-"].iter().find_map(|prefix| name.strip_prefix(prefix));
        let name = short.unwrap_or(name);
        Self::new(
            ["-mcp-server", "-server", "-mcp"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name),
        )
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The last part of a path or of a scoped package, without version and extension.
fn stem(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    [".js", ".mjs", ".cjs", ".ts", ".py", ".exe"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(params: &str) -> Result<ToolCall, String> {
        ToolCall::read(None, params, Some(params)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_call_is_read_with_the_place_of_its_arguments() {
        let params = r#"{"name":"a\u0062 /é", "arguments" : {"x":1.50} ,"_meta":{"progressToken":1}}"#;
        let call = read(params).unwrap();
        assert_eq!(call.tool, "ab /é");
        assert_eq!(&params[call.arguments_at.clone().unwrap()], r#"{"x":1.50}"#);
        assert!(!call.is_task && !call.is_stateless);
        let request = call.to_request(&ServerName::new("My Files").unwrap());
        assert_eq!(request.url, "mcp://my-files/ab%20%2F%C3%A9");
        let call = read(
            r#"{"name":"t","task":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
        );
        let call = call.unwrap();
        assert!(call.is_task && call.is_stateless && call.arguments_at.is_none() && call.arguments.is_null());
    }

    #[test]
    fn what_servers_could_read_otherwise_is_refused() {
        for (params, expected) in [
            (r#"{"name":"a","name":"b"}"#, "duplicate key `name`"),
            (r#"{"name":"a","Arguments":{}}"#, "`arguments` stands in it twice"),
            (r#"{"name":"a","arguments":{"x":1,"x":2}}"#, "duplicate key `x`"),
            (r#"{"name":"a","arguments":{"x":1e999}}"#, "out of range"),
            (r#"{"name":"a","arguments":{"x":"\ud800"}}"#, "hex escape"),
            (r#"{"arguments":{}}"#, "no object with a `name`"),
            (r#"{"name":7}"#, "no object with a `name`"),
            ("[]", "no object with a `name`"),
        ] {
            let error = read(params).unwrap_err();
            assert!(error.contains(expected), "{params}: {error}");
        }
    }

    #[test]
    fn servers_are_named_after_what_runs() {
        for (command, expected) in [
            ("npx -y @modelcontextprotocol/server-filesystem /tmp", "filesystem"),
            ("npx -y some-mcp-server@1.2.3", "some"),
            ("uvx mcp-server-git --repository .", "git"),
            ("python3 -m weather", "weather"),
            ("node /opt/mcp-server-maps/dist/index.js", "maps"),
            ("/usr/bin/python3 ./server/notes.py", "notes"),
            ("node", "node"),
            ("C:\\tools\\thing.exe", "thing"),
        ] {
            let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(ServerName::of_command(&command).unwrap().as_str(), expected);
        }
        assert_eq!(ServerName::new(" ../ "), None);
    }
}
