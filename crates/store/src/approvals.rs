//! Human decisions: asked for once, made once.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{AgentId, ApprovalId, RiskBand, RuleRef, TenantId, Timestamp, TraceId, Verb};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalStatus {
    Pending,
    Approved,
    Denied,
    Expired,
    Executed,
}

impl ApprovalStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Executed => "executed",
        }
    }
}

/// One approval as analysts see it. It never holds what was redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApprovalRow {
    pub approval_id: ApprovalId,
    /// The scan that asked.
    pub trace_id: TraceId,
    pub agent_id: AgentId,
    pub agent_name: String,
    pub env: String,
    pub status: ApprovalStatus,
    pub created_at: Timestamp,
    /// When waiting ends.
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
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    /// `console`, `slack`, `cli`, …
    pub decided_from: Option<String>,
    pub note: Option<String>,
    /// Until when the decision answers identical retries.
    pub window_ends_at: Option<Timestamp>,
    pub uses: u32,
    /// Absent: unlimited within the window.
    pub max_uses: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalDecision {
    Approve,
    Deny,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    pub status: Option<ApprovalStatus>,
    pub agent_id: Option<AgentId>,
    /// 1–500.
    pub limit: u32,
}

#[async_trait]
pub trait ApprovalStore: Send + Sync {
    /// Reads one; a pending one past its time reads as expired.
    async fn approval(&self, tenant: TenantId, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow>;
    /// For the internal status endpoint, which carries no key: only status fields may leave it.
    async fn approval_anywhere(&self, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow>;
    /// Newest first.
    async fn approvals(
        &self,
        tenant: TenantId,
        filter: &ApprovalFilter,
        now: Timestamp,
    ) -> StoreResult<Vec<ApprovalRow>>;
    /// First writer wins: anything but a live pending approval is a conflict that says who decided what.
    /// A denial lowers the agent's trust in the same transaction.
    async fn decide_approval(
        &self,
        tenant: TenantId,
        id: ApprovalId,
        decision: ApprovalDecision,
        note: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<ApprovalRow>;
    /// Turns overdue pending approvals into expired ones, announces each, returns how many.
    async fn expire_approvals(&self, now: Timestamp) -> StoreResult<u64>;
}
