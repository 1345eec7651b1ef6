//! A copy of a whole store.

use crate::StoreResult;
use async_trait::async_trait;
use std::path::{Path, PathBuf};

/// A file that holds the whole store as it was at one moment. It is removed when this is dropped.
#[derive(Debug)]
pub struct Backup(PathBuf);

impl Backup {
    /// The file must be there for nobody else.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // One that is not there any more needs no removal.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[async_trait]
pub trait BackupStore: Send + Sync {
    /// Copies what is committed when it begins; reads and writes go on. A conflict where the store has tools of its own for it.
    async fn backup(&self) -> StoreResult<Backup>;
}
