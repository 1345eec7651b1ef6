//! The answer to a scan, which explains itself.

use crate::{
    ApprovalId, DataClass, Decision, PolicyId, Redaction, RiskBand, ScopeViolation, Timestamp, TraceId, Verb,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The risk engines.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EngineName {
    Classifier,
    Baseline,
    Correlation,
    ThreatIntel,
    Semantic,
    Trust,
}

impl EngineName {
    pub const ALL: [Self; 6] =
        [Self::Classifier, Self::Baseline, Self::Correlation, Self::ThreatIntel, Self::Semantic, Self::Trust];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classifier => "classifier",
            Self::Baseline => "baseline",
            Self::Correlation => "correlation",
            Self::ThreatIntel => "threat_intel",
            Self::Semantic => "semantic",
            Self::Trust => "trust",
        }
    }

    /// Weight in the average of risk. Trust is a modifier, added to the average.
    pub fn default_weight(self) -> f64 {
        match self {
            Self::Classifier => 0.30,
            Self::Baseline | Self::Correlation => 0.15,
            Self::ThreatIntel => 0.20,
            Self::Semantic => 0.10,
            Self::Trust => 0.0,
        }
    }
}

/// What one risk engine said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Signal {
    pub engine: EngineName,
    /// 0.0–1.0. For `trust`, the modifier −0.10 … +0.20.
    pub score: f64,
    pub weight: f64,
    pub reason_codes: Vec<String>,
    /// Facts behind the score; never a value that was found.
    #[schema(value_type = Object)]
    pub details: Value,
}

/// One thing that mattered for the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Factor {
    /// A rule that matched; `decisive` when no other was stricter.
    Rule {
        rule: RuleRef,
        action: String,
        decisive: bool,
        shadow: bool,
    },
    /// A detector that found something at the given confidence.
    Detector {
        detector: String,
        class: DataClass,
        confidence: crate::Confidence,
        count: usize,
    },
    /// A risk engine set a floor under the score.
    RiskFloor {
        engine: EngineName,
        floor: f64,
        reason_code: String,
    },
    /// No rule matched and the risk was critical.
    RiskCritical {
        score: f64,
    },
    AgentSuspended,
    /// The key is for other calls; no policy was asked.
    OutsideKeyScope {
        violations: Vec<ScopeViolation>,
    },
    /// Trust below the threshold, or scrutiny set until a time.
    Scrutiny {
        trust_score: f64,
        threshold: f64,
    },
    /// A human's earlier decision answered this retry.
    Grant {
        approval_id: ApprovalId,
    },
    DenyWindow {
        approval_id: ApprovalId,
    },
    PendingApproval {
        approval_id: ApprovalId,
    },
    QueueFull {
        pending: u32,
        limit: u32,
    },
    /// The tenant has no policies.
    NoPolicy,
    /// Something could not be judged and was taken at its worst.
    FailClosed {
        reason_code: String,
        what: String,
    },
    /// The answer was loosened to ALLOW because the key, environment or tenant only monitors.
    Monitor {
        would_be: Decision,
    },
}

/// A rule by its stable names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleRef {
    pub policy_id: PolicyId,
    pub policy_name: String,
    pub policy_version: u32,
    pub rule_id: String,
}

/// What was looked at, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Coverage {
    pub evaluated: Vec<String>,
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Skipped {
    pub what: String,
    pub why: String,
}

impl Skipped {
    pub fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}

/// The approval that a held call waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalTicket {
    pub approval_id: ApprovalId,
    pub expires_at: Timestamp,
}

/// The answer to one scan, before the ledger has recorded it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub trace_id: TraceId,
    pub decision: Decision,
    /// In monitor mode, the decision that would have been.
    pub would_be: Option<Decision>,
    pub risk_score: f64,
    pub risk_band: RiskBand,
    /// Strongest first.
    pub reason_codes: Vec<String>,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub classifications: Vec<DataClass>,
    pub signals: Vec<Signal>,
    /// The rule that decided.
    pub rule: Option<RuleRef>,
    /// Not part of the record: it can be made again from the sealed request.
    #[serde(skip)]
    pub sanitized_body: Option<Value>,
    pub redactions: Vec<Redaction>,
    pub approval: Option<ApprovalTicket>,
    pub coverage: Coverage,
    pub determined_by: Vec<Factor>,
}
