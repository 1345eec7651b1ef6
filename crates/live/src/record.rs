//! Permission as a value: an answer can only be made of what is durably recorded.

use crate::Live;
use interven_spool::Kept;
use interven_store::{ScanEntry, StoreError, StoreResult};
use interven_types::{Skipped, TenantId, TrustState, Verdict};

/// A verdict whose record is durable. Only [`crate::Live::scan`] makes one, from what the store or the spool kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    verdict: Verdict,
    ledger_seq: Option<u64>,
}

impl Recorded {
    pub(crate) fn of(kept: Kept) -> StoreResult<Self> {
        let (verdict, ledger_seq) = match kept {
            Kept::Recorded(receipt) => (receipt.settled.row.verdict, Some(receipt.ledger_seq)),
            Kept::Spooled(settled) => (settled.row.verdict.map(without_position), None),
        };
        // Nothing was evaluated, so that there is no verdict to answer with.
        let missing = || StoreError::Corrupt("a scan was recorded without its verdict".to_owned());
        Ok(Self { verdict: verdict.ok_or_else(missing)?, ledger_seq })
    }

    /// The position is absent while the record waits in the spool.
    pub fn into_parts(self) -> (Verdict, Option<u64>) {
        (self.verdict, self.ledger_seq)
    }
}

fn without_position(mut verdict: Verdict) -> Verdict {
    let why =
        "the store is away: the record is on this gateway's disk and gets its position when the store has it";
    verdict.coverage.skipped.push(Skipped::new("ledger_seq", why));
    verdict
}

impl Live {
    /// Keeps a scan durably: in the store or, where that is set, in the spool. `trust` is the agent's as last known.
    pub(crate) async fn keep(
        &self,
        tenant: TenantId,
        scan: ScanEntry,
        trust: &TrustState,
    ) -> StoreResult<Kept> {
        match &self.spool {
            // How often a key was used only the store can tell.
            Some(spool) if scan.use_of.is_none() => spool.record(tenant, scan, trust.clone()).await,
            _ => self.store.record_scan(tenant, scan).await.map(Kept::Recorded),
        }
    }
}
