//! What a client did since it was made.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// They only grow. `fail_opens` is the one to watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests sent, repeated ones included.
    pub requests: u64,
    /// Requests that repeated an earlier one.
    pub retries: u64,
    /// Calls that went through without a verdict because that was chosen.
    pub fail_opens: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counting {
    requests: AtomicU64,
    retries: AtomicU64,
    fail_opens: AtomicU64,
}

impl Counting {
    pub(super) fn sent(&self, is_repeated: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.retries.fetch_add(is_repeated.into(), Relaxed);
    }

    pub(super) fn failed_open(&self) {
        self.fail_opens.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> Counters {
        Counters {
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            fail_opens: self.fail_opens.load(Relaxed),
        }
    }
}
