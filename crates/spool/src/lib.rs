//! A durable local file for scans that were settled while the store was away.
//!
//! A scan goes to the store, as ever. When the store cannot be reached, the scan is settled on what is known without it,
//! appended to the file, synced, and only then answered. When the store answers again, it takes the waiting scans in, in order and
//! each once, and meanwhile new ones stand behind them.
//!
//! ```text
//!            nothing waits                      the store failed, or did not answer in time
//!   scan ───────────────────► store.record_scan ──────────────────────────────┐
//!     │ scans wait                                                            ▼
//!     └───► the store is taking them in? wait a little ── no, or too long ──► settle blind ► file ► answer
//! ```
//!
//! See `docs/adr/0007` for what settling blind means and what it cannot do, and `docs/failures.md` for what callers see.

mod drain;
mod entry;
mod file;
mod frame;
mod slot;
mod waiting;
mod writer;

pub use file::SpoolError;
pub use waiting::WaitingApproval;
pub use writer::SpoolState;

use entry::Entry;
use file::{Reader, SpoolFile};
use interven_store::{Receipt, ScanEntry, Settled, Store, StoreError, StoreResult};
use interven_types::{ApprovalEffect, ApprovalId, Skipped, TenantId, TraceId, TrustState};
use slot::{Phase, Slot};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::timeout};
use waiting::{Identity, Memory, Waiting};
use writer::Writer;

/// How long a scan waits for scans before it that the store is taking in.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the file is, and how far it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolOptions {
    /// Must exist. The file in it is `scans.spool`.
    pub directory: PathBuf,
    /// Beyond this length nothing more is taken, and scans are refused.
    pub max_bytes: u64,
    /// A store that has not recorded a scan in this time counts as away.
    pub store_timeout: Duration,
}

/// Where a scan was kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    Recorded(Receipt),
    /// In the file: it has no position in the log yet.
    Spooled(Settled),
}

impl Kept {
    pub fn settled(&self) -> &Settled {
        match self {
            Self::Recorded(receipt) => &receipt.settled,
            Self::Spooled(settled) => settled,
        }
    }
}

/// Scans on their way to a store, by way of a file when need be.
pub struct Spool {
    store: Arc<dyn Store>,
    options: SpoolOptions,
    reader: Reader,
    writer: Writer,
    waiting: Arc<Mutex<Waiting>>,
    memory: Arc<Memory>,
    state: watch::Sender<SpoolState>,
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spool").field(&self.reader.path).finish()
    }
}

