//! The record of scans.

use interven_types::{Decision, RiskBand, RuleRef, Timestamp, TraceId, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One recorded scan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Activity {
    pub trace_id: TraceId,
    /// Position in the tenant's log, from 1, without gaps.
    pub ledger_seq: u64,
    pub created_at: Timestamp,
    pub env: String,
    pub agent_name: String,
    /// Absent when nothing was evaluated.
    #[serde(default)]
    pub decision: Option<Decision>,
    #[serde(default)]
    pub would_be: Option<Decision>,
    pub risk_score: f64,
    pub risk_band: RiskBand,
    pub reason_codes: Vec<String>,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub method: String,
    /// Origin and path, redacted.
    pub url: String,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ActivityPage {
    pub rows: Vec<Activity>,
    /// Where the next older page starts.
    #[serde(default)]
    pub next_before_seq: Option<u64>,
}

/// One recorded scan with what explains it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trace {
    #[serde(flatten)]
    pub row: Activity,
    /// The request, redacted.
    #[serde(default)]
    pub request: Value,
    /// Sentences for a person.
    #[serde(default)]
    pub explanation: Vec<String>,
}

/// A recorded decision made again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// Whether the same comes out.
    pub same: bool,
    #[serde(default)]
    pub differences: Vec<String>,
    #[serde(default)]
    pub explanation: Vec<String>,
    #[serde(default)]
    pub rules: Vec<RulePart>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What one rule did in a decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RulePart {
    /// With the version that its policy had.
    pub rule: RuleRef,
    /// Name of the agent whose own policy it is.
    #[serde(default)]
    pub agent: Option<String>,
    /// `decided`, `spoke`, `shadow` or `silent`.
    pub part: String,
    #[serde(default)]
    pub action: Option<String>,
    #[serde(default)]
    pub why: Option<String>,
    /// What the other rules would have decided.
    #[serde(default)]
    pub without_it: Option<Decision>,
}

/// Which rows. Values are as the server reads them, so that it is the one to judge them.
#[derive(Clone, Debug, Default)]
pub struct ActivityQuery {
    pub agent_id: Option<String>,
    pub tool: Option<String>,
    pub operation: Option<String>,
    pub decision: Option<String>,
    pub band: Option<String>,
    pub class: Option<String>,
    pub env: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    /// 1–1,000.
    pub limit: Option<u32>,
}

impl ActivityQuery {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let limit = self.limit.map(|n| n.to_string());
        let all = [
            ("agent_id", &self.agent_id),
            ("tool", &self.tool),
            ("operation", &self.operation),
            ("decision", &self.decision),
            ("band", &self.band),
            ("class", &self.class),
            ("env", &self.env),
            ("since", &self.since),
            ("until", &self.until),
            ("limit", &limit),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}
