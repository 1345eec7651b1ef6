//! Whether what is written is still where it will be looked for.
//!
//! A file that was removed while it is open takes everything that is written to it, and keeps nothing of it: no write fails.

use interven_store::{StoreError, StoreResult};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The database and its write-ahead log, by their names and what they led to at first.
pub(crate) struct Place {
    files: [(PathBuf, Option<FileId>); 2],
}

type FileId = (u64, u64);

impl Place {
    pub(crate) fn of(path: &Path) -> Self {
        let log = PathBuf::from(format!("{}-wal", path.display()));
        Self { files: [path.to_owned(), log].map(|path| (path, None)) }
    }

    /// To be asked after a commit: then both files exist.
    pub(crate) fn check(&mut self) -> StoreResult<()> {
        for (path, known) in &mut self.files {
            let gone = |why: &str| {
                let path = path.display();
                let todo = "what is written now is lost: stop the server, put the file back, and start again";
                StoreError::Unavailable(format!("`{path}` {why} while it is in use; {todo}"))
            };
            let found = file_id(path).map_err(|error| gone(&format!("cannot be seen any more ({error})")))?;
            if *known.get_or_insert(found) != found {
                return Err(gone("was replaced"));
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn file_id(path: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|about| (about.dev(), about.ino()))
}

/// Where an open file cannot be removed.
#[cfg(not(unix))]
fn file_id(path: &Path) -> io::Result<FileId> {
    fs::metadata(path).map(|_| (0, 0))
}
