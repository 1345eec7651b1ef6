//! Agents and their trust.

use crate::{AgentId, Timestamp, TraceId, TrustEvent, TrustEventKind};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentStatus {
    Active,
    /// Everything this agent asks is denied.
    Suspended,
}

/// What kind of caller an agent is. Anything unknown is `custom`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuntimeType {
    Langchain,
    Langgraph,
    Crewai,
    OpenaiAssistants,
    Mcp,
    Openclaw,
    ClaudeCode,
    Cursor,
    Copilot,
    BrowserUse,
    ComputerUse,
    Python,
    Node,
    #[default]
    #[serde(other)]
    Custom,
}

impl RuntimeType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Langchain => "langchain",
            Self::Langgraph => "langgraph",
            Self::Crewai => "crewai",
            Self::OpenaiAssistants => "openai_assistants",
            Self::Mcp => "mcp",
            Self::Openclaw => "openclaw",
            Self::ClaudeCode => "claude_code",
            Self::Cursor => "cursor",
            Self::Copilot => "copilot",
            Self::BrowserUse => "browser_use",
            Self::ComputerUse => "computer_use",
            Self::Python => "python",
            Self::Node => "node",
            Self::Custom => "custom",
        }
    }

    pub fn named(text: &str) -> Self {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap_or_default()
    }
}

/// Trust recovers by this much in an hour.
const RECOVERY_PER_HOUR: f64 = 0.01;

/// One row of `agent_trust_state`. Names are a contract: operators mend it by SQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustState {
    pub agent_id: AgentId,
    /// 0.0–1.0, starts at 1.0.
    pub trust_score: f64,
    pub scrutiny_until: Option<Timestamp>,
    pub high_risk_count_1h: u32,
    pub critical_count_24h: u32,
    pub ti_match_count_24h: u32,
    pub semantic_match_count_24h: u32,
    pub deny_count_24h: u32,
    pub approval_count_24h: u32,
    /// Clean calls since the last event that was not one.
    pub clean_streak: u32,
    pub updated_at: Timestamp,
}

impl TrustState {
    pub fn fresh(agent_id: AgentId, now: Timestamp) -> Self {
        Self {
            agent_id,
            trust_score: 1.0,
            scrutiny_until: None,
            high_risk_count_1h: 0,
            critical_count_24h: 0,
            ti_match_count_24h: 0,
            semantic_match_count_24h: 0,
            deny_count_24h: 0,
            approval_count_24h: 0,
            clean_streak: 0,
            updated_at: now,
        }
    }
    /// The score at `now`, with the slow recovery toward 1.0 since the last change.
    pub fn recovered(&self, now: Timestamp) -> f64 {
        let hours = now.since(self.updated_at).as_secs_f64() / 3_600.0;
        rounded(self.trust_score + RECOVERY_PER_HOUR * hours)
    }

    /// Moves the score by what an event of this kind costs or earns, and counts it. Recovery is the caller's.
    pub fn take_in(&mut self, kind: TrustEventKind, trace_id: Option<TraceId>, now: Timestamp) -> TrustEvent {
        self.count(kind);
        self.trust_score = rounded(self.trust_score + kind.delta());
        TrustEvent { at: now, kind, delta: kind.delta(), score_after: self.trust_score, trace_id }
    }

    fn count(&mut self, kind: TrustEventKind) {
        let bump = |counter: &mut u32| *counter = counter.saturating_add(1);
        match kind {
            TrustEventKind::Deny => bump(&mut self.deny_count_24h),
            TrustEventKind::CriticalDeny => {
                bump(&mut self.deny_count_24h);
                bump(&mut self.critical_count_24h);
                bump(&mut self.high_risk_count_1h);
            }
            TrustEventKind::HighRisk => bump(&mut self.high_risk_count_1h),
            TrustEventKind::ThreatMatch => bump(&mut self.ti_match_count_24h),
            TrustEventKind::SemanticMatch => bump(&mut self.semantic_match_count_24h),
            TrustEventKind::ApprovalRequested => bump(&mut self.approval_count_24h),
            TrustEventKind::Anomaly
            | TrustEventKind::ApprovalDenied
            | TrustEventKind::ApprovedRetry
            | TrustEventKind::CleanStreak
            | TrustEventKind::Inherited
            | TrustEventKind::Reset => {}
        }
    }
}

/// Within 0.0–1.0 and to four decimals, so that ten steps of 0.05 are 0.5 and not a hair less.
fn rounded(score: f64) -> f64 {
    (score.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0
}
