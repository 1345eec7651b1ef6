//! The scan that stands for a tool call.

use super::{
    client::Client,
    event::{CURSOR_MCP, Event},
};
use crate::mcp::{ServerName, escaped};
use interven_types::ScanRequest;

/// What a tool of a client is to those who judge.
#[derive(Debug, Clone, Copy)]
enum Meaning {
    /// A command line: what it runs is found by reading it, `curl` is the HTTP call that it makes.
    Shell,
    /// The same in PowerShell's language.
    PowerShell,
    /// The tool that is called so everywhere. Names that mean the same in any framework (`Read`, `write_file`, `WebFetch`)
    /// need no row: the normalizer knows them.
    Tool(&'static str),
}

const MEANINGS: [(Client, &str, Meaning); 21] = [
    (Client::ClaudeCode, "Bash", Meaning::Shell),
    (Client::ClaudeCode, "PowerShell", Meaning::PowerShell),
    (Client::ClaudeCode, "Monitor", Meaning::Shell),
    // What it finds it also shows.
    (Client::ClaudeCode, "Grep", Meaning::Tool("read_file")),
    (Client::ClaudeCode, "LS", Meaning::Tool("list_directory")),
    (Client::ClaudeCode, "NotebookRead", Meaning::Tool("read_file")),
    (Client::Copilot, "bash", Meaning::Shell),
    (Client::Copilot, "powershell", Meaning::PowerShell),
    (Client::Copilot, "shell", Meaning::Shell),
    (Client::Copilot, "runTerminalCommand", Meaning::Shell),
    (Client::Copilot, "run_in_terminal", Meaning::Shell),
    (Client::Copilot, "grep", Meaning::Tool("read_file")),
    (Client::Copilot, "create", Meaning::Tool("create_file")),
    (Client::Copilot, "createFile", Meaning::Tool("create_file")),
    (Client::Copilot, "editFiles", Meaning::Tool("edit_file")),
    (Client::Copilot, "replace_string_in_file", Meaning::Tool("edit_file")),
    (Client::Cursor, "Shell", Meaning::Shell),
    (Client::Cursor, "Grep", Meaning::Tool("read_file")),
    (Client::Cursor, "Delete", Meaning::Tool("delete_file")),
    (Client::Cursor, "TabRead", Meaning::Tool("read_file")),
    (Client::Cursor, "TabWrite", Meaning::Tool("write_file")),
];

impl Event {
    /// The call as it is judged; its body is the tool's whole input. A tool that nobody knows is `tool://<client>/<name>`:
    /// never let through for that.
    pub fn to_request(&self) -> ScanRequest {
        let client = self.client.as_str();
        let meaning =
            MEANINGS.iter().find(|(of, tool, _)| *of == self.client && *tool == self.tool).map(|row| row.2);
        let url = match (meaning, self.mcp_tool()) {
            (Some(Meaning::Shell), _) => "shell://exec".to_owned(),
            (Some(Meaning::PowerShell), _) => "shell://powershell".to_owned(),
            (Some(Meaning::Tool(name)), _) => format!("tool://{client}/{name}"),
            (None, Some((server, tool))) => format!("mcp://{}/{}", server.as_str(), escaped(tool)),
            (None, None) => format!("tool://{client}/{}", escaped(&self.tool)),
        };
        ScanRequest::new("POST", &url, self.input.clone())
    }

    /// `mcp__server__tool` of Claude Code, `MCP:tool` of Cursor. Copilot's `server-tool` cannot be told from other names.
    fn mcp_tool(&self) -> Option<(ServerName, &str)> {
        match self.client {
            Client::ClaudeCode | Client::Copilot => {
                let (server, tool) = self.tool.strip_prefix("mcp__")?.split_once("__")?;
                Some((ServerName::new(server)?, tool))
            }
            Client::Cursor => {
                let tool = self.tool.strip_prefix(CURSOR_MCP)?;
                Some((self.mcp_server()?, tool))
            }
        }
    }

    fn mcp_server(&self) -> Option<ServerName> {
        let Some(server) = &self.server else { return ServerName::new(self.client.as_str()) };
        let host =
            server.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
        match host {
            Some(host) => ServerName::new(host),
            None => {
                let words: Vec<String> = server.split_whitespace().map(str::to_owned).collect();
                ServerName::of_command(&words)
            }
        }
        .or_else(|| ServerName::new(self.client.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn url(client: Client, event: &Value) -> String {
        let event = Event::read(client, event.to_string().as_bytes()).unwrap();
        let request = event.to_request();
        assert_eq!(request.body, event.input, "what is rewritten is the whole input");
        interven_normalize::CanonicalUrl::parse(&request.url).unwrap();
        request.url
    }

    #[test]
    fn every_tool_becomes_a_call() {
        for (tool, expected) in [
            ("Bash", "shell://exec"),
            ("PowerShell", "shell://powershell"),
            ("Monitor", "shell://exec"),
            ("Read", "tool://claude-code/Read"),
            ("Grep", "tool://claude-code/read_file"),
            ("mcp__github__create_issue", "mcp://github/create_issue"),
            ("mcp__My Server__a b/c", "mcp://my-server/a%20b%2Fc"),
            ("mcp__broken", "tool://claude-code/mcp__broken"),
            ("../../x?y#z", "tool://claude-code/..%2F..%2Fx%3Fy%23z"),
            ("工具", "tool://claude-code/%E5%B7%A5%E5%85%B7"),
        ] {
            let event =
                json!({"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": {"command": "ls"}});
            assert_eq!(url(Client::ClaudeCode, &event), expected);
        }
        for (event, expected) in [
            (
                json!({"hook_event_name": "preToolUse", "tool_name": "MCP:search", "tool_input": {}}),
                "mcp://cursor/search",
            ),
            (
                json!({"hook_event_name": "beforeMCPExecution", "tool_name": "search", "tool_input": "{}", "url": "https://mcp.example.com:8443/sse?x"}),
                "mcp://mcp.example.com-8443/search",
            ),
            (
                json!({"hook_event_name": "beforeMCPExecution", "tool_name": "search", "tool_input": "", "command": "npx -y @scope/server-files /tmp"}),
                "mcp://files/search",
            ),
            (
                json!({"hook_event_name": "beforeTabFileRead", "file_path": "/a", "content": "x"}),
                "tool://cursor/Read",
            ),
        ] {
            assert_eq!(url(Client::Cursor, &event), expected);
        }
        let event = json!({"toolName": "create", "toolArgs": "{\"path\":\"/a\",\"file_text\":\"x\"}"});
        assert_eq!(url(Client::Copilot, &event), "tool://copilot/create_file");
    }
}
