//! Arguments of the commands that read the record and decide what waits.

use super::ServerArgs;
use clap::{Args, Subcommand, ValueEnum};
use interven_types::{AgentId, ApprovalId, Timestamp, TraceId};
use std::path::PathBuf;

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
    /// Write the record for another system, oldest first
    Export(ExportArgs),
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
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[arg(long)]
    pub(crate) format: ExportFormatName,
    /// Into a new file that only you can read; otherwise to the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Go on after this position; without one, after the last whole row of FILE
    #[arg(long, value_name = "POSITION", num_args = 0..=1)]
    pub(crate) resume: Option<Option<u64>>,
    #[command(flatten)]
    pub(crate) filter: FilterArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ExportFormatName {
    /// One document
    Json,
    /// One row in each line
    Ndjson,
    /// With a head line, safe to open in a spreadsheet
    Csv,
    /// Events for Splunk's HTTP Event Collector
    Splunk,
    /// Logs for Datadog
    Datadog,
    /// Events of the Open Cybersecurity Schema Framework
    Ocsf,
    /// Common Event Format
    Cef,
}

impl ExportFormatName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Splunk => "splunk",
            Self::Datadog => "datadog",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }
}

/// Which scans; all that is given must hold.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
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
