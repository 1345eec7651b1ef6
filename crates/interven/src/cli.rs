//! Every command and its arguments.

mod policy;

use crate::moment::Moment;
use clap::{
    Args, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use interven_types::{AgentId, ApprovalId, Confidence, DataClass, Timestamp, TraceId};
use std::path::PathBuf;

pub(crate) use policy::{
    PolicyApplyArgs, PolicyDeleteArgs, PolicyDiffArgs, PolicyExportArgs, PolicyPacksArgs, PolicyRestoreArgs,
    PolicyShowArgs, PolicyTestArgs, WhichPolicy,
};

const EXIT_CODES: &str = "Exit codes: 0 done, 1 something was found, differs or did not work, 2 wrong usage, \
3 the server is not there or refused. `interven scan` of one call: ALLOW 0, SANITIZE 10, REQUIRE_APPROVAL 11, DENY 12.";

const CLASSIFY_EXIT_CODES: &str = "Hidden and binary files in directories are left out and counted; links are not followed. \
Findings go to the standard output, everything else to the standard error.\n\n\
Exit codes: 0 done, 1 something was shown and --exit-code given, 2 wrong usage or something could not be read.";

/// A firewall for what AI agents do.
#[derive(Debug, Parser)]
#[command(name = "interven", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway and telemetry in one process, on an embedded database
    Serve(ServeArgs),
    /// Manage tenants, people, keys, agents and settings
    Admin(AdminArgs),
    /// See what waits for a person, and decide it
    Approvals(ApprovalsArgs),
    /// Read the record of scans
    Activity(ActivityArgs),
    /// Make a recorded decision again and say whether the same comes out (exit code 1 when not)
    Explain(ExplainArgs),
    /// Check, apply and list policies
    Policy(PolicyArgs),
    /// Ask what would become of a call
    #[command(after_help = EXIT_CODES)]
    Scan(ScanArgs),
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
    /// Agents and their trust
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Settings of the tenant
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Daily budgets that rules ask about with `daily_budget_exceeded`
    #[command(subcommand)]
    Budgets(BudgetsCommand),
    /// The tenant's detectors: its own, severity and weight, findings that do not count
    #[command(subcommand)]
    Detectors(TenantDetectorsCommand),
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
    List,
    /// Revoke a key, by id or prefix; it stops working everywhere within a second
    Revoke { key: String },
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

#[derive(Debug, Args)]
pub(crate) struct ApprovalsArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) what: ApprovalsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List approvals, newest first
    List {
        /// pending, approved, denied, expired, executed or all
        #[arg(long, default_value = "pending")]
        status: String,
        #[arg(long, value_name = "UUID")]
        agent_id: Option<AgentId>,
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: u32,
    },
    /// Show one approval with the redacted request
    Show { approval: ApprovalId },
    /// Let the identical retry pass
    Approve {
        approval: ApprovalId,
        #[arg(long)]
        note: Option<String>,
    },
    /// Refuse it; identical retries are denied for a while
    Deny {
        approval: ApprovalId,
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ActivityArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) what: ActivityCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ActivityCommand {
    /// Print the newest scans; with --json one object per line
    Tail(TailArgs),
    /// Show one scan and what explains its decision
    Show {
        trace: TraceId,
        /// Show the request as it was sent; this is written to the audit log
        #[arg(long)]
        reveal: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    /// How many
    #[arg(short = 'n', long = "lines", default_value_t = 20)]
    pub(crate) lines: u32,
    /// Go on with new ones as they come
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Agent, by name or id
    #[arg(long)]
    pub(crate) agent: Option<String>,
    #[arg(long)]
    pub(crate) tool: Option<String>,
    #[arg(long)]
    pub(crate) operation: Option<String>,
    /// ALLOW, SANITIZE, REQUIRE_APPROVAL or DENY
    #[arg(long)]
    pub(crate) decision: Option<String>,
    /// LOW, MEDIUM, HIGH or CRITICAL
    #[arg(long)]
    pub(crate) band: Option<String>,
    /// SECRETS, PII, PHI or INTERNAL
    #[arg(long)]
    pub(crate) class: Option<String>,
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// RFC 3339 time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    pub(crate) trace: TraceId,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) what: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Check policy files, without a server; exit code 1 when one has an error
    Validate {
        #[command(flatten)]
        sources: PolicySources,
    },
    /// Check policy files and put all of them in force, or none
    Apply(PolicyApplyArgs),
    /// Say what differs between files and the server; exit code 1 when something does
    Diff(PolicyDiffArgs),
    /// Say what each rule did in a recorded decision, and what would have been decided without it
    Explain { trace: TraceId },
    /// Print the policies in force as one pack, which `apply` takes back
    Export(PolicyExportArgs),
    /// List the versions of a policy, newest first
    Versions(WhichPolicy),
    /// Print a policy as it is in force, or as it was at a version
    Show(PolicyShowArgs),
    /// Put an earlier version in force again, as the next one; brings a deleted policy back
    Restore(PolicyRestoreArgs),
    /// Take a policy out of decisions; its versions stay
    Delete(PolicyDeleteArgs),
    /// Write policy files in one form: order of keys, quotes, line breaks; comments stay, the meaning too
    Fmt {
        /// YAML or JSON, rewritten in place; `-` is the standard input, formatted to the standard output
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Write nothing; name the files that are not in form, with exit code 1
        #[arg(long)]
        check: bool,
    },
    /// Run the cases of test files: a call in, a decision expected; exit code 1 when one fails
    Test(PolicyTestArgs),
    /// List the packs that come with this program, or print the YAML of one
    Packs(PolicyPacksArgs),
    /// Show which recorded calls a draft would have decided otherwise; nothing is applied (exit code 1 when there are any)
    Simulate(SimulateArgs),
    /// List the policies in force
    List,
    /// Print the JSON Schema of the policy language, for editors
    Schema,
}

/// Where policies are read from.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct PolicySources {
    /// YAML or JSON; `-` is the standard input
    pub(crate) files: Vec<PathBuf>,
    /// A pack that comes with this program, or a file of that path; repeat for more
    #[arg(long = "pack", value_name = "NAME")]
    pub(crate) packs: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    #[command(flatten)]
    pub(crate) sources: PolicySources,
    /// As if applied for this environment alone
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Judge by the draft alone, without the other policies of the tenant
    #[arg(long)]
    pub(crate) alone: bool,
    /// From when: 7d, 12h, 90m (ago), a date or an RFC 3339 time
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub(crate) since: Moment,
    /// Until when, written alike
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,
    /// Calls of this agent alone, by name or id
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// Calls to this tool alone
    #[arg(long)]
    pub(crate) tool: Option<String>,
    /// The newest calls, at most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Data directory of a server on this machine: bootstrap.json has its address and a key
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Address of another gateway; the key comes from INTERVEN_API_KEY
    #[arg(long, value_name = "URL", env = "INTERVEN_GATEWAY_URL")]
    pub(crate) server: Option<String>,
    /// Judge in this process: no server, nothing is recorded, the agent has no past
    #[arg(long)]
    pub(crate) local: bool,
    /// With --local: policies in place of the defaults, a file or the name of a pack; repeat for more
    #[arg(long = "pack", value_name = "FILE|NAME", requires = "local")]
    pub(crate) packs: Vec<PathBuf>,
    /// Read one request per line from the standard input, print one answer per line; `id` is echoed, a bad line yields
    /// {"error", "code"}; exit code 0
    #[arg(long, conflicts_with_all = ["method", "url", "body", "headers", "context", "agent_name", "env"])]
    pub(crate) jsonl: bool,
    /// What the agent intends: GET, POST, …
    #[arg(long, required_unless_present = "jsonl")]
    pub(crate) method: Option<String>,
    /// Absolute: https://…, tool://…, mcp://…, shell://exec, file://…
    #[arg(long, required_unless_present = "jsonl")]
    pub(crate) url: Option<String>,
    /// JSON, `@file`, or `-` for the standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<String>,
    /// Outbound header; repeat for more
    #[arg(long = "header", value_name = "NAME:VALUE")]
    pub(crate) headers: Vec<String>,
    /// Excerpt of the conversation
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Who calls; without it, the key's agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent_name: Option<String>,
    /// Environment, where the key may choose
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// Files and directories; none or `-` is the standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read {"id", "text"} or {"id", "body"} per line of the standard input, print {"id", "hits": […]} per line
    #[arg(long, exclusive = true)]
    pub(crate) jsonl: bool,
    /// Print one JSON object per finding: path, line, column, start, end (code points), class, detector, confidence
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out less certain findings
    #[arg(long, value_name = "LEVEL", default_value = "medium", value_parser = confidence(), ignore_case = true)]
    pub(crate) min_confidence: Confidence,
    /// Only this class; repeat for more
    #[arg(long = "class", value_name = "CLASS", value_parser = class(), ignore_case = true, value_delimiter = ',')]
    pub(crate) classes: Vec<DataClass>,
    /// Show the values themselves
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Lines to show before and after each finding
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 0)]
    pub(crate) context: usize,
    /// When to use colours; auto is on a terminal without NO_COLOR
    #[arg(long, alias = "color", value_name = "WHEN", default_value = "auto")]
    pub(crate) colour: ColourChoice,
    /// Look into hidden files too
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Look into files that .gitignore and .ignore leave out
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Exit with 1 when something is shown
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColourChoice {
    Auto,
    Always,
    Never,
}

