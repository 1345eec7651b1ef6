//! The one writer: recorded before answered.
//!
//! A thread owns the only connection that writes. It takes every job that waits, runs them in one transaction, commits
//! once, and only then answers. While the disk syncs one batch the next one gathers, so a busy store pays one
//! sync for many jobs, and an idle store makes nobody wait.

use crate::{
    SqliteOptions,
    checkpoint::{CHECKPOINT_PAGES, Checkpoints},
    error::store_error,
    load::Meter,
    place::Place,
};
use interven_store::{Change, StoreError, StoreResult};
use rusqlite::Connection;
use std::{
    fs::File,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, oneshot};

/// How often the writer looks whether another process wrote.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// What a job sees: the connection inside its transaction, and a place to say what it changed.
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    changes: Vec<Change>,
}

impl Tx<'_> {
    /// Tells subscribers, once and only if the job is committed.
    pub(crate) fn announce(&mut self, change: Change) {
        self.changes.push(change);
    }
}

impl Deref for Tx<'_> {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// A job that waits for the writer. It is given the connection inside a transaction, or why there is none.
type Job = Box<dyn FnOnce(StoreResult<&Connection>) -> Held + Send>;

/// A job that has run. Its result is held back until the fate of the transaction is known.
struct Held {
    /// Empty when the job failed.
    changes: Vec<Change>,
    answer: Box<dyn FnOnce(StoreResult<()>)>,
}

