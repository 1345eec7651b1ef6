//! The clients: where each keeps its MCP servers, and in which form.

use std::path::PathBuf;

/// An MCP client with a file of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum App {
    ClaudeDesktop,
    Cursor,
    Cline,
    VsCode,
}

/// Directories of this user on this machine.
#[derive(Debug, Clone)]
pub struct Places {
    pub home: PathBuf,
    /// `~/Library/Application Support`, `%APPDATA%`, `$XDG_CONFIG_HOME` or `~/.config`.
    pub config: PathBuf,
    /// `CLINE_MCP_SETTINGS_PATH`, which Cline's command line reads.
    pub cline_settings: Option<PathBuf>,
}

impl Places {
    /// From the environment; absent when it names no home.
    pub fn of_user(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let path = |name: &str| variable(name).filter(|text| !text.is_empty()).map(PathBuf::from);
        let home = if cfg!(windows) { path("USERPROFILE")? } else { path("HOME")? };
        let config = if cfg!(windows) {
            path("APPDATA").unwrap_or_else(|| home.join("AppData/Roaming"))
        } else if cfg!(target_os = "macos") {
            home.join("Library/Application Support")
        } else {
            path("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"))
        };
        Some(Self { home, config, cline_settings: path("CLINE_MCP_SETTINGS_PATH") })
    }
}

impl App {
    pub const ALL: [Self; 4] = [Self::ClaudeDesktop, Self::Cursor, Self::Cline, Self::VsCode];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => "claude-desktop",
            Self::Cursor => "cursor",
            Self::Cline => "cline",
            Self::VsCode => "vscode",
        }
    }

    /// The user's file of servers. Claude Desktop: modelcontextprotocol.io, "Connect to local MCP servers". Cursor:
    /// cursor.com/docs/mcp. Cline: the extension's global storage, or docs.cline.bot for the command line. VS Code:
    /// code.visualstudio.com, "MCP configuration reference".
    pub fn file(self, places: &Places) -> PathBuf {
        let code = places.config.join("Code/User");
        match self {
            Self::ClaudeDesktop => places.config.join("Claude/claude_desktop_config.json"),
            Self::Cursor => places.home.join(".cursor/mcp.json"),
            Self::VsCode => code.join("mcp.json"),
            Self::Cline => {
                let extension =
                    code.join("globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json");
                let terminal = places.home.join(".cline/data/settings/cline_mcp_settings.json");
                let is_terminal = terminal.exists() && !extension.exists();
                places.cline_settings.clone().unwrap_or(if is_terminal { terminal } else { extension })
            }
        }
    }

    /// The member of the file that holds the servers by name.
    pub fn servers_member(self) -> &'static str {
        match self {
            Self::VsCode => "servers",
            _ => "mcpServers",
        }
    }

    /// What a person does so that the client reads its file again.
    pub fn reload(self) -> &'static str {
        match self {
            Self::ClaudeDesktop => {
                "quit Claude Desktop (closing its window is not enough) and start it again"
            }
            Self::Cursor => "restart Cursor",
            Self::Cline => "Cline reads it at once; restart the servers in its MCP panel",
            Self::VsCode => "run `MCP: List Servers` in VS Code and restart the servers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn each_client_has_its_place() {
        let places = Places::of_user(|name| (name == "HOME").then(|| "/h".to_owned())).unwrap();
        for (app, expected) in [
            (App::ClaudeDesktop, "/h/.config/Claude/claude_desktop_config.json"),
            (App::Cursor, "/h/.cursor/mcp.json"),
            (
                App::Cline,
                "/h/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
            ),
            (App::VsCode, "/h/.config/Code/User/mcp.json"),
        ] {
            assert_eq!(app.file(&places), PathBuf::from(expected));
        }
        assert!(Places::of_user(|_| None).is_none());
    }
}
