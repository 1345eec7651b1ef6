//! The clients, and what each can do with an answer.

/// A coding agent that calls hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    ClaudeCode,
    Copilot,
    Cursor,
}

impl Client {
    pub const ALL: [Self; 3] = [Self::ClaudeCode, Self::Copilot, Self::Cursor];

    /// As in `interven hook <name>`, in `tool://<name>/…` and as the agent's runtime.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Copilot => "copilot",
            Self::Cursor => "cursor",
        }
    }
}

/// The forms in which a client asks and is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `PreToolUse` of Claude Code: `hookSpecificOutput`.
    Claude,
    /// `PreToolUse` of VS Code, which takes the form of Claude Code.
    VsCode,
    /// `preToolUse` of the Copilot CLI and of Copilot's cloud agent: flat, camel case.
    Copilot,
    /// `preToolUse` of Cursor: flat, snake case.
    CursorTool,
    /// `beforeShellExecution` and `beforeMCPExecution` of Cursor.
    CursorGate,
    /// `beforeReadFile` and `beforeTabFileRead` of Cursor.
    CursorRead,
}

impl Dialect {
    /// The client replaces the call's input by that of the answer.
    pub(crate) fn can_rewrite(self) -> bool {
        match self {
            Self::Claude | Self::VsCode | Self::Copilot | Self::CursorTool => true,
            Self::CursorGate | Self::CursorRead => false,
        }
    }

    /// The client holds the call until its user says so. The cloud agent of Copilot has no user, and `preToolUse` of Cursor
    /// takes `ask` without asking.
    pub(crate) fn can_ask(self) -> bool {
        match self {
            Self::Claude | Self::VsCode | Self::CursorGate => true,
            Self::Copilot | Self::CursorTool | Self::CursorRead => false,
        }
    }
}
