//! Human decisions: asked for once, made once, used as often as allowed.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells},
    conditions::Conditions,
    session::{Session, Tx},
    trust,
};
use async_trait::async_trait;
use interven_store::{
    Actor, ApprovalDecision, ApprovalFilter, ApprovalRow, ApprovalStatus, ApprovalStore, Change, StoreError,
    StoreResult,
};
use interven_types::{AgentId, ApprovalId, TenantId, Timestamp, TraceId, TrustEvent, TrustEventKind};
use serde_json::json as object;
use std::time::Duration;
use tokio_postgres::types::Type;

const COLUMNS: &str = "approval_id, trace_id, agent_id, agent_name, env, status, created_at, expires_at, tool_name,
    operation, verb, method, url, risk_score, risk_band, reason_codes, rule, escalate_to, approvers, decided_at,
    decided_by, decided_from, note, window_ends_at, uses, max_uses";

fn approval_row(row: &Cells<'_>, now: Timestamp) -> StoreResult<ApprovalRow> {
    let mut approval = ApprovalRow {
        approval_id: ApprovalId(row.uuid("approval_id")?),
        trace_id: TraceId(row.uuid("trace_id")?),
        agent_id: AgentId(row.uuid("agent_id")?),
        agent_name: row.string("agent_name")?,
        env: row.string("env")?,
        status: row.word("status")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        tool_name: row.string("tool_name")?,
        operation: row.string("operation")?,
        verb: row.word("verb")?,
        method: row.string("method")?,
        url: row.string("url")?,
        risk_score: row.real("risk_score")?,
        risk_band: row.word("risk_band")?,
        reason_codes: row.json("reason_codes")?,
        rule: row.optional_json("rule")?,
        escalate_to: row.json("escalate_to")?,
        approvers: row.json("approvers")?,
        decided_at: row.optional_time("decided_at")?,
        decided_by: row.optional_string("decided_by")?,
        decided_from: row.optional_string("decided_from")?,
        note: row.optional_string("note")?,
        window_ends_at: row.optional_time("window_ends_at")?,
        uses: row.number("uses")?,
        max_uses: row.optional_number("max_uses")?,
    };
    if approval.status == ApprovalStatus::Pending && approval.expires_at <= now {
        approval.status = ApprovalStatus::Expired;
    }
    Ok(approval)
}

async fn find(db: &Session, tenant: TenantId, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
    let sql = format!("SELECT {COLUMNS} FROM approvals WHERE approval_id = $1 AND tenant_id = $2");
    let found = db.row(&sql, &[&id.0, &tenant.0], |row| approval_row(row, now)).await?;
    found.ok_or(StoreError::NotFound("approval"))
}

/// Why a decision comes too late: who decided what, and when.
fn too_late(approval: &ApprovalRow) -> StoreError {
    StoreError::Conflict(match (&approval.decided_by, approval.decided_at) {
        (Some(who), Some(when)) => format!("already {} by {who} at {when}", approval.status.as_str()),
        _ => format!("the approval expired at {}", approval.expires_at),
    })
}

async fn lower_trust(tx: &Tx, tenant: TenantId, approval: &ApprovalRow, now: Timestamp) -> StoreResult<()> {
    let agent = approval.agent_id;
    // Somebody may be mending the row by hand: what they write is read.
    tx.change("SELECT 1 FROM agent_trust_state WHERE agent_id = $1 FOR NO KEY UPDATE", &[&agent.0]).await?;
    let mut trust = trust::trust_of(tx, tenant, agent, now).await?;
    let kind = TrustEventKind::ApprovalDenied;
    trust.trust_score = (trust.trust_score + kind.delta()).clamp(0.0, 1.0);
    trust.clean_streak = 0;
    trust.updated_at = now;
    let event = TrustEvent {
        at: now,
        kind,
        delta: kind.delta(),
        score_after: trust.trust_score,
        trace_id: Some(approval.trace_id),
    };
    trust::add_event(tx, tenant, agent, &event).await?;
    trust::save(tx, tenant, &trust).await
}

#[async_trait]
impl ApprovalStore for PostgresStore {
    async fn approval(&self, tenant: TenantId, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
        find(&self.session().await?, tenant, id, now).await
    }

