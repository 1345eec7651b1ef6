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
    pub(crate) fn new(verdict: Verdict, receipt: &Receipt) -> Self {
        Self { verdict, ledger_seq: receipt.ledger_seq }
    }

    pub fn into_parts(self) -> (Verdict, u64) {
        (self.verdict, self.ledger_seq)
    }
}
