//! The arguments that every measurement of the whole program takes.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::process::program_beside_this_one;

/// What is measured, and on which disk.
#[derive(Debug, clap::Args)]
pub struct Subject {
    /// The program; by default the one that was built with this
    #[arg(long)]
    interven: Option<PathBuf>,
    /// Where databases are made; the disk matters
    #[arg(long, default_value = ".")]
    directory: PathBuf,
}

impl Subject {
    /// # Errors
    /// When none was named, and none was built with this.
    pub fn program(&self) -> anyhow::Result<PathBuf> {
        match &self.interven {
            Some(path) => Ok(path.clone()),
            None => program_beside_this_one("interven"),
        }
    }

    /// An empty directory, removed at the end.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn scratch(&self) -> anyhow::Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(&self.directory)?)
    }
}