/// The way to the writer thread. Dropping it lets the thread finish what waits and end.
pub(crate) struct Writer {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It holds `lock` as long as it may write. `copier` moves the write-ahead log into the database.
    pub(crate) fn start(
        mut connection: Connection,
        copier: Connection,
        lock: File,
        options: &SqliteOptions,
        changes: broadcast::Sender<Change>,
        meter: Arc<Meter>,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(options.queue_len.max(1));
        let checkpoints = Checkpoints::start(&mut connection, copier, CHECKPOINT_PAGES)?;
        let mut desk = Desk {
            connection,
            checkpoints,
            place: Place::of(&options.path),
            changes,
            meter,
            max_batch: options.max_batch.max(1),
            seen_version: None,
        };
        let work = move || {
            desk.work(&queue);
            drop(desk);
            drop(lock);
        };
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(work)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` in a transaction; returns once it is durable. A full queue is an error at once.
    pub(crate) async fn run<T, F>(&self, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> StoreResult<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.submit(Box::new(move |connection| {
            let (result, changes) = match connection.and_then(|connection| run_alone(connection, work)) {
                Ok((value, changes)) => (Ok(value), changes),
                Err(error) => (Err(error), Vec::new()),
            };
            // Nobody listens when the caller gave up; the record stands all the same.
            let answer = Box::new(move |committed: StoreResult<()>| _ = reply.send(committed.and(result)));
            Held { changes, answer }
        }))?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer has stopped")))
    }

    fn submit(&self, job: Job) -> StoreResult<()> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs = jobs.as_ref().ok_or_else(|| unavailable("it is closed"))?;
        jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => unavailable("too many writes wait"),
            TrySendError::Disconnected(_) => unavailable("the writer has stopped"),
        })
    }

    /// Takes no more jobs; the thread finishes those that wait. Returns it, to be joined where blocking is allowed.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs one job in a savepoint, so that its failure leaves no trace and harms no other job. A job that panics fails.
fn run_alone<T>(
    connection: &Connection,
    work: impl FnOnce(&mut Tx<'_>) -> StoreResult<T>,
) -> StoreResult<(T, Vec<Change>)> {
    if connection.is_autocommit() {
        // A full disk can make SQLite roll back the whole batch; outside of it a savepoint would commit by itself.
        return Err(unavailable("the transaction was rolled back"));
    }
    run(connection, "SAVEPOINT job")?;
    let mut tx = Tx { connection, changes: Vec::new() };
    let result = catch_unwind(AssertUnwindSafe(|| work(&mut tx)))
        .unwrap_or_else(|_| Err(unavailable("a step of the write failed unexpectedly")))
        .and_then(|value| run(connection, "RELEASE job").map(|()| value));
    if result.is_err() && !connection.is_autocommit() {
        run(connection, "ROLLBACK TO job").and_then(|()| run(connection, "RELEASE job"))?;
    }
    result.map(|value| (value, tx.changes))
}

/// The thread's own state.
struct Desk {
    connection: Connection,
    checkpoints: Checkpoints,
    place: Place,
    changes: broadcast::Sender<Change>,
    meter: Arc<Meter>,
    max_batch: usize,
    seen_version: Option<i64>,
}

impl Desk {
    fn work(&mut self, queue: &Receiver<Job>) {
        let mut next_watch = Instant::now();
        loop {
            match queue.recv_timeout(next_watch.saturating_duration_since(Instant::now())) {
                Ok(first) => self.settle(first, queue),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.leave(),
            }
            if Instant::now() >= next_watch {
                self.notice_other_writers();
                next_watch = Instant::now() + WATCH_EVERY;
            }
        }
    }

    /// One batch: `first` and everything that waits behind it.
    fn settle(&mut self, first: Job, queue: &Receiver<Job>) {
        let begun = run(&self.connection, "BEGIN IMMEDIATE");
        let batch: Vec<Job> = std::iter::once(first).chain(queue.try_iter()).take(self.max_batch).collect();
        let began = Instant::now();
        let held: Vec<Held> =
            batch.into_iter().map(|job| job(begun.clone().map(|()| &self.connection))).collect();
        let ran = Instant::now();
        let committed = begun.and_then(|()| run(&self.connection, "COMMIT")).map_err(nothing_written);
        let committed = committed.and_then(|()| self.place.check());
        self.meter.add(held.len(), ran - began, ran.elapsed());
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = held.len(), "writes failed together: none of them is answered as done");
            self.abandon();
        }
        for job in held {
            // Announced first, so that whoever acts on the answer finds the announcement made.
            if committed.is_ok() {
                job.changes.into_iter().for_each(|change| self.announce(change));
            }
            (job.answer)(committed.clone());
        }
        self.checkpoints.tend(&self.connection);
    }

    fn announce(&self, change: Change) {
        // Without subscribers there is nobody to tell.
        let _ = self.changes.send(change);
    }

    /// Leaves no transaction open behind a failed commit.
    fn abandon(&self) {
        if !self.connection.is_autocommit() {
            run(&self.connection, "ROLLBACK")
                .unwrap_or_else(|error| tracing::error!(%error, "a failed commit could not be rolled back"));
        }
    }

    /// `PRAGMA data_version` changes only when another connection commits, and no other of this process does.
    fn notice_other_writers(&mut self) {
        let version = self
            .connection
            .prepare_cached("PRAGMA data_version")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)));
        match version {
            Ok(version) => {
                if self.seen_version.replace(version).is_some_and(|seen| seen != version) {
                    self.announce(Change::Everything);
                }
            }
            Err(error) => tracing::warn!(%error, "cannot tell whether another process wrote"),
        }
    }

    /// Moves what the write-ahead log holds into the database, so that a copied file is whole.
    fn leave(&self) {
        let checkpoint = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        checkpoint.unwrap_or_else(|error| tracing::warn!(%error, "the last checkpoint failed"));
    }
}

fn run(connection: &Connection, sql: &str) -> StoreResult<()> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map_err(store_error)?;
    Ok(())
}

/// Whatever kept a batch from its commit, to each of its jobs it means the same.
fn nothing_written(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(_) => error,
        other => StoreError::Unavailable(other.to_string()),
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Sql;
    use std::{collections::BTreeSet, sync::mpsc};

    /// A writer on a file of its own, with a table of notes and a rule that can be broken at commit.
    struct Bench {
        directory: tempfile::TempDir,
        writer: Arc<Writer>,
        changes: broadcast::Receiver<Change>,
    }

    impl Bench {
        fn new(extra: &str) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("notes.db");
            let connection = Connection::open(&path).unwrap();
            let schema = "PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;
                CREATE TABLE notes (id INTEGER PRIMARY KEY, body BLOB);
                CREATE TABLE replies (note INTEGER REFERENCES notes (id) DEFERRABLE INITIALLY DEFERRED);";
            connection.execute_batch(&format!("{schema}{extra}")).unwrap();
            let (sender, changes) = broadcast::channel(64);
            let lock = File::create(directory.path().join("lock")).unwrap();
            let copier = Connection::open(&path).unwrap();
            let options = SqliteOptions::new(path);
            let writer = Writer::start(connection, copier, lock, &options, sender, Arc::default()).unwrap();
            Self { directory, writer: Arc::new(writer), changes }
        }

        fn stored(&self) -> BTreeSet<i64> {
            let reader = Connection::open(self.directory.path().join("notes.db")).unwrap();
            reader.rows("SELECT id FROM notes", [], |row| row.number("id")).unwrap().into_iter().collect()
        }

        /// Holds the writer inside a job, so that what is sent meanwhile waits. Returns what lets it go.
        async fn hold(&self) -> (mpsc::Sender<()>, tokio::task::JoinHandle<StoreResult<()>>) {
            let (release, released) = mpsc::channel();
            let (tell, held) = oneshot::channel();
            let writer = self.writer.clone();
            let job = move |_: &mut Tx<'_>| {
                tell.send(()).unwrap();
                released.recv().unwrap();
                Ok(())
            };
            let running = tokio::spawn(async move { writer.run(job).await });
            held.await.unwrap();
            (release, running)
        }
    }

    fn note(tx: &mut Tx<'_>, id: i64, bytes: usize) -> StoreResult<()> {
        tx.change("INSERT INTO notes (id, body) VALUES (?1, zeroblob(?2))", (id, bytes as i64))?;
        tx.announce(Change::Everything);
        Ok(())
    }

    #[tokio::test]
    async fn a_failed_commit_fails_every_job_of_its_batch() {
        let mut bench = Bench::new("");
        let (release, holding) = bench.hold().await;
        let good = bench.writer.run(|tx| note(tx, 1, 10));
        let bad = bench.writer.run(|tx| tx.change("INSERT INTO replies (note) VALUES (404)", []).map(drop));
        let sent = async {
            // Both have been sent once they are polled; only then is the writer let go.
            tokio::task::yield_now().await;
            release.send(()).unwrap();
        };
        let (good, bad, ()) = tokio::join!(good, bad, sent);
        holding.await.unwrap().unwrap();
        for result in [good, bad] {
            assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
        }
        assert_eq!(bench.stored(), BTreeSet::new());
        assert!(bench.changes.try_recv().is_err(), "what was not written is not announced");

        bench.writer.run(|tx| note(tx, 2, 10)).await.unwrap();
        assert_eq!(bench.stored(), BTreeSet::from([2]));
        assert_eq!(bench.changes.try_recv(), Ok(Change::Everything));
    }

    #[tokio::test]
    async fn on_a_full_disk_only_what_is_answered_is_stored() {
        let bench = Bench::new("PRAGMA max_page_count = 60;");
        let (release, holding) = bench.hold().await;
        let mut running = tokio::task::JoinSet::new();
        for id in 0..40_i64 {
            let writer = bench.writer.clone();
            // Small ones fit between the large ones that do not.
            let bytes = if id % 3 == 0 { 40_000 } else { 100 };
            running.spawn(async move { (id, writer.run(move |tx| note(tx, id, bytes)).await.is_ok()) });
        }
        tokio::task::yield_now().await;
        release.send(()).unwrap();
        holding.await.unwrap().unwrap();
        let results = running.join_all().await;
        assert!(results.iter().any(|(_, is_answered)| !is_answered), "the disk was full");
        let answered =
            results.into_iter().filter_map(|(id, is_answered)| is_answered.then_some(id)).collect();
        assert_eq!(bench.stored(), answered);
    }

    #[tokio::test]
    async fn stopping_finishes_what_waits_and_takes_nothing_more() {
        let bench = Bench::new("");
        let (release, holding) = bench.hold().await;
        let mut waiting = Box::pin(bench.writer.run(|tx| note(tx, 1, 10)));
        let is_sent =
            tokio::select! { biased; _ = &mut waiting => false, () = std::future::ready(()) => true };
        assert!(is_sent);
        let thread = bench.writer.stop().unwrap();
        assert!(bench.writer.run(|tx| note(tx, 2, 10)).await.is_err());
        release.send(()).unwrap();
        waiting.await.unwrap();
        holding.await.unwrap().unwrap();
        thread.join().unwrap();
        assert_eq!(bench.stored(), BTreeSet::from([1]));
    }
}
