//! Arguments of the policy verbs that speak to a server.

use super::PolicySources;
use clap::Args;
use std::path::PathBuf;

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
