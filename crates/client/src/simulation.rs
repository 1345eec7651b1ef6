//! A draft of policies tried on recorded scans.

use interven_types::{Timestamp, TraceId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which scans, and where the draft would be in force.
#[derive(Clone, Debug, Default)]
pub struct SimulationQuery {
    /// In place of the environments that the policies name.
    pub env: Option<String>,
    /// Judge by the draft alone, without the tenant's other policies.
    pub alone: bool,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub agent_id: Option<String>,
    pub tool: Option<String>,
    /// The newest scans, at most so many.
    pub limit: Option<u64>,
}

impl SimulationQuery {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("env", self.env.clone()),
            ("alone", self.alone.then(|| "true".to_owned())),
            ("since", self.since.map(|time| time.to_string())),
            ("until", self.until.map(|time| time.to_string())),
            ("agent_id", self.agent_id.clone()),
            ("tool", self.tool.clone()),
            ("limit", self.limit.map(|n| n.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct SimulationProgress {
    pub scans: u64,
    pub of: u64,
}

/// One line of the answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SimulationLine {
    Progress(SimulationProgress),
    Report(Box<Simulation>),
    Error(Map<String, Value>),
}

/// What a draft would change.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Simulation {
    #[serde(default)]
    pub since: Option<Timestamp>,
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Where the draft is in force; empty when that is everywhere. Scans of other environments are left out.
    #[serde(default)]
    pub environments: Vec<String>,
    /// Scans read: changed, unchanged and not judged.
    pub scans: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Of the unchanged: decided alike, by another rule.
    #[serde(default)]
    pub by_another_rule: u64,
    /// Recorded while only monitoring was on, and compared by what would have been.
    #[serde(default)]
    pub monitored: u64,
    pub not_judged: NotJudged,
    /// The most frequent first.
    pub changes: Vec<SimulatedChange>,
    /// Every rule of the draft.
    pub rules: Vec<RuleUse>,
    /// What the policies in force decide otherwise today than was recorded: no doing of the draft.
    #[serde(default)]
    pub recorded_otherwise: Vec<RecordedOtherwise>,
    #[serde(default)]
    pub elapsed_ms: u64,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotJudged {
    /// Nothing was evaluated when they were recorded.
    pub nothing_evaluated: u64,
    /// Their record does not open, or cannot be read.
    pub unreadable: u64,
    #[serde(default)]
    pub examples: Vec<UnreadableScan>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnreadableScan {
    /// Position in the tenant's log.
    pub ledger_seq: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    pub why: String,
}

/// Scans that become of one thing another. The words are those of a rule's `action`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatedChange {
    /// With the policies in force.
    pub from: String,
    /// With the draft.
    pub to: String,
    /// The body would be redacted otherwise: all that changes when `from` is `to`.
    #[serde(default)]
    pub redacts_otherwise: bool,
    pub scans: u64,
    /// The newest of them.
    pub examples: Vec<SimulatedScan>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatedScan {
    pub trace_id: TraceId,
    pub created_at: Timestamp,
    pub env: String,
    pub agent_name: String,
    pub tool_name: String,
    pub operation: String,
    /// With the policies in force.
    pub from: SimulatedSide,
    /// With the draft.
    pub to: SimulatedSide,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatedSide {
    pub effect: String,
    /// Absent when no rule decided.
    #[serde(default)]
    pub rule: Option<RuleName>,
    #[serde(default)]
    pub reason_code: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleName {
    pub policy: String,
    pub rule_id: String,
}

/// How often a rule of the draft matched when it was asked, and how often it decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RuleUse {
    pub policy: String,
    /// Absent: every environment.
    #[serde(default)]
    pub env_name: Option<String>,
    pub rule_id: String,
    pub action: String,
    #[serde(default)]
    pub shadow: bool,
    pub matched: u64,
    pub decided: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedOtherwise {
    /// `engine`, `detectors`, `settings`, `policies`; empty when nothing is known that has changed.
    pub changed_since: Vec<String>,
    pub scans: u64,
    #[serde(default)]
    pub examples: Vec<TraceId>,
}
