//! The answer to a scan, as a client reads it.

use crate::ClientError;
use interven_types::{
    ApprovalId, Coverage, DataClass, Decision, Redaction, RiskBand, Signal, Timestamp, TraceId, Verb,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// What the caller must do, and why. What is absent or null has no value; what is there with another type cannot be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct ScanAnswer {
    pub decision: Decision,
    /// In monitor mode, the decision that would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// With SANITIZE: the body to send in place of the original; it may be null.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sanitized_body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redactions: Option<Vec<Redaction>>,
    /// With REQUIRE_APPROVAL, when a server holds the approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub coverage: Coverage,
    /// Absent when the answer was made without a server: then nothing was recorded.
    #[serde(flatten)]
    pub receipt: Option<Receipt>,
    /// What a newer server adds.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ScanAnswer {
    /// Reads the answer of the server at `url`.
    pub(crate) fn read(bytes: &[u8], url: &str) -> Result<Self, ClientError> {
        let unreadable = |reason: String| ClientError::Unreadable { url: url.to_owned(), reason };
        let fields: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        let Some(Value::String(decision)) = fields.get("decision") else {
            return Err(unreadable("it holds no decision".to_owned()));
        };
        // From here on somebody has decided: whatever is odd now is never let through.
        if Decision::ALL.iter().all(|known| known.as_str() != decision) {
            return Err(ClientError::UnknownDecision(decision.chars().take(40).collect()));
        }
        Self::try_from(fields).map_err(|error| ClientError::Unobeyable(error.to_string()))
    }

    /// The body to send: `original`, or the redacted one. None with DENY and REQUIRE_APPROVAL: then nothing may be sent.
    pub fn body_to_forward<'a>(&'a self, original: &'a Value) -> Option<&'a Value> {
        match self.decision {
            Decision::Allow => Some(original),
            Decision::Sanitize => self.sanitized_body.as_ref(),
            Decision::Deny | Decision::RequireApproval => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableAnswer {
    #[error("`{0}` of the answer is missing")]
    Missing(&'static str),
    #[error("`{0}` of the answer has an unexpected type or value")]
    Unexpected(&'static str),
}

impl TryFrom<Map<String, Value>> for ScanAnswer {
    type Error = UnreadableAnswer;

    fn try_from(fields: Map<String, Value>) -> Result<Self, UnreadableAnswer> {
        let mut fields = Fields(fields);
        let decision = fields.take("decision")?.ok_or(UnreadableAnswer::Missing("decision"))?;
        let sanitized_body = fields.0.remove("sanitized_body");
        if decision == Decision::Sanitize && sanitized_body.is_none() {
            return Err(UnreadableAnswer::Missing("sanitized_body"));
        }
        let ledger_seq = fields.take("ledger_seq")?;
        Ok(Self {
            decision,
            would_be: fields.take("would_be")?,
            risk_score: fields.take("risk_score")?.unwrap_or_default(),
            risk_band: fields.take("risk_band")?.unwrap_or(RiskBand::Low),
            reason_codes: fields.take("reason_codes")?.unwrap_or_default(),
            tool_name: fields.take("tool_name")?.unwrap_or_default(),
            operation: fields.take("operation")?.unwrap_or_default(),
            verb: fields.take("verb")?.unwrap_or(Verb::Write),
            classifications: fields.take("classifications")?.unwrap_or_default(),
            signals: fields.take("signals")?.unwrap_or_default(),
            policy_name: fields.take("policy_name")?,
            rule_id: fields.take("rule_id")?,
            sanitized_body: sanitized_body.filter(|_| decision == Decision::Sanitize),
            redactions: fields.take("redactions")?,
            approval_id: fields.take("approval_id")?,
            approval_url: fields.take("approval_url")?,
            expires_at: fields.take("expires_at")?,
            coverage: fields.take("coverage")?.unwrap_or_default(),
            receipt: fields.take("trace_id")?.map(|trace_id| Receipt { trace_id, ledger_seq }),
            more: fields.0,
        })
    }
}

struct Fields(Map<String, Value>);

impl Fields {
    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<Option<T>, UnreadableAnswer> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                serde_json::from_value(value).map(Some).map_err(|_| UnreadableAnswer::Unexpected(name))
            }
        }
    }
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
