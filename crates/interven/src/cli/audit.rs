//! Arguments of `interven audit`.

use super::ServerArgs;
use clap::{Args, Subcommand};
use interven_types::TraceId;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(subcommand)]
    pub(crate) what: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Find what was changed, removed, inserted, reordered or cut off (exit code 1), by position
    Verify(VerifyArgs),
    /// Print a proof that a scan is in the log; `verify --proof` checks it anywhere
    Prove { trace: TraceId },
    /// Write both logs into a directory, as tiles that `verify --dir` and other tools check
    Export {
        /// Made when absent; must be empty
        dir: PathBuf,
    },
    /// Print the newest checkpoints, or hand them to where this server's owner cannot change them
    Witness(WitnessArgs),
    /// Print the keys that checkpoints are checked with; keep them outside
    Key,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Look at events of the activity log from this position on
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) from: Option<u64>,
    /// Look at events of the activity log up to this position
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) to: Option<u64>,
    /// Checkpoints that were kept elsewhere, as `witness` writes them; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// A key that was kept elsewhere, or a file of them as `key` prints them; may be repeated
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) key: Vec<String>,
    /// Verify an exported directory, without a server
    #[arg(long, value_name = "DIR", conflicts_with = "proof")]
    pub(crate) dir: Option<PathBuf>,
    /// Verify a proof that `prove` printed, without a server
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["from", "to", "checkpoint"])]
    pub(crate) proof: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct WitnessArgs {
    /// Append them to this file, which must agree with them
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// POST each to this address (plain http)
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Append them to `interven.checkpoints` in this Git repository and commit; pushing is yours
    #[arg(long, value_name = "DIR")]
    pub(crate) git: Option<PathBuf>,
}
