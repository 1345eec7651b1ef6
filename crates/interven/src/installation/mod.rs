//! The data directory: what `serve` leaves there and the other commands read.

mod bootstrap;
mod private_file;

pub(crate) use bootstrap::Bootstrap;
pub(crate) use private_file::{create_private_dir, read_file, write_private};

use std::path::{Path, PathBuf};

/// Paths inside one data directory.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

impl DataDir {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn bootstrap(&self) -> PathBuf {
        self.0.join("bootstrap.json")
    }

    pub(crate) fn admin_token(&self) -> PathBuf {
        self.0.join("admin.token")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.0.join("secrets.json")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("interven.db")
    }
}
