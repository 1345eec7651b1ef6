//! Permission as a value: an answer can only be made of what is durably recorded.

use interven_store::Receipt;
use interven_types::Verdict;

/// A verdict whose record is durable. Only [`crate::Live::scan`] makes one, from the store's receipt.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    verdict: Verdict,
    ledger_seq: u64,
}

impl Recorded {
    /// None when nothing was evaluated, so that there is no verdict to answer with.
    pub(crate) fn of(receipt: Receipt) -> Option<Self> {
        Some(Self { verdict: receipt.settled.row.verdict?, ledger_seq: receipt.ledger_seq })
    }

    pub fn into_parts(self) -> (Verdict, u64) {
        (self.verdict, self.ledger_seq)
    }
}
