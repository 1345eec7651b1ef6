//! Where calls are judged: small ones at once, on the thread that serves the connection; large ones on threads of their
//! own and a few at a time, so that nobody's small call waits behind them.

use std::{num::NonZero, sync::Arc, thread};
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

/// Input from this many bytes on is large: judging less takes a millisecond at most.
const LARGE_BYTES: usize = 16 << 10;

/// The two ways to a judgement.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// One for each processor: more large calls at once would only slow each other down.
    slow: Arc<Semaphore>,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self { slow: Arc::new(Semaphore::new(processors)) }
    }

    /// Does `work` on `bytes` bytes of input.
    ///
    /// # Errors
    /// Large work that panicked, or that a stopping runtime did not begin.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        if bytes < LARGE_BYTES {
            return Ok(work());
        }
        // The place goes along: a caller that hangs up does not make room for another while its call is still judged.
        let place = Arc::clone(&self.slow).acquire_owned().await;
        spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        })
        .await
    }
}
