//! What a client says when it is about to use a tool.

use super::client::{Client, Dialect};
use interven_types::{JsonError, parse_json};
use serde_json::{Map, Value};

/// A tool call, before it happens.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub client: Client,
    /// As the client calls it.
    pub tool: String,
    /// The tool's whole input, and so the form of a rewritten one.
    pub input: Value,
    /// The MCP server, where the client says it beside the tool.
    pub(crate) server: Option<String>,
    pub(crate) dialect: Dialect,
}

/// What cannot be read cannot be judged, and is blocked even where letting through was chosen: who writes the call must not be
/// able to choose that nobody reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableEvent {
    #[error("the standard input is empty; the client writes the event to it")]
    Empty,
    #[error("the event is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the event cannot be read: {0}")]
    Json(#[from] JsonError),
    #[error("the event is no JSON object")]
    NoObject,
    #[error("the event has no `{0}`, or of another type")]
    Missing(&'static str),
    #[error("the event `{name}` is not one that this hook judges; it judges {judged}")]
    Unknown { name: String, judged: &'static str },
}

impl Event {
    /// Most bytes of an event that are read.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;

    /// # Errors
    /// An event that is no tool call of this client, or none that can be read in one way only.
    pub fn read(client: Client, bytes: &[u8]) -> Result<Self, UnreadableEvent> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(UnreadableEvent::TooLarge(Self::MAX_BYTES));
        }
        if bytes.trim_ascii().is_empty() {
            return Err(UnreadableEvent::Empty);
        }
        let Value::Object(fields) = parse_json(bytes)? else { return Err(UnreadableEvent::NoObject) };
        let mut fields = Fields(fields);
        match client {
            Client::ClaudeCode => fields.claude_code(),
            Client::Copilot => fields.copilot(),
            Client::Cursor => fields.cursor(),
        }
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn claude_code(&mut self) -> Result<Event, UnreadableEvent> {
        match self.text("hook_event_name")? {
            name if name == "PreToolUse" => self.snake_case(Client::ClaudeCode, Dialect::Claude),
            name => Err(UnreadableEvent::Unknown { name, judged: "`PreToolUse`" }),
        }
    }

    /// The flat form names no event. Under the event's name in Pascal case, VS Code's form comes.
    fn copilot(&mut self) -> Result<Event, UnreadableEvent> {
        match self.0.get("hook_event_name").or_else(|| self.0.get("hookEventName")).and_then(Value::as_str) {
            Some("PreToolUse") => return self.snake_case(Client::Copilot, Dialect::VsCode),
            None | Some("preToolUse") => {}
            Some(other) => {
                let name = other.to_owned();
                return Err(UnreadableEvent::Unknown { name, judged: "`preToolUse` and `PreToolUse`" });
            }
        }
        let tool = self.text("toolName")?;
        let input = self.0.remove("toolArgs").ok_or(UnreadableEvent::Missing("toolArgs"))?;
        Ok(Event {
            client: Client::Copilot,
            tool,
            input: unwrapped(input)?,
            server: None,
            dialect: Dialect::Copilot,
        })
    }

    fn cursor(&mut self) -> Result<Event, UnreadableEvent> {
        let event = |tool: &str, input: Map<String, Value>, dialect| Event {
            client: Client::Cursor,
            tool: tool.to_owned(),
            input: Value::Object(input),
            server: None,
            dialect,
        };
        match self.text("hook_event_name")?.as_str() {
            "preToolUse" => self.snake_case(Client::Cursor, Dialect::CursorTool),
            "beforeShellExecution" => {
                let command = Value::String(self.text("command")?);
                Ok(event("Shell", Map::from_iter([("command".to_owned(), command)]), Dialect::CursorGate))
            }
            "beforeMCPExecution" => {
                let server = self.0.get("url").or_else(|| self.0.get("command"));
                let server = server.and_then(Value::as_str).map(str::to_owned);
                let mut event = self.snake_case(Client::Cursor, Dialect::CursorGate)?;
                if !event.tool.starts_with(CURSOR_MCP) {
                    event.tool.insert_str(0, CURSOR_MCP);
                }
                event.server = server;
                Ok(event)
            }
            "beforeReadFile" | "beforeTabFileRead" => {
                let path = Value::String(self.text("file_path")?);
                Ok(event("Read", Map::from_iter([("file_path".to_owned(), path)]), Dialect::CursorRead))
            }
            other => Err(UnreadableEvent::Unknown {
                name: other.to_owned(),
                judged: "`preToolUse`, `beforeShellExecution`, `beforeMCPExecution`, `beforeReadFile` and `beforeTabFileRead`",
            }),
        }
    }

    fn snake_case(&mut self, client: Client, dialect: Dialect) -> Result<Event, UnreadableEvent> {
        let tool = self.text("tool_name")?;
        let input = self.0.remove("tool_input").ok_or(UnreadableEvent::Missing("tool_input"))?;
        Ok(Event { client, tool, input: unwrapped(input)?, server: None, dialect })
    }

    fn text(&mut self, name: &'static str) -> Result<String, UnreadableEvent> {
        match self.0.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            _ => Err(UnreadableEvent::Missing(name)),
        }
    }
}

/// How Cursor's `preToolUse` begins the name of an MCP tool.
pub(crate) const CURSOR_MCP: &str = "MCP:";

/// Copilot, and Cursor for MCP tools, write the input as JSON in a string.
fn unwrapped(input: Value) -> Result<Value, UnreadableEvent> {
    match input {
        Value::String(text) if text.trim().is_empty() => Ok(Value::Object(Map::new())),
        Value::String(text) => Ok(parse_json(text.as_bytes())?),
        other => Ok(other),
    }
}
