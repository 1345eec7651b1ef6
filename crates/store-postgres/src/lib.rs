//! The backend for many gateways: one PostgreSQL database, version 14 or newer, and any number of processes on it.
//!
//! Tables and columns are those of the embedded backend. What one process changes in the control plane reaches the
//! others by LISTEN/NOTIFY, and by polling where that channel is cut. A write is answered after its COMMIT.
//! See `docs/adr/0006` for why not sqlx, and `docs/postgresql.md` for what an operator types.

mod activity;
mod address;
mod agents;
mod approvals;
mod audit;
mod book;
mod cells;
mod changes;
mod columns;
mod conditions;
mod connections;
mod copy;
mod credentials;
mod data_keys;
mod error;
mod incidents;
mod keys;
mod ledger;
mod listen;
mod migrate;
mod open;
mod partitions;
mod policies;
mod record;
mod recorder;
mod retention;
mod session;
mod tenants;
mod tls;
mod trust;

pub use copy::{CopyError, CopyTarget};
pub use error::OpenError;
pub use recorder::RecorderLoad;

use connections::Pool;
use interven_store::{Backup, BackupStore, Change, SchemaStep, Store, StoreError, StoreResult};
use interven_types::TenantId;
use listen::Listener;
use session::{Session, Tx};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;
use uuid::Uuid;

/// Announcements that a slow subscriber may fall behind before it has to reload everything.
const CHANGES_KEPT: usize = 16_384;

/// Where the database is, and how long to wait for it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=ca.pem`, as libpq reads it.
    pub url: String,
    /// Connections at most, beside the one that listens. 16 by default.
    pub pool_size: usize,
    /// Limit for making one connection. 5 s by default.
    pub connect_timeout: Duration,
    /// Limit that the server sets to one statement. 10 s by default.
    pub statement_timeout: Duration,
    /// Limit for everything that one call does: waiting for a connection, its statements, the commit. 15 s by default.
    pub transaction_timeout: Duration,
    /// Scans that may wait; one more is refused as unavailable. 8,192 by default.
    pub queue_len: usize,
    /// Whether to hear of others' changes by NOTIFY as well as by polling. Off only where that is to be tried out.
    pub listens: bool,
    /// Whether opening brings the schema up to date; without, one that is behind is refused. True by default.
    pub auto_migrate: bool,
}

impl PostgresOptions {
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            pool_size: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(15),
            queue_len: 8_192,
            listens: true,
            auto_migrate: true,
        }
    }
}

impl fmt::Debug for PostgresOptions {
    /// Without the address, which holds the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct PostgresStore(Arc<Inner>);

struct Inner {
    /// Without the password.
    place: String,
    pool: Pool,
    transaction_timeout: Duration,
    queue_len: usize,
    recorder: recorder::Recorder,
    /// Tells this store's announcements from those of others.
    writer: Uuid,
    changes: broadcast::Sender<Change>,
    revisions: changes::SharedRevisions,
    listener: Mutex<Option<Listener>>,
}

impl PostgresStore {
    /// Connects, checks the server, brings the schema up to date and begins to listen.
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        open::open(options).await
    }

    /// The migrations, and when each was applied to the database. Changes nothing.
    pub async fn schema_steps(options: PostgresOptions) -> Result<Vec<SchemaStep>, OpenError> {
        open::schema_steps(&options).await
    }

    /// What has been recorded so far.
    pub fn recorder_load(&self) -> RecorderLoad {
        self.0.recorder.load()
    }

    /// Stops listening and lets go of every connection. A call that runs keeps its own to its end; new ones are refused.
    pub async fn close(&self) {
        let listener = self.0.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(listener) = listener {
            listener.stop().await;
        }
        self.0.pool.close();
    }

    /// A connection for statements that are each a transaction of their own.
    async fn session(&self) -> StoreResult<Session> {
        Session::open(&self.0.pool, self.0.transaction_timeout).await
    }

    /// Begins a transaction that has locked the tenant's counters: writers of one tenant follow one another, which also
    /// is the order of locks that keeps them from deadlocks. An unknown tenant is `NotFound`.
    async fn begin(&self, tenant: TenantId) -> StoreResult<Tx> {
        Tx::begin(self.0.clone(), Some(tenant)).await
    }

    /// Begins a transaction that is no tenant's.
    async fn begin_unlocked(&self) -> StoreResult<Tx> {
        Tx::begin(self.0.clone(), None).await
    }
}

impl Store for PostgresStore {
    fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    fn backend(&self) -> &'static str {
        "postgres"
    }
}

#[async_trait::async_trait]
impl BackupStore for PostgresStore {
    async fn backup(&self) -> StoreResult<Backup> {
        Err(StoreError::Conflict("PostgreSQL is backed up with `pg_dump`: see docs/backup.md".to_owned()))
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.0.place).finish()
    }
}
