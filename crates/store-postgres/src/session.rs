//! Connections at work: single statements, and transactions that announce what they changed.

use crate::{
    Inner,
    cells::Cells,
    changes::Announcement,
    connections::{Connection, Connections, Pool},
    error::{pool_error, store_error, unavailable},
};
use deadpool::managed::Object;
use interven_store::{Change, StoreError, StoreResult};
use interven_types::TenantId;
use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    mem,
    ops::Deref,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use uuid::Uuid;

pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// One connection of the pool for the time of one call. Every statement is prepared once per connection.
pub(crate) struct Session {
    client: Object<Connections>,
    deadline: Instant,
    /// A statement of this session has failed: its transaction can only be rolled back.
    has_failed: AtomicBool,
}

impl Session {
    /// Waiting for the connection counts towards the limit.
    pub(crate) async fn open(pool: &Pool, limit: Duration) -> StoreResult<Self> {
        let deadline = Instant::now() + limit;
        let client = timeout_at(deadline, pool.get()).await;
        let client =
            client.map_err(|_| unavailable("no connection became free in time"))?.map_err(pool_error)?;
        Ok(Self { client, deadline, has_failed: AtomicBool::new(false) })
    }

    /// The connection itself, for several statements on their way at once; wait for them with [`Session::run`].
    pub(crate) fn client(&self) -> &Connection {
        &self.client
    }

    /// Waits for the server, up to the limit of this session. A failure is remembered: the transaction is lost.
    pub(crate) async fn run<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> StoreResult<T> {
        let answered = match timeout_at(self.deadline, answer).await {
            Ok(Err(error)) => {
                if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    // Another server is the primary by now; a new connection finds it.
                    self.client.give_up();
                }
                Err(store_error(error))
            }
            Ok(answer) => answer.map_err(store_error),
            Err(_) => {
                self.client.give_up();
                Err(unavailable("PostgreSQL did not answer in time"))
            }
        };
        if answered.is_err() {
            self.has_failed.store(true, Relaxed);
        }
        answered
    }

    pub(crate) async fn rows<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        mut read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>> {
        let answer = async {
            let statement = self.client.prepare_cached(sql).await?;
            self.client.query(&statement, params).await
        };
        self.run(answer).await?.iter().map(|row| read(&Cells(row))).collect()
    }

    /// The first row, if there is one.
    pub(crate) async fn row<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Option<T>> {
        Ok(self.rows(sql, params, read).await?.into_iter().next())
    }

    /// As [`Session::rows`], for statements of many forms: planned for these values, and not kept.
    pub(crate) async fn rows_once<T>(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        mut read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
    ) -> StoreResult<Vec<T>> {
        self.run(self.client.query_typed(sql, params)).await?.iter().map(|row| read(&Cells(row))).collect()
    }

    /// Runs a change; returns how many rows it touched.
    pub(crate) async fn change(&self, sql: &str, params: Params<'_>) -> StoreResult<u64> {
        let answer = async {
            let statement = self.client.prepare_cached(sql).await?;
            self.client.execute(&statement, params).await
        };
        self.run(answer).await
    }
}

/// A statement that is sent when it is first polled.
pub(crate) type Sent<'a, T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send + 'a>>;

/// Polls all at once, each first in its turn: statements are sent in this order, and none waits for the answer to another.
/// The first failure ends it.
pub(crate) async fn all_at_once<T>(futures: Vec<Sent<'_, T>>) -> Result<Vec<T>, tokio_postgres::Error> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (future, None)).collect();
    poll_fn(|context| {
        for (future, answer) in waiting.iter_mut().filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *answer = Some(ready?);
            }
        }
        match waiting.iter().all(|(_, answer)| answer.is_some()) {
            true => Poll::Ready(Ok(waiting.iter_mut().filter_map(|(_, answer)| answer.take()).collect())),
            false => Poll::Pending,
        }
    })
    .await
}

/// Locks the row that every writer of the tenant locks first.
pub(crate) const LOCK_TENANT: &str = "SELECT 1 FROM tenant_counters WHERE tenant_id = $1 FOR NO KEY UPDATE";

