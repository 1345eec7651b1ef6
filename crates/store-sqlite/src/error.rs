//! What SQLite reports, told as what a caller or an operator can act on.

use interven_store::StoreError;
use rusqlite::ErrorCode;
use std::{io, path::PathBuf};

/// Why a database could not be opened. Each is one line that names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("`{path}` cannot be written: {reason}; check that its directory exists and belongs to this user")]
    NotWritable { path: PathBuf, reason: String },
    #[error("`{path}` is not there")]
    Missing { path: PathBuf },
    #[error("`{path}` is damaged or no database ({reason}); move it away or restore a backup")]
    NotADatabase { path: PathBuf, reason: String },
    #[error(
        "`{path}` was written by a newer version (schema {found}, this one knows {known}); start that version"
    )]
    NewerVersion { path: PathBuf, found: i64, known: i64 },
    #[error("`{path}` is of schema {found} and this version needs {known}; run `interven migrate up`")]
    Behind { path: PathBuf, found: i64, known: i64 },
    #[error("`{path}` was made by another build: migration {version} (`{name}`) differs; start that build")]
    ChangedMigration { path: PathBuf, version: i64, name: String },
    #[error("`{path}` is in use by another running instance; stop it first")]
    AlreadyRunning { path: PathBuf },
    #[error("the disk that holds `{path}` is full; make room and start again")]
    DiskFull { path: PathBuf },
    #[error("`{path}` is held by another program; end its transaction and start again")]
    Busy { path: PathBuf },
    #[error("`{path}` cannot be opened: {reason}")]
    Other { path: PathBuf, reason: String },
}

impl OpenError {
    pub(crate) fn from_io(path: PathBuf, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::NotWritable { path, reason: error.to_string() },
        }
    }

    pub(crate) fn from_sqlite(path: PathBuf, error: &rusqlite::Error) -> Self {
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::NotADatabase { path, reason },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, reason }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Other { path, reason },
        }
    }
}

/// A broken constraint is a conflict; a damaged file is corruption; everything else means nothing was written.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::Conflict(format!("already taken: {error}")),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
