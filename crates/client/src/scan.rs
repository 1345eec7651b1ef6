//! The answer to a scan, as a client reads it.

use interven_types::{
    ApprovalId, Coverage, DataClass, Decision, Redaction, RiskBand, Signal, Timestamp, TraceId, Verb,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the caller must do, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScanAnswer {
    pub decision: Decision,
    /// In monitor mode, the decision that would have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would_be: Option<Decision>,
    /// 0.0–1.0.
    pub risk_score: f64,
    pub risk_band: RiskBand,
    /// Strongest first.
    pub reason_codes: Vec<String>,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub classifications: Vec<DataClass>,
    pub signals: Vec<Signal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// With SANITIZE: the body to send in place of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sanitized_body: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redactions: Option<Vec<Redaction>>,
    /// With REQUIRE_APPROVAL, when a server holds the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub coverage: Coverage,
    /// Absent when the answer was made without a server: then nothing was recorded.
    #[serde(flatten)]
    pub receipt: Option<Receipt>,
    /// What a newer server adds.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Where the record of a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub trace_id: TraceId,
    /// Position in the tenant's audit log; absent while the record waits on the gateway's disk for its store.
    pub ledger_seq: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_keeps_its_receipt_and_what_a_newer_server_adds() {
        let wire = json!({
            "decision": "DENY", "risk_score": 0.75, "risk_band": "CRITICAL", "reason_codes": ["A"],
            "tool_name": "slack", "operation": "post_message", "verb": "WRITE", "classifications": ["SECRETS"],
            "signals": [], "coverage": {"evaluated": [], "skipped": []},
            "trace_id": "0190f3a4-0000-7000-8000-000000000001", "ledger_seq": 7, "new_in_2027": {"a": 1},
        });
        let answer: ScanAnswer = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(answer.receipt.and_then(|r| r.ledger_seq), Some(7));
        assert_eq!(serde_json::to_value(&answer).unwrap(), wire);
    }
}
