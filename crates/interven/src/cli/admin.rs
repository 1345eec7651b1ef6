//! Arguments of `interven admin`.

use super::ServerArgs;
use clap::{Args, Subcommand, ValueEnum};
use interven_types::{CredentialId, Timestamp};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) what: AdminCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Isolated workspaces
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// People who may sign in
    #[command(subcommand)]
    User(UserCommand),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Credentials that upstream tools are called with; never read back
    #[command(subcommand)]
    Credential(CredentialCommand),
    /// Agents and their trust
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Settings of the tenant
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Copy the embedded database into one file, of a running server or a stopped data directory
    Backup(BackupArgs),
    /// Put a copy back into a data directory that no server uses
    Restore(RestoreArgs),
    /// How long the record is kept
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Keys of what is encrypted at rest
    #[command(subcommand)]
    Encryption(EncryptionCommand),
    /// Copy a whole installation into another, empty database; no server may run on the first
    Copy(CopyArgs),
    /// Secrets that the services of one database share
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Daily budgets that rules ask about with `daily_budget_exceeded`
    #[command(subcommand)]
    Budgets(BudgetsCommand),
    /// The tenant's detectors: its own, severity and weight, findings that do not count
    #[command(subcommand)]
    Detectors(TenantDetectorsCommand),
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// What is copied: sqlite://PATH
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// Where to: postgres://user:password@host:port/database
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// Let a shared secret change: forget what the services of the database in DATABASE_URL were started with
    Forget {
        /// Its variable, such as AIF_CONSOLE_SECRET
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// A new file; the encryption key is not in it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// What `backup` made
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// Move a database that is there aside
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Say how long the record is kept, and what the last run took
    Status,
    /// Take now what is older, and wait for it; it is done daily by itself
    Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EncryptionCommand {
    /// Say which master key the server has, and which data keys there are
    Status,
    /// Make new data keys, for one tenant with --tenant, else for all; in use at once
    Rotate {
        /// Make a new master key instead, where `interven serve` made the one in use; it counts from the next start
        #[arg(long, conflicts_with_all = ["tenant", "server"])]
        master: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant with the default policies
    Create { name: String },
    /// List tenants
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a person; prints a one-time password
    Create {
        email: String,
        #[arg(long, default_value = "reviewer")]
        role: RoleName,
    },
    /// List people
    List,
    /// Set a new one-time password, or read a password from the standard input
    Password {
        email: String,
        /// Read the password from the first line of the standard input
        #[arg(long)]
        stdin: bool,
    },
    /// Bar a person from signing in; the history stays
    Disable { email: String },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleName {
    Admin,
    Developer,
    Reviewer,
    Auditor,
}

impl RoleName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Reviewer => "reviewer",
            Self::Auditor => "auditor",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key and print it, once
    Create(KeyCreateArgs),
    /// List keys by their public prefix
    List {
        /// Those that keys made for one task, in place of the lasting ones
        #[arg(long)]
        ephemeral: bool,
    },
    /// Revoke a key, by id or prefix; it stops working everywhere within a second
    Revoke { key: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// Seal a credential, read from the standard input, in place of the one for the same tool, host and environment
    Set(CredentialSetArgs),
    /// List credentials, without the secrets
    List,
    /// Remove a credential; calls that need it are refused from then on
    Remove { id: CredentialId },
}

#[derive(Debug, Args)]
pub(crate) struct CredentialSetArgs {
    /// slack, github, gdrive, http
    pub(crate) tool: String,
    /// A token; headers as a JSON object; or an address that is itself the secret
    #[arg(long, value_enum, default_value = "bearer")]
    pub(crate) kind: CredentialKindName,
    /// For this environment alone
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Where the tool is, unless it is at its public address; needed for `http`
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Read the secret from this file
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum CredentialKindName {
    Bearer,
    HeaderSet,
    IncomingWebhook,
}

impl CredentialKindName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::HeaderSet => "header_set",
            Self::IncomingWebhook => "incoming_webhook",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    pub(crate) name: String,
    /// Environment of its scans
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Let requests name another environment
    #[arg(long)]
    pub(crate) env_override: bool,
    /// Name of the agent that calls when a request names nobody
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Address or CIDR block it may be used from; repeat for more
    #[arg(long = "allow-ip", value_name = "CIDR")]
    pub(crate) allow_ip: Vec<String>,
    /// What it may do: scan (default), traces:read, policies:write, incidents:write, keys:write; repeat for more
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(crate) scopes: Vec<String>,
    /// Only watch: calls are judged and recorded, and always allowed
    #[arg(long)]
    pub(crate) monitor: bool,
    /// Requests may be signed with it (`/invoke`, `/mcp`); the key is then kept, sealed
    #[arg(long)]
    pub(crate) signing: bool,
    /// When it ends, as an RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// List agents with their trust
    List,
    /// Show one agent and how its trust moved
    Show { agent: String },
    /// Trust 1.0 again, counters zero
    ResetTrust { agent: String },
    /// Deny everything the agent asks
    Suspend { agent: String },
    /// End a suspension
    Reactivate { agent: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Print the settings in force, or those of an earlier version
    Show {
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// List the versions of the settings
    Versions,
    /// Make an earlier version the next one
    Restore { version: u32 },
    /// Change settings: `approvals.grant_window_seconds=300 monitor=true`; values are JSON, or text when they are none
    Set {
        #[arg(required = true, value_name = "PATH=VALUE")]
        changes: Vec<String>,
    },
    /// Back to the defaults
    Reset,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BudgetsCommand {
    /// List budgets with what today has used of them
    List,
    /// Make a budget, or replace the one of that name; what today has used stays
    Set(BudgetSetArgs),
    /// Remove a budget; a rule that asks about it can no longer be evaluated
    Remove { name: String },
}

#[derive(Debug, Args)]
pub(crate) struct BudgetSetArgs {
    pub(crate) name: String,
    /// Whose calls are added up
    #[arg(long, value_name = "SCOPE", value_parser = ["agent", "tenant"])]
    pub(crate) per: String,
    /// The call that would bring the day above it exceeds the budget
    #[arg(long)]
    pub(crate) limit: f64,
    /// JSON path to the number of the body that is added up, such as `$.amount`; without it, calls are counted
    #[arg(long, value_name = "PATH")]
    pub(crate) sum: Option<String>,
    /// Which calls count, as the `match` of a policy's rule; without it, every call
    #[arg(long = "match", value_name = "JSON")]
    pub(crate) matches: Option<String>,
    /// IANA zone in which a day begins and ends
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub(crate) tz: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantDetectorsCommand {
    /// List the tenant's detectors, its own first
    List,
    /// Add the `[[detector]]` tables of a TOML file, or replace those of the same id; their examples are run first
    Add { file: PathBuf },
    /// Remove one of the tenant's own detectors
    Remove { id: String },
    /// Switch a detector off
    Disable { id: String },
    /// Switch a detector on again
    Enable { id: String },
    /// Change what a finding counts as
    Set(DetectorSetArgs),
    /// Let findings not count; give at least one of the value, --path and --tool
    Except(ExceptArgs),
    /// List the exceptions, numbered
    Exceptions,
    /// Remove the exception of that number
    Unexcept { number: usize },
    /// Print the SHA-256 of the value on the standard input, as exceptions name it; without a server
    Hash,
}

#[derive(Debug, Args)]
pub(crate) struct DetectorSetArgs {
    pub(crate) id: String,
    /// LOW, MEDIUM or HIGH: what a match counts as whose checks pass
    #[arg(long, required_unless_present_any = ["weight", "default"])]
    pub(crate) confidence: Option<String>,
    /// 0 to 4: factor of what a finding adds to the risk
    #[arg(long)]
    pub(crate) weight: Option<f64>,
    /// Take back what was set
    #[arg(long, conflicts_with_all = ["confidence", "weight"])]
    pub(crate) default: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExceptArgs {
    /// The value, read from the standard input; only its SHA-256 leaves this process
    #[arg(long, required_unless_present_any = ["path", "tool"])]
    pub(crate) value_from_stdin: bool,
    /// JSON Pointer into the body; a step `*` is any
    #[arg(long, value_name = "POINTER")]
    pub(crate) path: Option<String>,
    /// Calls to this tool alone: `slack`, `stripe.*`
    #[arg(long, value_name = "GLOB")]
    pub(crate) tool: Option<String>,
    /// Findings of this detector alone
    #[arg(long, value_name = "ID")]
    pub(crate) detector: Option<String>,
    /// Findings of this class alone: SECRETS, PII, PHI or INTERNAL
    #[arg(long)]
    pub(crate) class: Option<String>,
    /// Why; it stands in answers and in the record
    #[arg(long)]
    pub(crate) note: String,
    /// When it ends, as an RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Timestamp>,
}
