//! The embedded backend: one SQLite file, one writer with group commit, a few readers.
//!
//! Write-ahead log, `synchronous=FULL`: a write is answered once it is on the disk. One server owns the file (a lock
//! file beside it); a database shell may still read and write it, and what it writes is noticed.
//! See `docs/adr/0002` for why not an asynchronous driver.

mod activity;
mod agents;
mod approvals;
mod audit;
mod backup;
mod budgets;
mod checkpoint;
mod copy;
mod credentials;
mod data_keys;
mod error;
mod incidents;
mod keys;
mod ledger;
mod load;
mod migrate;
mod open;
mod place;
mod policies;
mod readers;
mod retention;
mod scans;
mod sql;
mod tenants;
mod trust;
mod writer;

pub use backup::Inspected;
pub use copy::CopySource;
pub use error::OpenError;
pub use ledger::StoredLog;
pub use load::WriterLoad;

use interven_store::{Change, SchemaStep, Store, StoreResult};
use load::Meter;
use readers::Readers;
use rusqlite::Connection;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::broadcast;
use writer::{Tx, Writer};

/// Announcements that a slow subscriber may fall behind before it has to reload everything.
const CHANGES_KEPT: usize = 16_384;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Created when absent; its directory must exist.
    pub path: PathBuf,
    /// Writes that may wait; one more is refused as unavailable. 8,192 by default.
    pub queue_len: usize,
    /// Writes that share one commit at most. 1,024 by default.
    pub max_batch: usize,
    /// Reads that run at the same time. 4 by default.
    pub readers: usize,
    /// Whether opening brings the schema up to date; without, one that is behind is refused. True by default.
    pub auto_migrate: bool,
}

impl SqliteOptions {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), queue_len: 8_192, max_batch: 1_024, readers: 4, auto_migrate: true }
    }
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct SqliteStore(Arc<Inner>);

struct Inner {
    options: SqliteOptions,
    writer: Writer,
    readers: Readers,
    changes: broadcast::Sender<Change>,
    meter: Arc<Meter>,
}

impl SqliteStore {
    /// Creates or opens the file, checks it and brings its schema up to date.
    pub async fn open(options: SqliteOptions) -> Result<Self, OpenError> {
        let path = options.path.clone();
        let opening = tokio::task::spawn_blocking(move || Self::open_blocking(options));
        opening.await.unwrap_or_else(|error| Err(OpenError::Other { path, reason: error.to_string() }))
    }

    fn open_blocking(options: SqliteOptions) -> Result<Self, OpenError> {
        let opened = open::open(&options)?;
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        let meter = Arc::new(Meter::default());
        let writer = Writer::start(
            opened.writer,
            opened.copier,
            opened.lock,
            &options,
            changes.clone(),
            meter.clone(),
        )
        .map_err(|error| OpenError::Other { path: options.path.clone(), reason: error.to_string() })?;
        let readers = Readers::new(opened.readers);
        Ok(Self(Arc::new(Inner { options, writer, readers, changes, meter })))
    }

    /// The migrations, and when each was applied to the file. Changes nothing, and works beside a running server.
    pub async fn schema_steps(path: &Path) -> Result<Vec<SchemaStep>, OpenError> {
        let (file, path) = (path.to_owned(), path.to_owned());
        let reading = tokio::task::spawn_blocking(move || open::schema_steps(&file));
        reading.await.unwrap_or_else(|error| Err(OpenError::Other { path, reason: error.to_string() }))
    }

    /// The database's file.
    pub(crate) fn path(&self) -> &Path {
        &self.0.options.path
    }

    /// What the writer has done so far.
    pub fn writer_load(&self) -> WriterLoad {
        self.0.meter.read()
    }

    /// Finishes what waits, moves the write-ahead log into the database and lets go of the file.
    pub async fn close(&self) {
        self.0.readers.close(self.0.options.readers.max(1)).await;
        if let Some(thread) = self.0.writer.stop()
            && let Ok(Err(_)) = tokio::task::spawn_blocking(move || thread.join()).await
        {
            tracing::error!("the writer ended in a panic");
        }
    }

    /// Runs `work` in the writer's transaction; returns once it is durable.
    async fn write<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
    {
        self.0.writer.run(work).await
    }

    async fn read<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    {
        self.0.readers.run(work).await
    }
}

impl Store for SqliteStore {
    fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    fn backend(&self) -> &'static str {
        "sqlite"
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteStore").field(&self.0.options.path).finish()
    }
}
