//! Sealing: every few seconds what was recorded goes under a signed checkpoint. Any process may do it, and of several at
//! once the store takes the first.

use crate::{Live, at_rest::AtRest, at_rest::StartError, secrets::installation_key};
use interven_ledger::{
    Checkpoint, CheckpointError, Entry, Growth, Hash, NoteSigner, Receipt, ReceiptError, Tile, VerifierKey,
    edge, grow, node_in_tile, prove_inclusion,
};
use interven_store::{Log, Seal, SignedCheckpoint, Store, StoreError};
use interven_types::{SecretBytes, TenantId};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

/// Leaves that one seal takes at most; more follow at once.
const LEAVES_AT_ONCE: u32 = 16_384;
const NAME: &str = "ledger_key";

#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "position {position} of the {log} log is missing; nothing from there on is sealed. Restore the row from a backup"
    )]
    Gap { log: &'static str, position: u64 },
    #[error(
        "the {log} log was sealed to {signed} events, and its newest checkpoint in the store says {stored}. Restore the database from a backup"
    )]
    CutBack { log: &'static str, signed: u64, stored: u64 },
    #[error(
        "the newest checkpoint of the {log} log is not this installation's: {reason}. Restore the database from a backup"
    )]
    Forged { log: &'static str, reason: CheckpointError },
    #[error(
        "the tree of the {log} log is not the one that was signed at {size} events. Restore the database from a backup"
    )]
    OtherTree { log: &'static str, size: u64 },
    #[error("the event cannot be proved: {0}; `interven audit verify` says more")]
    Unprovable(#[from] ReceiptError),
    #[error("the event at position {position} cannot be read: {reason}")]
    Unreadable { position: u64, reason: String },
    #[error("the event at position {0} is not there any more: retention took it, and its hash alone is left")]
    Pruned(u64),
}

/// What this process knows of its tenants' ledgers.
#[derive(Debug)]
pub(crate) struct Ledger {
    secret: SecretBytes,
    logs: Mutex<BTreeMap<(TenantId, &'static str), LogState>>,
}

#[derive(Debug, Default)]
struct LogState {
    /// The largest size that was seen under a checkpoint: it never shrinks.
    sealed: u64,
    /// Why it cannot be sealed, since it was last tried.
    fault: Option<String>,
}

impl Ledger {
    pub(crate) async fn load(store: &dyn Store, at_rest: &AtRest) -> Result<Self, StartError> {
        Ok(Self { secret: installation_key(store, at_rest, NAME).await?, logs: Mutex::default() })
    }

    fn with_state<T>(&self, tenant: TenantId, log: Log, read: impl FnOnce(&mut LogState) -> T) -> T {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        read(logs.entry((tenant, log.as_str())).or_default())
    }
}

pub(crate) fn spawn(live: &Arc<Live>, every: Duration) {
    if !every.is_zero() {
        tokio::spawn(seal_every(Arc::downgrade(live), every));
    }
}

async fn seal_every(live: Weak<Live>, every: Duration) {
    let mut turns = tokio::time::interval(every);
    loop {
        turns.tick().await;
        let Some(live) = live.upgrade() else { return };
        live.seal_all().await;
    }
}

impl Live {
    /// Seals every log of every tenant, so that a clean stop leaves nothing outside a checkpoint. What cannot be sealed
    /// is logged, and stays to be seen in [`Live::ledger_faults`].
    pub async fn seal_all(&self) {
        for tenant in self.tenants() {
            for log in Log::ALL {
                // Its own fault is noted and logged there.
                let _ = self.seal(tenant.id, log).await;
            }
        }
    }

    /// Seals what was recorded so far. Returns the newest checkpoint; that of a log without events is not kept.
    pub async fn seal(&self, tenant: TenantId, log: Log) -> Result<SignedCheckpoint, LedgerError> {
        let sealed = self.seal_rest(tenant, log).await;
        let fault = match &sealed {
            Ok(_) => None,
            // A store that is away is not the ledger's fault, and is told of elsewhere.
            Err(LedgerError::Store(StoreError::Unavailable(_))) => return sealed,
            Err(error) => Some(error.to_string()),
        };
        let is_new = self
            .ledger
            .with_state(tenant, log, |state| std::mem::replace(&mut state.fault, fault.clone()) != fault);
        if let Some(fault) = fault.filter(|_| is_new) {
            tracing::error!(tenant_id = %tenant, log = log.as_str(), fault, "the ledger does not match what was recorded");
        }
        sealed
    }

    /// Logs that cannot be sealed, and why.
    pub fn ledger_faults(&self) -> Vec<(TenantId, &'static str, String)> {
        let logs = self.ledger.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let faulty = |((tenant, log), state): (&(TenantId, &'static str), &LogState)| {
            state.fault.clone().map(|fault| (*tenant, *log, fault))
        };
        logs.iter().filter_map(faulty).collect()
    }

    /// What the checkpoints of a log are checked with.
    pub fn ledger_key(&self, tenant: TenantId, log: Log) -> VerifierKey {
        self.signer(tenant, log).verifier().clone()
    }

    fn signer(&self, tenant: TenantId, log: Log) -> NoteSigner {
        NoteSigner::new(&log.origin(tenant), self.ledger.secret.reveal())
    }

    async fn seal_rest(&self, tenant: TenantId, log: Log) -> Result<SignedCheckpoint, LedgerError> {
        let signer = self.signer(tenant, log);
        loop {
            // Before the store is asked: another task may seal meanwhile.
            let signed = self.ledger.with_state(tenant, log, |state| state.sealed);
            let newest = self.store.newest_checkpoint(tenant, log).await?;
            let (name, from) = (log.as_str(), newest.as_ref().map_or(0, |checkpoint| checkpoint.size));
            if from < signed {
                return Err(LedgerError::CutBack { log: name, signed, stored: from });
            }
            self.ledger.with_state(tenant, log, |state| state.sealed = state.sealed.max(from));
            let recorded = self.store.recorded(tenant, log).await?;
            let leaves = self.store.leaves(tenant, log, from, LEAVES_AT_ONCE).await?;
            let leaves = without_gaps(name, from, recorded, leaves)?;
            if let Some(newest) = newest.as_ref().filter(|_| leaves.is_empty()) {
                return Ok(newest.clone());
            }
            let known = self.store.tiles(tenant, log, &edge(from)).await?;
            if let Some(newest) = &newest {
                check_tree(name, newest, &known, signer.verifier())?;
            }
            let other_tree = LedgerError::OtherTree { log: name, size: from };
            let Growth { size, root, tiles } = grow(from, &known, &leaves).ok_or(other_tree)?;
            let checkpoint = Checkpoint { origin: log.origin(tenant), size, root };
            let note = checkpoint.sign(&signer);
            let at = self.now();
            if size == 0 {
                return Ok(SignedCheckpoint { size, note, signed_at: at });
            }
            // Refused, another process was first; either way there may be more.
            self.store.seal(tenant, log, &Seal { from, checkpoint, note, tiles, at }).await?;
        }
    }

    /// A proof that stands alone: the event at a position, sealed first if it is not yet.
    pub async fn prove(&self, tenant: TenantId, log: Log, position: u64) -> Result<Receipt, LedgerError> {
        let newest = self.seal(tenant, log).await?;
        let index = position
            .checked_sub(1)
            .filter(|index| *index < newest.size)
            .ok_or(StoreError::NotFound("position"))?;
        let from = i64::try_from(position).unwrap_or(i64::MAX);
        let stored = self.store.entries(tenant, log, from, 1).await?.pop();
        let found = stored.filter(|entry| u64::try_from(entry.position) == Ok(position));
        let Entry { event, .. } = found.ok_or(LedgerError::Pruned(position))?;
        let event = event.map_err(|reason| LedgerError::Unreadable { position, reason })?;

        let other_tree = || LedgerError::OtherTree { log: log.as_str(), size: newest.size };
        let tiles: Vec<Tile> = tiles_of_proof(index, newest.size).into_iter().collect();
        let tiles = self.store.tiles(tenant, log, &tiles).await?;
        let mut nodes = |node| {
            tiles.get(&Tile::of(node)).and_then(|hashes| node_in_tile(hashes, node)).ok_or_else(other_tree)
        };
        let path = prove_inclusion(&mut nodes, index, newest.size)?;
        let receipt = Receipt { event, index, path, note: newest.note };
        // What the server would not accept itself it does not hand out.
        receipt.verify(&self.ledger_key(tenant, log))?;
        Ok(receipt)
    }
}

/// Leaf hashes in order, once it is certain that every position is there.
fn without_gaps(
    log: &'static str,
    from: u64,
    recorded: u64,
    leaves: Vec<(u64, Hash)>,
) -> Result<Vec<Hash>, LedgerError> {
    let mut next = from + 1;
    let mut hashes = Vec::with_capacity(leaves.len());
    for (position, hash) in leaves {
        if position != next {
            return Err(LedgerError::Gap { log, position: next });
        }
        hashes.push(hash);
        next += 1;
    }
    let is_all = hashes.len() < usize::try_from(LEAVES_AT_ONCE).unwrap_or(usize::MAX);
    if is_all && next <= recorded { Err(LedgerError::Gap { log, position: next }) } else { Ok(hashes) }
}

/// A log signs nothing that does not go on from what it signed before (C2SP tlog-checkpoint).
fn check_tree(
    log: &'static str,
    newest: &SignedCheckpoint,
    known: &BTreeMap<Tile, Vec<Hash>>,
    key: &VerifierKey,
) -> Result<(), LedgerError> {
    let opened = Checkpoint::open(&newest.note, key).map_err(|reason| LedgerError::Forged { log, reason })?;
    let stored = grow(newest.size, known, &[]);
    let is_same = stored.is_some_and(|tree| tree.size == opened.size && tree.root == opened.root);
    if is_same { Ok(()) } else { Err(LedgerError::OtherTree { log, size: newest.size }) }
}

fn tiles_of_proof(index: u64, size: u64) -> BTreeSet<Tile> {
    let mut tiles = BTreeSet::new();
    let mut note_tile = |node| {
        tiles.insert(Tile::of(node));
        Ok::<_, Infallible>(Hash::of_nothing())
    };
    let Ok(_) = prove_inclusion(&mut note_tile, index, size);
    tiles
}
