//! What the writer has been doing: the figures behind "inserts are slow".

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Sums since the database was opened; the difference of two readings is a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterLoad {
    /// Commits, each one sync of the disk.
    pub batches: u64,
    /// Writes that shared them.
    pub jobs: u64,
    /// Time spent running jobs.
    pub working: Duration,
    /// Time spent committing: mostly the disk.
    pub committing: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Meter {
    batches: AtomicU64,
    jobs: AtomicU64,
    working_ns: AtomicU64,
    committing_ns: AtomicU64,
}

impl Meter {
    pub(crate) fn add(&self, jobs: usize, working: Duration, committing: Duration) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.batches.fetch_add(1, Relaxed);
        self.jobs.fetch_add(jobs as u64, Relaxed);
        self.working_ns.fetch_add(nanoseconds(working), Relaxed);
        self.committing_ns.fetch_add(nanoseconds(committing), Relaxed);
    }

    pub(crate) fn read(&self) -> WriterLoad {
        WriterLoad {
            batches: self.batches.load(Relaxed),
            jobs: self.jobs.load(Relaxed),
            working: Duration::from_nanos(self.working_ns.load(Relaxed)),
            committing: Duration::from_nanos(self.committing_ns.load(Relaxed)),
        }
    }
}