fn class() -> impl TypedValueParser<Value = DataClass> {
    PossibleValuesParser::new(["secrets", "pii", "phi", "internal"]).try_map(|name| {
        DataClass::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(&name)).ok_or("no class")
    })
}

fn confidence() -> impl TypedValueParser<Value = Confidence> {
    PossibleValuesParser::new(["low", "medium", "high"]).try_map(|name| {
        Confidence::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(&name)).ok_or("no level")
    })
}

#[derive(Debug, Args)]
pub(crate) struct DetectorsArgs {
    #[command(subcommand)]
    pub(crate) what: DetectorsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DetectorsCommand {
    /// List detectors
    List(ListDetectorsArgs),
    /// Show all there is to know about a detector
    Show {
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Show the examples unmasked
        #[arg(long)]
        reveal: bool,
    },
    /// Say whether a detector finds something in a text and, if not, why (exit code 1); without a text, try every example
    Test {
        /// A detector; without it, every one
        id: Option<String>,
        /// `-` is the standard input
        text: Option<String>,
    },
    /// Print docs/detectors.md
    Page,
}

#[derive(Debug, Args)]
pub(crate) struct ListDetectorsArgs {
    #[arg(long = "class", value_name = "CLASS", value_parser = class(), ignore_case = true, value_delimiter = ',')]
    pub(crate) classes: Vec<DataClass>,
    /// Who issues the value; a part of the name will do
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// A part of the id, the summary, the provider or a keyword
    #[arg(long, value_name = "WORD")]
    pub(crate) search: Option<String>,
    /// Print JSON
    #[arg(long)]
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