    async fn approval_anywhere(&self, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
        let sql = format!("SELECT {COLUMNS} FROM approvals WHERE approval_id = $1");
        let found = self.session().await?.row(&sql, &[&id.0], |row| approval_row(row, now)).await?;
        found.ok_or(StoreError::NotFound("approval"))
    }

    async fn approvals(
        &self,
        tenant: TenantId,
        filter: &ApprovalFilter,
        now: Timestamp,
    ) -> StoreResult<Vec<ApprovalRow>> {
        let mut conditions = Conditions::of(tenant);
        if let Some(agent) = filter.agent_id {
            conditions.and_with("agent_id = ?", agent.0, Type::UUID);
        }
        match filter.status {
            Some(ApprovalStatus::Pending) => {
                conditions.and_with("status = 'pending' AND expires_at > ?", At(now), Type::TIMESTAMPTZ);
            }
            // Overdue ones read as expired before they are turned into it.
            Some(ApprovalStatus::Expired) => conditions.and_with(
                "(status = 'expired' OR (status = 'pending' AND expires_at <= ?))",
                At(now),
                Type::TIMESTAMPTZ,
            ),
            Some(status) => conditions.and_with("status = ?", status.as_str(), Type::TEXT),
            None => {}
        }
        let limit = filter.limit.clamp(1, 500);
        let sql = format!(
            "SELECT {COLUMNS} FROM approvals WHERE {} ORDER BY created_at DESC, approval_id DESC LIMIT {limit}",
            conditions.sql
        );
        conditions.rows(&self.session().await?, &sql, |row| approval_row(row, now)).await
    }

    async fn decide_approval(
        &self,
        tenant: TenantId,
        id: ApprovalId,
        decision: ApprovalDecision,
        note: Option<&str>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<ApprovalRow> {
        let (status, window, action) = match decision {
            ApprovalDecision::Approve => {
                (ApprovalStatus::Approved, "grant_window_seconds", "approval.approve")
            }
            ApprovalDecision::Deny => (ApprovalStatus::Denied, "deny_window_seconds", "approval.deny"),
        };
        let mut tx = self.begin(tenant).await?;
        let approval = find(&tx, tenant, id, now).await?;
        if approval.status != ApprovalStatus::Pending {
            return Err(too_late(&approval));
        }
        let sql = format!("SELECT {window} AS seconds FROM approvals WHERE approval_id = $1");
        let seconds = tx.row(&sql, &[&id.0], |row| row.number("seconds")).await?.unwrap_or(0);
        let window_ends_at = now.saturating_add(Duration::from_secs(seconds));
        tx.change(
            "UPDATE approvals SET status = $2, decided_at = $3, decided_by = $4, decided_from = $5, note = $6,
                window_ends_at = $7
             WHERE approval_id = $1",
            &[&id.0, &status.as_str(), &At(now), &actor.name, &actor.origin, &note, &At(window_ends_at)],
        )
        .await?;
        if decision == ApprovalDecision::Deny {
            lower_trust(&tx, tenant, &approval, now).await?;
            tx.announce(Change::Agent(tenant, approval.agent_id));
        }
        let details = object!({"note": note, "agent_id": approval.agent_id, "trace_id": approval.trace_id});
        audit::record(&tx, tenant, actor, now, action, &id.to_string(), &details).await?;
        tx.announce(Change::Approval(tenant, id));
        let decided = find(&tx, tenant, id, now).await?;
        tx.commit().await?;
        Ok(decided)
    }

    async fn expire_approvals(&self, now: Timestamp) -> StoreResult<u64> {
        let sql = "SELECT DISTINCT tenant_id FROM approvals WHERE status = 'pending' AND expires_at <= $1";
        let read = |row: &Cells<'_>| Ok(TenantId(row.uuid("tenant_id")?));
        let overdue = self.session().await?.rows(sql, &[&At(now)], read).await?;
        let mut many = 0;
        for tenant in overdue {
            let mut tx = self.begin(tenant).await?;
            let sql = "UPDATE approvals SET status = 'expired'
                 WHERE tenant_id = $1 AND status = 'pending' AND expires_at <= $2 RETURNING approval_id";
            let expired =
                tx.rows(sql, &[&tenant.0, &At(now)], |row| Ok(ApprovalId(row.uuid("approval_id")?))).await?;
            many += expired.len() as u64;
            expired.into_iter().for_each(|id| tx.announce(Change::Approval(tenant, id)));
            tx.commit().await?;
        }
        Ok(many)
    }
}
