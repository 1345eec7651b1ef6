//! Agents and their trust.

use crate::{AgentId, Timestamp};
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
}
