//! Arguments of `interven mcp-guard`.

use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

pub(crate) const MCP_GUARD_HELP: &str = "Without a command: an MCP server over standard input and output that agents may ask.\n\n\
Environment: INTERVEN_API_KEY, INTERVEN_GATEWAY_URL (http://localhost:4000), INTERVEN_AGENT_NAME, INTERVEN_TIMEOUT_MS (30000), \
INTERVEN_FAIL_OPEN=1, INTERVEN_MCP_PINS (the file of pins).";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, after_help = MCP_GUARD_HELP)]
pub(crate) struct McpGuardArgs {
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(subcommand)]
    pub(crate) command: Option<McpGuardCommand>,
}

/// Who judges, and what happens when nobody does: as for other guards, but that `--server` names an MCP server here.
#[derive(Debug, Clone, Args)]
pub(crate) struct JudgeArgs {
    /// Address of the gateway; the key comes from INTERVEN_API_KEY [default: http://localhost:4000]
    #[arg(long, value_name = "URL", conflicts_with = "local")]
    pub(crate) gateway: Option<String>,
    /// Judge in this process: nothing is recorded, and nobody can approve
    #[arg(long)]
    pub(crate) local: bool,
    /// With --local: policies in place of the defaults, a file or the name of a pack; repeat for more
    #[arg(long = "pack", value_name = "FILE|NAME", requires = "local")]
    pub(crate) packs: Vec<PathBuf>,
    /// Let calls through while the gateway is out of order, and say so; INTERVEN_FAIL_CLOSED=1 wins
    #[arg(long)]
    pub(crate) fail_open: bool,
    /// How long a call waits for a person, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub(crate) wait: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpGuardCommand {
    /// Stand in front of a server: judge every call, compare its tools with their pins, inspect what comes back
    Proxy(McpProxyArgs),
    /// Look at the pinned tools, and decide what waits
    #[command(subcommand)]
    Pins(PinsCommand),
    /// Put the guard in front of the servers in a client's configuration
    Install(McpInstallArgs),
    /// Take the guard out of a client's configuration
    Uninstall(McpUninstallArgs),
}

#[derive(Debug, Args)]
pub(crate) struct McpProxyArgs {
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    /// What the server is called in pins, policies and records [default: made of the command or the URL]
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,
    /// Reach the server over streamable HTTP; headers for it come from INTERVEN_MCP_HEADERS, a JSON object
    #[arg(long, conflicts_with = "command", required_unless_present = "command")]
    pub(crate) url: Option<String>,
    /// With --url: be a streamable HTTP server here instead of speaking over standard input and output; loopback only
    #[arg(long, value_name = "ADDRESS:PORT", requires = "url")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) pins: PinsFileArgs,
    /// Pin nothing on first use: each tool is withheld until a person approves it
    #[arg(long)]
    pub(crate) require_approved: bool,
    /// What becomes of a result that reads like orders to the model
    #[arg(long, value_name = "WHAT", default_value = "flag")]
    pub(crate) on_injection: Injected,
    /// Judge and record, but hold nothing back of calls
    #[arg(long)]
    pub(crate) monitor: bool,
    /// The command that starts the server
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Injected {
    /// A warning stands in front of it
    Flag,
    /// The model does not get it
    Withhold,
}

#[derive(Debug, Args)]
pub(crate) struct PinsFileArgs {
    /// The file of pins [default: .interven/mcp-pins.lock where there is an .interven, else in the user's configuration]
    #[arg(long, value_name = "FILE", env = "INTERVEN_MCP_PINS")]
    pub(crate) pins: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PinsCommand {
    /// List tools, and what waits (exit code 1 when something does)
    List {
        #[command(flatten)]
        file: PinsFileArgs,
        server: Option<String>,
        /// Print the file
        #[arg(long)]
        json: bool,
    },
    /// Show a tool as it is pinned, with everything that hides made visible
    Show {
        #[command(flatten)]
        file: PinsFileArgs,
        server: String,
        tool: String,
    },
    /// Show what changed in a tool that waits, and why it waits
    Diff {
        #[command(flatten)]
        file: PinsFileArgs,
        server: Option<String>,
        tool: Option<String>,
    },
    /// Pin what a server offers now
    Approve(DecideArgs),
    /// Say no to what a server offers now, or take a pin back
    Reject(DecideArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    #[command(flatten)]
    pub(crate) file: PinsFileArgs,
    pub(crate) server: String,
    /// Without it, --all
    #[arg(required_unless_present = "all")]
    pub(crate) tool: Option<String>,
    /// Everything of this server that waits
    #[arg(long, conflicts_with = "tool")]
    pub(crate) all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum McpClient {
    ClaudeDesktop,
    Cursor,
    Cline,
    #[value(name = "vscode")]
    VsCode,
}

#[derive(Debug, Args)]
pub(crate) struct McpInstallArgs {
    #[arg(long)]
    pub(crate) client: McpClient,
    /// Only this server of the configuration; one with a URL is wrapped only when it is named
    #[arg(long, value_name = "NAME", conflicts_with = "own")]
    pub(crate) server: Option<String>,
    /// Add the guard's own server, which agents may ask, instead
    #[arg(long)]
    pub(crate) own: bool,
    /// With --own: what it is called
    #[arg(long, default_value = "interven", requires = "own")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) judge: JudgeArgs,
    #[command(flatten)]
    pub(crate) place: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct McpUninstallArgs {
    #[arg(long)]
    pub(crate) client: McpClient,
    /// Only this server
    #[arg(long, value_name = "NAME")]
    pub(crate) server: Option<String>,
    #[command(flatten)]
    pub(crate) place: ConfigArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The client's file [default: the user's, where the client keeps it]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print what the file would become, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