impl Spool {
    /// Opens the file, or makes it. What waits in it from before is handed over as soon as the store takes it. `key` is the
    /// installation's own.
    ///
    /// # Errors
    /// A file that cannot be used, is in use, is damaged, or belongs to another installation.
    pub async fn open(
        store: Arc<dyn Store>,
        options: SpoolOptions,
        key: &[u8; 32],
    ) -> Result<Arc<Self>, SpoolError> {
        let reader = Reader::new(options.directory.join("scans.spool"), key);
        let opening = reader.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let (mut waiting, mut count) = (Waiting::default(), 0);
            let file = SpoolFile::open(&opening, |entries| {
                count += entries.len() as u64;
                entries.iter().for_each(|entry| waiting.add(entry));
            })?;
            Ok((file, waiting, count))
        });
        let not_usable = |reason: String| SpoolError::NotUsable { path: reader.path.clone(), reason };
        let (file, waiting, count) =
            opened.await.unwrap_or_else(|error| Err(not_usable(error.to_string())))?;
        if count > 0 {
            tracing::warn!(scans = count, "scans of an earlier run wait in the spool");
        }
        let first = SpoolState { waiting: count, bytes: file.end(), ..SpoolState::default() };
        let state = watch::Sender::new(first);
        let writer = Writer::start(file, reader.clone(), options.max_bytes, state.clone())
            .map_err(|error| not_usable(error.to_string()))?;
        let spool = Arc::new(Self {
            store,
            options,
            reader,
            writer,
            waiting: Arc::new(Mutex::new(waiting)),
            memory: Arc::new(Memory::new()),
            state,
        });
        drain::spawn(&spool);
        Ok(spool)
    }

    pub fn state(&self) -> SpoolState {
        self.state.borrow().clone()
    }

    /// Hears of every change of the state.
    pub fn watch(&self) -> watch::Receiver<SpoolState> {
        self.state.subscribe()
    }

    /// Whether the record of this scan waits here.
    pub fn has_trace(&self, tenant: TenantId, trace: TraceId) -> bool {
        self.waiting().has_trace(tenant, trace)
    }

    /// An approval whose scan waits here.
    pub fn approval(&self, id: ApprovalId) -> Option<WaitingApproval> {
        self.waiting().approval(id)
    }

    /// Settles a scan and keeps it durably, in the store or in the file. `trust` is the agent's as last known.
    ///
    /// # Errors
    /// Whatever the store says other than [`StoreError::Unavailable`]; that, when the scan depends on what only the store
    /// knows, or the file takes no more; [`StoreError::Outdated`] when it was not judged on the trust that scans before it left.
    pub async fn record(&self, tenant: TenantId, scan: ScanEntry, trust: TrustState) -> StoreResult<Kept> {
        let call = Identity { tenant, agent: scan.agent_id, signature: scan.signature, now: scan.now };
        let needs_budgets = !scan.budgets.is_empty();
        let (slot, memory) = (Slot::new(scan.settle), Arc::clone(&self.memory));
        let in_store = slot.clone();
        let settle = Box::new(move |precedent: &_| {
            memory.note(call.tenant, call.agent, precedent);
            in_store.settle(precedent)
        });
        let failure = match self.may_go_to_the_store().await {
            false => "scans wait before this one".to_owned(),
            true => {
                let recording = self.store.record_scan(tenant, ScanEntry { settle, ..scan });
                match timeout(self.options.store_timeout, recording).await {
                    Ok(Ok(receipt)) => return Ok(Kept::Recorded(receipt)),
                    Ok(Err(StoreError::Unavailable(why))) => why,
                    Ok(Err(refusal)) => return Err(refusal),
                    Err(_elapsed) => format!("no answer within {:?}", self.options.store_timeout),
                }
            }
        };
        let unavailable = || StoreError::Unavailable(failure.clone());
        let entry = {
            let mut waiting = self.waiting();
            let settled = match slot.take() {
                Phase::Open(settle) if !needs_budgets => {
                    let settled = settle(&waiting.precedent(&call, trust, &self.memory));
                    settled.map(marked_blind).ok_or(StoreError::Outdated)?
                }
                // A grant is used once, and a budget is spent once: only the store can tell.
                Phase::Settled(settled)
                    if !needs_budgets && !matches!(settled.approval, ApprovalEffect::Use { .. }) =>
                {
                    *settled
                }
                Phase::Open(_) | Phase::Settled(_) | Phase::Spent => return Err(unavailable()),
            };
            let entry = Entry { tenant, settled };
            waiting.add(&entry);
            entry
        };
        let appended = match entry.to_bytes() {
            Ok(bytes) => self.writer.append(bytes).await,
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = appended {
            self.waiting().remove(tenant, &entry.settled);
            tracing::error!(
                store = failure,
                spool = why,
                "a scan could be kept neither in the store nor in the spool"
            );
            return Err(StoreError::Unavailable(format!("{failure}; and the spool: {why}")));
        }
        Ok(Kept::Spooled(entry.settled))
    }

    /// Scans that wait come first. While the store takes them in, this one waits for its turn.
    async fn may_go_to_the_store(&self) -> bool {
        let mut state = self.state.subscribe();
        let turn = state.wait_for(|state| state.waiting == 0 || !state.is_draining);
        matches!(timeout(PATIENCE, turn).await, Ok(Ok(state)) if state.waiting == 0)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says in the record what was not looked at.
fn marked_blind(mut settled: Settled) -> Settled {
    if let Some(verdict) = &mut settled.row.verdict {
        let why = "the store could not be asked what was decided about identical calls";
        verdict.coverage.skipped.push(Skipped::new("precedent", why));
    }
    settled
}
