//! What the gateway acknowledges: the part of a scan's answer that must survive anything.

use serde::Deserialize;

/// The caller holds this, so the record exists: position and decision included.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub struct Receipt {
    pub trace_id: String,
    pub ledger_seq: u64,
    pub decision: String,
}

impl Receipt {
    /// Reads the answer to a scan; none when it is no answer to a scan.
    #[must_use]
    pub fn read(answer: &[u8]) -> Option<Self> {
        serde_json::from_slice(answer).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Receipt;

    #[test]
    fn a_scan_answer_is_a_receipt_only_when_it_has_all_three_fields() {
        let whole = br#"{"decision":"ALLOW","trace_id":"t","ledger_seq":7,"signals":[]}"#;
        let receipt = Receipt { trace_id: "t".into(), ledger_seq: 7, decision: "ALLOW".into() };
        assert_eq!(Receipt::read(whole), Some(receipt));
        for broken in [&br#"{"decision":"ALLOW","trace_id":"t"}"#[..], b"", b"null", br#"{"decision":"ALL"#] {
            assert_eq!(Receipt::read(broken), None);
        }
    }
}
