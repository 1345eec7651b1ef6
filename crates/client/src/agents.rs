//! Agents and their trust.

use interven_types::{AgentId, Timestamp, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Agent {
    pub agent_id: AgentId,
    pub name: String,
    pub runtime_type: String,
    /// `active` or `suspended`.
    pub status: String,
    #[serde(default)]
    pub last_seen_at: Option<Timestamp>,
    pub trust: Trust,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trust {
    /// 0.0–1.0.
    pub trust_score: f64,
    #[serde(default)]
    pub scrutiny_until: Option<Timestamp>,
    #[serde(default)]
    pub deny_count_24h: u32,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentDetail {
    /// Newest first.
    #[serde(default)]
    pub trust_events: Vec<TrustStep>,
    #[serde(flatten)]
    pub agent: Agent,
}

/// One step of an agent's trust history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrustStep {
    pub at: Timestamp,
    pub kind: String,
    pub delta: f64,
    pub score_after: f64,
    #[serde(default)]
    pub trace_id: Option<TraceId>,
}
