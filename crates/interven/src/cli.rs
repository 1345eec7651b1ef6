//! Every command and its arguments.

mod admin;
mod audit;
mod database;
mod doctor;
mod guard;
mod hook;
mod local;
mod mcp_guard;
mod policy;
mod proxy;
mod record;

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

pub(crate) use {
    admin::*, audit::*, database::*, doctor::*, guard::*, hook::*, local::*, mcp_guard::*, policy::*,
    proxy::*, record::*,
};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 something was found, differs or did not work, 2 wrong usage, \
3 the server is not there or refused. `interven scan` of one call: ALLOW 0, SANITIZE 10, REQUIRE_APPROVAL 11, DENY 12.";

const CLASSIFY_EXIT_CODES: &str = "Hidden and binary files in directories are left out and counted; links are not followed. \
Findings go to the standard output, everything else to the standard error.\n\n\
Exit codes: 0 done, 1 something was shown and --exit-code given, 2 wrong usage or something could not be read or written.";

/// A firewall for what AI agents do.
#[derive(Debug, Parser)]
#[command(name = "interven", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway and telemetry in one process, on an embedded database or PostgreSQL
    Serve(ServeArgs),
    /// Run a gateway in a process of its own, one of any number, on PostgreSQL
    Gateway(AloneArgs),
    /// Run telemetry in a process of its own, on PostgreSQL
    Telemetry(AloneArgs),
    /// Look at the schema of the database, and bring it up to date
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Manage tenants, people, keys, agents and settings
    Admin(AdminArgs),
    /// See what waits for a person, and decide it
    Approvals(ApprovalsArgs),
    /// Read the record of scans
    Activity(ActivityArgs),
    /// Prove that the record is what was recorded
    Audit(AuditArgs),
    /// Make a recorded decision again and say whether the same comes out (exit code 1 when not)
    Explain(ExplainArgs),
    /// Check, apply and list policies
    Policy(PolicyArgs),
    /// Ask what would become of a call
    #[command(after_help = EXIT_CODES)]
    Scan(ScanArgs),
    /// Judge the tool calls of a coding agent: Claude Code, GitHub Copilot, Cursor
    #[command(subcommand)]
    Hook(HookCommand),
    /// Stand between an MCP client and its servers, or be a server that agents may ask
    McpGuard(McpGuardArgs),
    /// Judge the calls of an agent that cannot be changed: http://localhost:4180/proxy/<upstream-url>, or HTTP(S)_PROXY
    Proxy(ProxyArgs),
    /// Say whether this machine is protected: the gateway, its verdict on a leaked key, installed hooks and MCP guards
    #[command(after_help = DOCTOR_HELP)]
    Doctor(DoctorArgs),
    /// Find secrets, personal data, health data and internal marks in files or the standard input
    #[command(after_help = CLASSIFY_EXIT_CODES)]
    Classify(ClassifyArgs),
    /// Look up detectors, and try them
    #[command(after_help = "Exit codes: 0 done, 1 it finds nothing or an example fails, 2 wrong usage.")]
    Detectors(DetectorsArgs),
    /// Print the API description of the gateway
    Openapi(OpenapiArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where the database, the secrets and bootstrap.json are; made when absent
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Use a temporary data directory and remove it at the end
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) ephemeral: bool,
    /// Settings; what it leaves out is as in interven.default.toml, and the environment wins
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AloneArgs {
    /// Settings; what it leaves out is as in interven.default.toml, and the environment wins
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which server, and how its answers are shown.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Data directory of a server on this machine: bootstrap.json says where it is, admin.token lets in
    #[arg(long, global = true, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Address of another server; the token comes from INTERVEN_ADMIN_TOKEN
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Tenant, by name or id; not needed when there is one
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OpenapiArgs {
    /// That of telemetry
    #[arg(long)]
    pub(crate) telemetry: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
