//! A copy of the database at one moment, made while others read and write; and the check of such a copy.

use crate::{SqliteStore, data_keys::key_row, error::OpenError, migrate, open, sql::Sql as _};
use async_trait::async_trait;
use interven_store::{Backup, BackupStore, DataKeyRow, StoreError, StoreResult};
use rusqlite::{Connection, OpenFlags, backup::Backup as Copy};
use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Pages copied in one step: 4 MiB.
const STEP_PAGES: i32 = 1_024;
/// Between two steps, so that the disk is there for those who write.
const PAUSE: Duration = Duration::from_millis(2);

/// What a copy holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub tenants: u64,
    pub scans: u64,
    /// What the master key must open.
    pub data_keys: Vec<DataKeyRow>,
}

#[async_trait]
impl BackupStore for SqliteStore {
    async fn backup(&self) -> StoreResult<Backup> {
        let from = self.path().to_owned();
        let made = Backup::new(beside(&from));
        let copying = tokio::task::spawn_blocking(move || copy(&from, made.path()).map(|()| made));
        let copied = copying.await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        copied.map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

impl SqliteStore {
    /// Takes the lock that a server holds: while it is held, the files may be replaced.
    pub fn lock(path: &Path) -> Result<File, OpenError> {
        open::lock(path)
    }

    /// Copies a database, as committed when it begins, into a new file; whoever serves it goes on.
    pub fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
        copy(from, to)
    }

    /// Checks a database whole: every page, every index, and that this build knows its schema. Changes nothing.
    pub fn inspect(path: &Path) -> Result<Inspected, OpenError> {
        let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
        let unreadable = |reason: String| OpenError::NotADatabase { path: path.to_owned(), reason };
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(failed)?;
        let verdict: String =
            db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(failed)?;
        if verdict != "ok" {
            return Err(unreadable(verdict));
        }
        if migrate::version(&db, path)? == 0 {
            return Err(unreadable("it has no tables of Interven".to_owned()));
        }
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            db.query_row(&sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs).map_err(failed)
        };
        let data_keys = match db.table_exists(None, "data_keys").map_err(failed)? {
            true => db.rows("SELECT * FROM data_keys ORDER BY number", [], key_row),
            false => Ok(Vec::new()),
        };
        Ok(Inspected {
            tenants: count("tenants")?,
            scans: count("activity_log")?,
            data_keys: data_keys.map_err(|error| unreadable(error.to_string()))?,
        })
    }
}

/// Copies what is committed when it begins. The open read keeps that moment for all steps: without it, a copy would begin
/// anew whenever somebody writes.
fn copy(from: &Path, to: &Path) -> Result<(), OpenError> {
    let of = |path: &Path| {
        let path = path.to_owned();
        move |error: rusqlite::Error| OpenError::from_sqlite(path, &error)
    };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(of(from))?;
    let moment = source.unchecked_transaction().map_err(of(from))?;
    moment.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(of(from))?;
    let file = open::private_file(to).map_err(|error| OpenError::from_io(to.to_owned(), &error))?;
    let mut target = Connection::open(to).map_err(of(to))?;
    Copy::new(&source, &mut target)
        .and_then(|copy| copy.run_to_completion(STEP_PAGES, PAUSE, None))
        .map_err(of(to))?;
    // One file, that may be moved as it is.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(of(to))?;
    target.close().map_err(|(_, error)| of(to)(error))?;
    drop(moment);
    file.sync_all().map_err(|error| OpenError::from_io(to.to_owned(), &error))
}

/// A name beside the database for a copy of it.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let nanos = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    PathBuf::from(format!("{}.backup-{}-{nanos}", path.display(), std::process::id()))
}
