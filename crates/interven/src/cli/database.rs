//! Arguments of the commands that work on a database itself.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// List the versions of the schema and when each was applied; changes nothing
    Status(DatabaseArgs),
    /// Apply what is missing; services on PostgreSQL may be running
    Up(DatabaseArgs),
}

/// Which database: that of a service started with the same.
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// Where `serve` keeps its database when DATABASE_URL names none
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Settings, for its database_url; DATABASE_URL wins
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