/// An open transaction. Dropped before [`Tx::commit`], it leaves no trace.
#[must_use = "what is not committed is rolled back"]
pub(crate) struct Tx {
    session: Session,
    store: Arc<Inner>,
    changes: Vec<Change>,
    /// Which the commit would make true.
    revisions: BTreeMap<Uuid, i64>,
    is_open: bool,
}

impl Tx {
    pub(crate) async fn begin(store: Arc<Inner>, tenant: Option<TenantId>) -> StoreResult<Self> {
        let tx = Self::open(store).await?;
        tx.run(tx.client().batch_execute("BEGIN")).await?;
        if let Some(tenant) = tenant {
            let known = tx.change(LOCK_TENANT, &[&tenant.0]).await?;
            if known == 0 {
                return Err(StoreError::NotFound("tenant"));
            }
        }
        Ok(tx)
    }

    /// A transaction whose BEGIN is up to the caller, to be sent with what follows it.
    pub(crate) async fn open(store: Arc<Inner>) -> StoreResult<Self> {
        let session = Session::open(&store.pool, store.transaction_timeout).await?;
        Ok(Self { session, store, changes: Vec::new(), revisions: BTreeMap::new(), is_open: true })
    }

    /// The caller has sent the COMMIT itself, and it was answered. Tells the subscribers of this process alone.
    pub(crate) fn close(mut self, changes: impl IntoIterator<Item = Change>) {
        self.is_open = false;
        changes.into_iter().for_each(|change| self.store.tell(change));
    }

    /// Tells subscribers of this and of every other process, once and only if the transaction is committed.
    pub(crate) fn announce(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Returns once the transaction is durable.
    pub(crate) async fn commit(mut self) -> StoreResult<()> {
        if self.session.has_failed.load(Relaxed) {
            // PostgreSQL would answer COMMIT with a rollback, and no error.
            return Err(unavailable("a statement of the transaction failed"));
        }
        let changes = mem::take(&mut self.changes);
        self.revisions = self.notify(&changes).await?;
        // The rows of the counters are locked: until the commit nobody else sees these revisions.
        self.store.revisions.lock().hear(&self.revisions);
        self.run(self.client().batch_execute("COMMIT")).await?;
        self.is_open = false;
        changes.into_iter().for_each(|change| self.store.tell(change));
        Ok(())
    }

    /// Counts the changes in their tenants' revisions and sends the notifications, which leave with the commit.
    async fn notify(&self, changes: &[Change]) -> StoreResult<BTreeMap<Uuid, i64>> {
        let announcements: Vec<_> = changes.iter().filter_map(|change| Announcement::of(*change)).collect();
        if announcements.is_empty() {
            return Ok(BTreeMap::new());
        }
        let tenants: Vec<Uuid> = announcements.iter().map(|announcement| announcement.tenant.0).collect();
        let revisions = self
            .rows(
                "UPDATE tenant_counters SET revision = revision + 1 WHERE tenant_id = ANY($1)
                 RETURNING tenant_id, revision",
                &[&tenants],
                |row| Ok((row.uuid("tenant_id")?, row.number("revision")?)),
            )
            .await?;
        let revisions: BTreeMap<Uuid, i64> = revisions.into_iter().collect();
        let payloads: Vec<String> = announcements
            .iter()
            .map(|announcement| {
                let revision = revisions.get(&announcement.tenant.0).copied().unwrap_or_default();
                announcement.payload(revision, self.store.writer)
            })
            .collect();
        self.rows(
            "SELECT pg_notify('interven', payload) FROM unnest($1::text[]) AS payload",
            &[&payloads],
            |_| Ok(()),
        )
        .await?;
        Ok(revisions)
    }
}

impl Deref for Tx {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}

impl Drop for Tx {
    /// Sends ROLLBACK without waiting for its answer: whoever uses the connection next is behind it.
    fn drop(&mut self) {
        if self.is_open {
            self.store.revisions.lock().forget(self.revisions.keys());
            let rollback = pin!(self.session.client.batch_execute("ROLLBACK"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}
