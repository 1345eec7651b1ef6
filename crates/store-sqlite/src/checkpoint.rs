//! Moving the write-ahead log into the database beside the writer, so that no scan waits while it is copied.
//!
//! The bulk is copied by a thread with a connection of its own; the writer goes on meanwhile. Then the writer copies what
//! came in between, which is little, and the log begins anew. Neither ever waits for readers: under a reader that
//! stays long the log grows, and is copied again and again as far as that reader allows.

use rusqlite::{Connection, MAIN_DB, hooks::Wal, wal::CheckpointMode};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

/// The log is copied at this many pages of 4 KiB: seldom enough that a page written often is copied once.
pub(crate) const CHECKPOINT_PAGES: i32 = 4_000;

/// The writer's part.
pub(crate) struct Checkpoints {
    /// Pages in the log after the last commit.
    pages: Arc<AtomicI32>,
    /// Pages in the log when it was last copied.
    copied_at: i32,
    every: i32,
    copier: Copier,
}

/// The thread that copies beside the writer.
struct Copier {
    wake: Option<SyncSender<()>>,
    /// Set when a copy is complete, until the writer has seen it.
    is_done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// `beside` is the thread's own connection to the same file.
    pub(crate) fn start(writer: &mut Connection, beside: Connection, every: i32) -> std::io::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let noted = Arc::clone(&pages);
        // Takes the place of the automatic checkpoint.
        let hook = move |_: &mut Wal, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(std::io::Error::other)?;
        let (wake, woken) = sync_channel(1);
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let work = move || copy_when_woken(&beside, &woken, &done);
        let thread = std::thread::Builder::new().name("sqlite-checkpoint".to_owned()).spawn(work)?;
        Ok(Self {
            pages,
            copied_at: 0,
            every,
            copier: Copier { wake: Some(wake), is_done, thread: Some(thread) },
        })
    }

    /// To be called after each commit.
    pub(crate) fn tend(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.copied_at {
            self.copied_at = 0; // the log began anew
        }
        if self.copier.is_done.swap(false, Ordering::Acquire) {
            copy(writer);
        } else if pages >= self.copied_at.saturating_add(self.every) {
            self.copied_at = pages;
            self.copier.wake();
        }
    }
}

impl Copier {
    /// One that is awake already needs no second call.
    fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _ = wake.try_send(());
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the checkpoint thread ended in a panic");
        }
    }
}

fn copy_when_woken(beside: &Connection, woken: &Receiver<()>, is_done: &AtomicBool) {
    while woken.recv().is_ok() {
        copy(beside);
        is_done.store(true, Ordering::Release);
    }
}

/// Copies as much as can be copied without waiting for anybody.
fn copy(connection: &Connection) {
    if let Err(error) = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
        tracing::warn!(%error, "the write-ahead log could not be moved into the database; it grows until that works");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const EVERY: i32 = 50;

    fn open(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").unwrap();
        connection
    }

    /// Commits about a page each, `many` times.
    fn commit(writer: &Connection, checkpoints: &mut Checkpoints, many: u32) {
        for _ in 0..many {
            writer.execute("INSERT INTO notes VALUES (zeroblob(4000))", []).unwrap();
            checkpoints.tend(writer);
        }
    }

    /// Commits until the log is short again: the copy beside the writer ends when it ends.
    fn commit_until_short(writer: &Connection, checkpoints: &mut Checkpoints) {
        for _ in 0..100_000 {
            commit(writer, checkpoints, 1);
            if checkpoints.pages.load(Ordering::Relaxed) < EVERY {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the log never began anew");
    }

    #[test]
    fn the_log_begins_anew_while_the_writer_goes_on_and_waits_for_no_reader() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notes.db");
        let mut writer = open(&path);
        writer.execute_batch("CREATE TABLE notes (body BLOB)").unwrap();
        let mut checkpoints = Checkpoints::start(&mut writer, open(&path), EVERY).unwrap();
        commit(&writer, &mut checkpoints, 2 * EVERY as u32);
        commit_until_short(&writer, &mut checkpoints);

        let reader = open(&path);
        reader.execute_batch("BEGIN; SELECT count(*) FROM notes").unwrap();
        let count = |connection: &Connection| -> i64 {
            connection.query_row("SELECT count(*) FROM notes", [], |row| row.get(0)).unwrap()
        };
        let seen = count(&reader);
        commit(&writer, &mut checkpoints, 10 * EVERY as u32);
        assert_eq!(count(&reader), seen, "a reader keeps its snapshot");
        assert!(
            checkpoints.pages.load(Ordering::Relaxed) > 10 * EVERY,
            "the log holds what the reader must not lose"
        );
        reader.execute_batch("COMMIT").unwrap();
        commit_until_short(&writer, &mut checkpoints);
        assert!(count(&writer) >= 12 * i64::from(EVERY));
    }
}
