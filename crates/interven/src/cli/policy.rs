//! Arguments of `interven policy`.

use super::ServerArgs;
use crate::moment::Moment;
use clap::{Args, Subcommand};
use interven_types::TraceId;
use std::path::PathBuf;

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
    Schema {
        /// Print every key with its meaning as a page instead: docs/policy-reference.md
        #[arg(long, hide = true)]
        page: bool,
    },
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

/// Which policy.
#[derive(Debug, Args)]
pub(crate) struct WhichPolicy {
    /// Needs neither --env nor --agent where only one policy has the name
    pub(crate) name: String,
    /// The one of this environment
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// The one of this agent, by name
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyApplyArgs {
    #[command(flatten)]
    pub(crate) sources: PolicySources,
    /// For this environment alone
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Only watch: every rule is evaluated and recorded, and changes no decision
    #[arg(long)]
    pub(crate) shadow: bool,
    /// For this agent alone, by name or id: its own policies are asked before those for all
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Refuse when someone else changed it meanwhile: the version that each policy must be at now, 0 for none; NAME=N
    /// says it of one of several, repeat for more
    #[arg(long, value_name = "[NAME=]N")]
    pub(crate) if_version: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyDiffArgs {
    #[command(flatten)]
    pub(crate) sources: PolicySources,
    /// As `apply --env` would put them; the server's other environments are left out
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// As `apply --agent` would put them; the server's policies of others are left out
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyExportArgs {
    /// Those of this environment alone
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Those of this agent alone, by name
    #[arg(long, value_name = "NAME")]
    pub(crate) agent: Option<String>,
    /// Into this file in place of the standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyShowArgs {
    #[command(flatten)]
    pub(crate) which: WhichPolicy,
    /// As it was at this version; without it, as it is
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyRestoreArgs {
    #[command(flatten)]
    pub(crate) which: WhichPolicy,
    /// The version to put in force again
    #[arg(long, value_name = "N")]
    pub(crate) version: u32,
    /// Refuse unless the policy is at this version now; 0: deleted
    #[arg(long, value_name = "N")]
    pub(crate) if_version: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyDeleteArgs {
    #[command(flatten)]
    pub(crate) which: WhichPolicy,
    /// Refuse unless the policy is at this version now
    #[arg(long, value_name = "N")]
    pub(crate) if_version: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyPacksArgs {
    /// `sre`, or any of its names
    pub(crate) name: Option<String>,
    /// Print the pack's cases in place of its policies
    #[arg(long, requires = "name")]
    pub(crate) tests: bool,
    /// Print docs/packs.md
    #[arg(long, conflicts_with = "name")]
    pub(crate) page: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyTestArgs {
    /// `x.tests.yaml`, or the `x.yaml` beside it; the name of a pack runs the cases that come with it
    #[arg(required = true, value_name = "FILE|PACK")]
    pub(crate) suites: Vec<PathBuf>,
    /// Fail when a rule is exercised by no case
    #[arg(long)]
    pub(crate) require_coverage: bool,
    /// Write a report as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
}
