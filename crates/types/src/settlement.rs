//! What the record of a scan decides and changes together with it: approvals, trust, incidents.

use crate::{
    AgentId, ApprovalId, BudgetKey, Millionths, RiskBand, RuleRef, Timestamp, TraceId, TrustState, Verb,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is already known about an identical call of the same agent.
#[derive(Clone, Debug, PartialEq)]
pub enum PriorApproval {
    Pending {
        approval_id: ApprovalId,
        expires_at: Timestamp,
    },
    /// Inside its window, with a use left or already used under the same idempotency key.
    Granted {
        approval_id: ApprovalId,
    },
    /// Inside its window.
    Denied {
        approval_id: ApprovalId,
    },
}

/// What the store knows, inside the transaction, when a scan is settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Precedent {
    pub prior: Option<PriorApproval>,
    /// Live pending approvals, not counting `prior`.
    pub pending_of_agent: u32,
    pub pending_of_tenant: u32,
    /// The agent's trust as stored now.
    pub trust: TrustState,
    /// DENYs of this agent in the last hour, for the incident trigger.
    pub denials_1h: u32,
    /// The highest trust in the last hour, for the collapse trigger.
    pub highest_trust_1h: f64,
    /// What the budgets have been used for, of those that were asked for; absent: nothing yet.
    pub budgets_used: BTreeMap<BudgetKey, Millionths>,
}

/// What a scan asks for when a human must decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewApproval {
    pub approval_id: ApprovalId,
    /// Identity of the exact call: HMAC-SHA256 over tenant, environment, agent, method, canonical URL, tool, operation
    /// and canonical body (RFC 8785).
    pub signature: [u8; 32],
    pub trace_id: TraceId,
    pub agent_id: AgentId,
    pub agent_name: String,
    pub env: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub tool_name: String,
    pub operation: String,
    pub verb: Verb,
    pub method: String,
    /// Origin and path, redacted.
    pub url: String,
    pub risk_score: f64,
    pub risk_band: RiskBand,
    pub reason_codes: Vec<String>,
    pub rule: Option<RuleRef>,
    pub escalate_to: Vec<String>,
    /// Roles or users who may decide; empty means everyone whose role may.
    pub approvers: Vec<String>,
    /// Absent: unlimited within the window.
    pub max_uses: Option<u32>,
    /// Windows as set when the approval was made.
    pub grant_window_seconds: u64,
    pub deny_window_seconds: u64,
}

/// What settling a scan does to approvals, in the transaction of its record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalEffect {
    None,
    Create(Box<NewApproval>),
    /// Counts one use; a repeated idempotency key counts once.
    Use {
        approval_id: ApprovalId,
        idempotency_key: Option<String>,
    },
}

/// Opens an incident, or joins the open one of the same agent and trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncidentEffect {
    /// `CRITICAL_DENY`, `DENY_BURST`, `TRUST_COLLAPSE`, `RULE`, …
    pub trigger: String,
    pub severity: RiskBand,
    pub title: String,
}
