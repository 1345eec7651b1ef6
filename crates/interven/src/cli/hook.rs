//! Arguments of `interven hook`.

use super::GuardArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const HOOK_HELP: &str = "The client's event comes in on the standard input, the answer goes out on the standard output. Without a server \
(--server, --data-dir, INTERVEN_API_KEY, INTERVEN_GATEWAY_URL), this process judges by the pack vibe-coder, and nothing is recorded.\n\n\
Exit codes: 0 the answer was given, 2 blocked.";

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Judge a tool call of Claude Code (PreToolUse)
    #[command(after_help = HOOK_HELP)]
    ClaudeCode(HookArgs),
    /// Judge a tool call of GitHub Copilot (preToolUse)
    #[command(after_help = HOOK_HELP)]
    Copilot(HookArgs),
    /// Judge a tool call of Cursor (preToolUse, beforeShellExecution, beforeMCPExecution, beforeReadFile)
    #[command(after_help = HOOK_HELP)]
    Cursor(HookArgs),
    /// Make a client call the hook before each tool
    Install(InstallHookArgs),
    /// Take the hook out of a client's settings
    Uninstall(UninstallHookArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HookArgs {
    #[command(flatten)]
    pub(crate) judge: GuardArgs,
    /// After which the hook answers by itself, in milliseconds, --wait not counted [default: INTERVEN_TIMEOUT_MS or 12000]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout_ms: Option<u64>,
    /// Answer `allow` to what is allowed, so that the client does not ask its user. Otherwise the client's own rules go on
    #[arg(long)]
    pub(crate) answer_allow: bool,
    /// Block what would have to be rewritten, for clients that do not replace a call's input
    #[arg(long)]
    pub(crate) no_rewrite: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HookClient {
    ClaudeCode,
    Copilot,
    Cursor,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum HookScope {
    /// All that this user does
    User,
    /// The project, for everybody who works on it
    Project,
    /// The project, for this user alone (Claude Code)
    Local,
}

#[derive(Debug, Args)]
pub(crate) struct HookPlaceArgs {
    pub(crate) client: HookClient,
    #[arg(long, value_name = "SCOPE", default_value = "user")]
    pub(crate) scope: HookScope,
    /// The project
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) project: PathBuf,
    /// Print what the file would become, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InstallHookArgs {
    #[command(flatten)]
    pub(crate) place: HookPlaceArgs,
    #[command(flatten)]
    pub(crate) hook: HookArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UninstallHookArgs {
    #[command(flatten)]
    pub(crate) place: HookPlaceArgs,
}
