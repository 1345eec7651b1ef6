//! Human decisions.

use interven_types::{AgentId, ApprovalId, RiskBand, Timestamp, TraceId, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approval {
    pub approval_id: ApprovalId,
    pub trace_id: TraceId,
    pub agent_name: String,
    /// `pending`, `approved`, `denied`, `expired`, `executed`.
    pub status: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub method: String,
    pub url: String,
    pub risk_band: RiskBand,
    pub reason_codes: Vec<String>,
    #[serde(default)]
    pub decided_by: Option<String>,
    #[serde(default)]
    pub decided_at: Option<Timestamp>,
    #[serde(default)]
    pub note: Option<String>,
    /// Until when the decision answers identical retries.
    #[serde(default)]
    pub window_ends_at: Option<Timestamp>,
    /// The redacted request, where one approval is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What a person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    Approve,
    Deny,
}

impl Ruling {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct ApprovalQuery {
    pub status: Option<String>,
    pub agent_id: Option<AgentId>,
    /// 1–500.
    pub limit: Option<u32>,
}

impl ApprovalQuery {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let agent_id = self.agent_id.map(|id| id.to_string());
        let limit = self.limit.map(|n| n.to_string());
        let all = [("status", self.status.clone()), ("agent_id", agent_id), ("limit", limit)];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
