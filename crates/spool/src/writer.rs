//! The thread that owns the file: what waits becomes one batch, one write, one sync; then all of it is answered.

use crate::file::{Reader, START, SpoolFile};
use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
};
use tokio::sync::{oneshot, watch};

/// Longest batch, in bytes; a single entry may be longer.
const MAX_BATCH_BYTES: usize = 8 << 20;

/// How it goes with the scans in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpoolState {
    /// Scans that were answered and are not in the store yet.
    pub waiting: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Whether the store is taking them in.
    pub is_draining: bool,
    /// Why the store does not take them in.
    pub store_trouble: Option<String>,
    /// Why the file takes no more.
    pub file_trouble: Option<String>,
}

enum Job {
    Append {
        entry: Vec<u8>,
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Empties the file if it still ends there.
    Clear {
        end: u64,
        on_cleared: Box<dyn FnOnce() + Send>,
        reply: oneshot::Sender<Result<bool, String>>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Writer(Sender<Job>);

impl Writer {
    pub(crate) fn start(
        file: SpoolFile,
        reader: Reader,
        max_bytes: u64,
        state: watch::Sender<SpoolState>,
    ) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let mut desk = Desk { file, reader, max_bytes, state };
        std::thread::Builder::new().name("spool-writer".to_owned()).spawn(move || desk.work(&queue))?;
        Ok(Self(jobs))
    }

    /// Returns once the entry is on the disk.
    pub(crate) async fn append(&self, entry: Vec<u8>) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(Job::Append { entry, reply });
        sent.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Empties the file if nothing came after `end`; says whether. `on_cleared` runs before anything else is appended.
    pub(crate) async fn clear(
        &self,
        end: u64,
        on_cleared: impl FnOnce() + Send + 'static,
    ) -> Result<bool, String> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(Job::Clear { end, on_cleared: Box::new(on_cleared), reply });
        sent.map_err(|_| stopped())?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> String {
    "its writer has stopped".to_owned()
}

/// The thread's own state.
struct Desk {
    file: SpoolFile,
    reader: Reader,
    max_bytes: u64,
    state: watch::Sender<SpoolState>,
}

impl Desk {
    fn work(&mut self, queue: &Receiver<Job>) {
        let mut put_back = None;
        while let Some(job) = put_back.take().or_else(|| queue.recv().ok()) {
            match job {
                Job::Append { entry, reply } => {
                    let mut batch = entry;
                    let mut replies = vec![reply];
                    while batch.len() < MAX_BATCH_BYTES
                        && let Ok(job) = queue.try_recv()
                    {
                        match job {
                            Job::Append { entry, reply } => {
                                batch.extend(entry);
                                replies.push(reply);
                            }
                            clear @ Job::Clear { .. } => {
                                put_back = Some(clear);
                                break;
                            }
                        }
                    }
                    let appended = self.append(&batch, replies.len());
                    // Nobody listens when the caller gave up; the record stands all the same.
                    replies.into_iter().for_each(|reply| _ = reply.send(appended.clone()));
                }
                Job::Clear { end, on_cleared, reply } => _ = reply.send(self.clear(end, on_cleared)),
            }
        }
    }

    /// All of the batch or nothing: a later scan may rest on an earlier one.
    fn append(&mut self, batch: &[u8], entries: usize) -> Result<(), String> {
        let appended = if self.file.end() + batch.len() as u64 > self.max_bytes {
            Err(format!("it is full: `spool_max_bytes` is {}", self.max_bytes))
        } else {
            self.file.append(&self.reader, batch).map_err(|error| error.to_string())
        };
        self.state.send_modify(|state| {
            if appended.is_ok() {
                state.waiting += entries as u64;
            }
            state.bytes = self.file.end();
            state.file_trouble = appended.as_ref().err().cloned();
        });
        appended
    }

    fn clear(&mut self, end: u64, on_cleared: Box<dyn FnOnce() + Send>) -> Result<bool, String> {
        if self.file.end() != end {
            return Ok(false);
        }
        if end > START {
            self.file.clear().map_err(|error| error.to_string())?;
        }
        on_cleared();
        self.state.send_replace(SpoolState { bytes: self.file.end(), ..SpoolState::default() });
        Ok(true)
    }
}
