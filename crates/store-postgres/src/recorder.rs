//! Scans on their way into the record: one batch of a tenant at a time, the batches of several tenants side by side.
//!
//! What arrives while one batch is on its way is the next: no timers, no tuning. A busy tenant pays one commit for many
//! scans, and an idle one makes nobody wait.

use crate::{
    Inner,
    error::unavailable,
    record::{self, Committed},
};
use interven_store::{Receipt, ScanEntry, StoreResult};
use interven_types::TenantId;
use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

/// Scans that share one commit at most.
const MAX_BATCH: usize = 1_024;

/// A scan that waits to be recorded.
pub(crate) struct Job {
    pub scan: ScanEntry,
    since: Instant,
    reply: oneshot::Sender<StoreResult<Receipt>>,
}

impl Job {
    /// Nobody listens when the caller gave up; the record stands all the same.
    pub(crate) fn answer(reply: oneshot::Sender<StoreResult<Receipt>>, answer: StoreResult<Receipt>) {
        let _ = reply.send(answer);
    }

    pub(crate) fn apart(self) -> (ScanEntry, oneshot::Sender<StoreResult<Receipt>>) {
        (self.scan, self.reply)
    }
}

/// What has been recorded since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecorderLoad {
    pub scans: u64,
    /// Transactions that recorded them.
    pub commits: u64,
}

/// The queues, by tenant. A tenant is in here as long as a batch of it is on its way.
#[derive(Default)]
pub(crate) struct Recorder {
    queues: Mutex<Queues>,
    scans: AtomicU64,
    commits: AtomicU64,
}

#[derive(Default)]
struct Queues {
    by_tenant: HashMap<TenantId, VecDeque<Job>>,
    /// In all of them.
    waiting: usize,
}

impl Recorder {
    pub(crate) fn load(&self) -> RecorderLoad {
        RecorderLoad { scans: self.scans.load(Relaxed), commits: self.commits.load(Relaxed) }
    }

    pub(crate) fn count_commit(&self, scans: usize) {
        self.scans.fetch_add(scans as u64, Relaxed);
        self.commits.fetch_add(1, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Queues one scan; returns once its batch is committed. A full queue is an error at once.
pub(crate) async fn record(store: &Arc<Inner>, tenant: TenantId, scan: ScanEntry) -> StoreResult<Receipt> {
    let (reply, answer) = oneshot::channel();
    submit(store, tenant, Job { scan, since: Instant::now(), reply })?;
    answer.await.unwrap_or_else(|_| Err(unavailable("the recorder has stopped")))
}

fn submit(store: &Arc<Inner>, tenant: TenantId, job: Job) -> StoreResult<()> {
    let mut queues = store.recorder.lock();
    if queues.waiting >= store.queue_len {
        return Err(unavailable("too many scans wait"));
    }
    queues.waiting += 1;
    if let Some(queue) = queues.by_tenant.get_mut(&tenant) {
        queue.push_back(job);
        return Ok(());
    }
    queues.by_tenant.insert(tenant, VecDeque::from([job]));
    drop(queues);
    let turn = Turn { store: store.clone(), tenant, is_over: false };
    tokio::spawn(turn.work());
    Ok(())
}

/// The one task that records for a tenant, as long as there is anything to record.
struct Turn {
    store: Arc<Inner>,
    tenant: TenantId,
    is_over: bool,
}

impl Turn {
    async fn work(mut self) {
        let mut answering: Option<JoinHandle<()>> = None;
        while let Some(batch) = self.next_batch() {
            let Committed { left, answered } = record::record(&self.store, self.tenant, batch).await;
            self.put_back(left);
            // While the disk is slow, no more than two batches wait for it.
            if let Some(earlier) = mem::replace(&mut answering, answered) {
                let _ = earlier.await;
            }
        }
    }

    /// Leaves the queue when nothing waits in it.
    fn next_batch(&mut self) -> Option<Vec<Job>> {
        let mut queues = self.store.recorder.lock();
        let queue = queues.by_tenant.get_mut(&self.tenant)?;
        let batch: Vec<Job> = queue.drain(..queue.len().min(MAX_BATCH)).collect();
        if batch.is_empty() {
            queues.by_tenant.remove(&self.tenant);
            self.is_over = true;
            return None;
        }
        queues.waiting -= batch.len();
        drop(queues);
        // What waited through a whole transaction that came to nothing is not made to wait for another.
        let (late, batch): (Vec<Job>, Vec<Job>) =
            batch.into_iter().partition(|job| job.since.elapsed() >= self.store.transaction_timeout);
        for job in late {
            Job::answer(job.reply, Err(unavailable("the scans before it were not recorded in time")));
        }
        Some(batch)
    }

    /// What did not fit into the batch comes first in the next.
    fn put_back(&self, left: Vec<Job>) {
        let mut queues = self.store.recorder.lock();
        queues.waiting += left.len();
        if let Some(queue) = queues.by_tenant.get_mut(&self.tenant) {
            left.into_iter().rev().for_each(|job| queue.push_front(job));
        }
    }
}

impl Drop for Turn {
    /// After a panic, or when the runtime stops: nobody would record what waits, so it is told so.
    fn drop(&mut self) {
        if !self.is_over {
            let mut queues = self.store.recorder.lock();
            let waiting = queues.by_tenant.remove(&self.tenant).unwrap_or_default();
            queues.waiting -= waiting.len();
        }
    }
}
