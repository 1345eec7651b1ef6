//! The answer to a scan. It can only be made of a recorded verdict.

use axum::http::StatusCode;
use interven_live::Recorded;
use interven_types::{
    ApprovalId, Coverage, DataClass, Decision, Factor, PolicyId, Redaction, RiskBand, RuleRef,
    ScopeViolation, Signal, Timestamp, TraceId, Verb,
};
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ScanAnswer {
    pub decision: Decision,
    /// 0.0–1.0.
    pub risk_score: f64,
    pub risk_band: RiskBand,
    /// Strongest first.
    pub reason_codes: Vec<String>,
    pub trace_id: TraceId,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    /// Data classes found with MEDIUM confidence or above.
    pub classifications: Vec<DataClass>,
    /// One per risk engine that ran.
    pub signals: Vec<Signal>,
    /// In monitor mode, the decision that would have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_be: Option<Decision>,
    /// The rule that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<PolicyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<String>,
    /// With `EPHEMERAL_SCOPE_VIOLATION`: what of the call the key is not for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ScopeViolation>,
    /// With SANITIZE: the body to send, of the same JSON shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub sanitized_body: Option<Value>,
    /// With SANITIZE: what was replaced, never the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redactions: Option<Vec<Redaction>>,
    /// With REQUIRE_APPROVAL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub coverage: Coverage,
    /// Position of the record in the audit log: a receipt. `null` while the store is away and the record waits on the
    /// gateway's disk; `coverage.skipped` then says so.
    pub ledger_seq: Option<u64>,
    /// Rules that spoke.
    #[serde(skip)]
    pub rules: Vec<RuleRef>,
}

impl ScanAnswer {
    pub(crate) fn new(recorded: Recorded, approval_base_url: &str) -> Self {
        let (verdict, ledger_seq) = recorded.into_parts();
        let is_sanitized = verdict.decision == Decision::Sanitize;
        let (policy_id, policy_name, rule_id) = match verdict.rule {
            Some(rule) => (Some(rule.policy_id), Some(rule.policy_name), Some(rule.rule_id)),
            None => (None, None, None),
        };
        let mut rules = Vec::new();
        let mut violations = Vec::new();
        for factor in verdict.determined_by {
            match factor {
                Factor::Rule { rule, shadow: false, .. } => rules.push(rule),
                Factor::OutsideKeyScope { violations: found } => violations = found,
                _ => {}
            }
        }
        let ticket = verdict.approval;
        Self {
            decision: verdict.decision,
            risk_score: verdict.risk_score,
            risk_band: verdict.risk_band,
            reason_codes: verdict.reason_codes,
            trace_id: verdict.trace_id,
            tool_name: verdict.tool_name,
            operation: verdict.operation,
            verb: verdict.verb,
            classifications: verdict.classifications,
            signals: verdict.signals,
            would_be: verdict.would_be,
            policy_id,
            policy_name,
            rule_id,
            violations,
            sanitized_body: verdict.sanitized_body,
            redactions: is_sanitized.then_some(verdict.redactions),
            approval_url: ticket.as_ref().map(|t| format!("{approval_base_url}/approvals/{}", t.approval_id)),
            approval_id: ticket.as_ref().map(|t| t.approval_id),
            expires_at: ticket.map(|t| t.expires_at),
            coverage: verdict.coverage,
            ledger_seq,
            rules,
        }
    }

    /// Where the answer also says what was done: 200 it may go out, 202 it waits, 403 it may not.
    pub(crate) fn http_status(&self) -> StatusCode {
        match self.decision {
            Decision::Allow | Decision::Sanitize => StatusCode::OK,
            Decision::RequireApproval => StatusCode::ACCEPTED,
            Decision::Deny => StatusCode::FORBIDDEN,
        }
    }
}
