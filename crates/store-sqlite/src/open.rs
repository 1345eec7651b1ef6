//! Opening a database file: one server at a time, sound, and of a schema that this build knows.

use crate::{
    SqliteOptions,
    error::OpenError,
    migrate::{self, migrate},
};
use interven_store::SchemaStep;
use interven_types::Timestamp;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long a statement waits for another program, such as a database shell, to end its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Files up to this size are checked whole on every start; the check reads everything.
const CHECKED_BYTES: u64 = 32 * 1024 * 1024;
/// Enough for the pages that a full batch touches, so that none is written before its commit.
const WRITER_CACHE_KIB: i64 = 16 * 1_024;
/// Prepared statements kept per connection: more than this crate has.
const STATEMENTS: usize = 256;

pub(crate) struct Opened {
    pub writer: Connection,
    /// Moves the write-ahead log into the database.
    pub copier: Connection,
    pub readers: Vec<Connection>,
    pub lock: File,
}

pub(crate) fn open(options: &SqliteOptions) -> Result<Opened, OpenError> {
    let path = options.path.as_path();
    let lock = lock(path)?;
    let size = private_file(path).and_then(|file| file.metadata()).map(|about| about.len());
    let size = size.map_err(|error| OpenError::from_io(path.to_owned(), &error))?;
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let mut writer = writing_connection(path).map_err(failed)?;
    if size > 0 && size <= CHECKED_BYTES {
        check(&writer, path)?;
    }
    match options.auto_migrate {
        true => migrate(&mut writer, path, Timestamp::from(SystemTime::now()))?,
        false => migrate::require_current(&writer, path)?,
    }
    let copier = writing_connection(path).map_err(failed)?;
    let readers = (0..options.readers.max(1)).map(|_| reading_connection(path)).collect::<Result<_, _>>();
    Ok(Opened { writer, copier, readers: readers.map_err(failed)?, lock })
}

/// What was applied to the file and what is still to come. Changes nothing, and works beside a running server.
pub(crate) fn schema_steps(path: &Path) -> Result<Vec<SchemaStep>, OpenError> {
    if !path.exists() {
        return Ok(migrate::steps(&BTreeMap::new()));
    }
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let connection = reading_connection(path).map_err(failed)?;
    Ok(migrate::steps(&migrate::applied(&connection).map_err(failed)?))
}

/// A file beside the database, locked as long as this process serves it. A database shell asks for no such lock.
pub(crate) fn lock(path: &Path) -> Result<File, OpenError> {
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let file = private_file(&beside).map_err(|error| OpenError::from_io(path.to_owned(), &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::AlreadyRunning { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(OpenError::from_io(path.to_owned(), &error)),
    }
}

/// Opens or creates a file that only its owner reads: it holds hashes of keys and sealed requests.
pub(crate) fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn writing_connection(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = prepared(Connection::open_with_flags(path, flags)?)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // The write-ahead log is synced on every commit: what was answered survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What undoes a single job is kept in memory, not in a temporary file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(connection)
}

pub(crate) fn reading_connection(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepared(Connection::open_with_flags(path, flags)?)
}

fn prepared(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans depend on the text alone: otherwise SQLite plans again whenever a bound value changes, at a third of the
    // cost of a scan (https://www.sqlite.org/queryplanner-ng.html#qpstab).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

fn check(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let verdict = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(reason) => Err(OpenError::NotADatabase { path: path.to_owned(), reason }),
        Err(error) => Err(OpenError::from_sqlite(path.to_owned(), &error)),
    }
}
