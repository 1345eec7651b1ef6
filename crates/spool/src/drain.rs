//! Handing waiting scans over, oldest first, each once.
//!
//! The file is read from its start and emptied only when all of it is in the store, so a crash at any point at most sends again what
//! the store has, and it leaves that out.

use crate::{Spool, entry::Entry, file::START};
use interven_store::StoreError;
use std::{
    fs::File,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};
use tokio::time::timeout;

/// How long after a failure the store is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// Scans handed over in one transaction, and their bytes in the file, unless one batch of the file is larger.
const MOST_ENTRIES: usize = 256;
const MOST_BYTES: u64 = 4 << 20;
/// For one such transaction. A store that is slower than this takes nothing in.
const HAND_OVER: Duration = Duration::from_secs(30);

pub(crate) fn spawn(spool: &Arc<Spool>) {
    tokio::spawn(run(Arc::downgrade(spool)));
}

async fn run(spool: Weak<Spool>) {
    let Some(mut state) = spool.upgrade().map(|spool| spool.watch()) else { return };
    // Up to here the store has everything.
    let mut at = START;
    loop {
        // Without a spool there are no senders.
        if state.wait_for(|state| state.waiting > 0).await.is_err() {
            return;
        }
        let Some(spool) = spool.upgrade() else { return };
        match spool.drain(&mut at).await {
            Ok(()) => {}
            Err(why) => {
                spool.note_trouble(&why);
                drop(spool);
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

impl Spool {
    async fn drain(&self, at: &mut u64) -> Result<(), String> {
        loop {
            let (entries, next) = self.read_from(*at).await?;
            if entries.is_empty() {
                let waiting = Arc::clone(&self.waiting);
                let forget = move || waiting.lock().unwrap_or_else(PoisonError::into_inner).file_is_empty();
                if self.writer.clear(*at, forget).await? {
                    *at = START;
                    tracing::info!("the spool is empty: the store has every scan");
                    return Ok(());
                }
                continue;
            }
            for of_tenant in entries.chunk_by(|one, next| one.tenant == next.tenant) {
                self.hand_over(of_tenant).await?;
            }
            *at = next;
        }
    }

    async fn hand_over(&self, entries: &[Entry]) -> Result<(), String> {
        let Some(tenant) = entries.first().map(|entry| entry.tenant) else { return Ok(()) };
        let scans: Vec<_> = entries.iter().map(|entry| entry.settled.clone()).collect();
        let appended = match timeout(HAND_OVER, self.store.append_spooled(tenant, &scans)).await {
            Ok(appended) => appended.map_err(|error: StoreError| error.to_string())?,
            Err(_elapsed) => return Err(format!("no answer within {} s", HAND_OVER.as_secs())),
        };
        tracing::info!(tenant_id = %tenant, scans = scans.len(), new = appended, "handed over from the spool");
        self.waiting().hand_over(entries);
        self.state.send_modify(|state| {
            state.waiting = state.waiting.saturating_sub(entries.len() as u64);
            state.is_draining = true;
            state.store_trouble = None;
        });
        Ok(())
    }

    /// Some batches from `at` on, of those that are safely on the disk, and where the next begins.
    async fn read_from(&self, at: u64) -> Result<(Vec<Entry>, u64), String> {
        let (reader, end) = (self.reader.clone(), self.state.borrow().bytes);
        let reading = tokio::task::spawn_blocking(move || {
            let mut file = File::open(&reader.path).map_err(|error| reader.not_usable(&error))?;
            let (mut entries, mut next) = (Vec::new(), at);
            while entries.len() < MOST_ENTRIES
                && next - at < MOST_BYTES
                && next < end
                && let Some(batch) = reader.read(&mut file, next)?
            {
                entries.extend(batch.entries);
                next = batch.next;
            }
            match entries.is_empty() && next < end {
                // What was written there is gone: whoever took it away is not to be waited for in a circle.
                true => Err(reader.damaged(next)),
                false => Ok((entries, next)),
            }
        });
        let read = reading.await.map_err(|error| error.to_string())?;
        read.map_err(|error: crate::SpoolError| error.to_string())
    }

    fn note_trouble(&self, why: &str) {
        self.state.send_if_modified(|state| {
            let is_news = state.store_trouble.as_deref() != Some(why);
            if is_news {
                tracing::warn!(
                    waiting = state.waiting,
                    why,
                    "the store does not take the spool's scans; trying again"
                );
            }
            state.is_draining = false;
            state.store_trouble = Some(why.to_owned());
            is_news
        });
    }
}
