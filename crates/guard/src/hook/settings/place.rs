//! The files that clients read their hooks from.

use crate::hook::Client;
use std::path::{Path, PathBuf};

/// For whom the hook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything that this user does.
    User,
    /// One project, for everybody who works on it.
    Project,
    /// One project, for this user alone: a file that is not committed.
    Local,
}

/// Directories of this user.
#[derive(Debug, Clone)]
pub struct Homes {
    home: PathBuf,
    claude: Option<PathBuf>,
    copilot: Option<PathBuf>,
}

impl Homes {
    /// From the environment: `HOME` (Windows: `USERPROFILE`), `CLAUDE_CONFIG_DIR`, `COPILOT_HOME`. Absent without a home.
    pub fn of_user(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let path = |name: &str| variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        Some(Self {
            home: path(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?,
            claude: path("CLAUDE_CONFIG_DIR"),
            copilot: path("COPILOT_HOME"),
        })
    }
}

impl Client {
    /// The settings file; absent where the client has none for that scope.
    pub fn settings_file(self, scope: Scope, homes: &Homes, project: &Path) -> Option<PathBuf> {
        let own = |chosen: &Option<PathBuf>, usual| chosen.clone().unwrap_or_else(|| homes.home.join(usual));
        Some(match (self, scope) {
            (Self::ClaudeCode, Scope::User) => own(&homes.claude, ".claude").join("settings.json"),
            (Self::ClaudeCode, Scope::Project) => project.join(".claude/settings.json"),
            (Self::ClaudeCode, Scope::Local) => project.join(".claude/settings.local.json"),
            // Every file of the directory is read: this one is ours alone.
            (Self::Copilot, Scope::User) => own(&homes.copilot, ".copilot").join("hooks/interven.json"),
            (Self::Copilot, Scope::Project) => project.join(".github/hooks/interven.json"),
            (Self::Cursor, Scope::User) => homes.home.join(".cursor/hooks.json"),
            (Self::Cursor, Scope::Project) => project.join(".cursor/hooks.json"),
            (Self::Copilot | Self::Cursor, Scope::Local) => return None,
        })
    }

    /// What a person does so that the client reads its settings again.
    pub fn reload(self) -> &'static str {
        match self {
            Self::ClaudeCode => "start a new Claude Code session; `/hooks` lists it there",
            Self::Copilot => "start a new Copilot session",
            Self::Cursor => "restart Cursor; Settings > Hooks lists it there",
        }
    }
}
