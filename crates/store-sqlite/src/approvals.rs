//! Human decisions: asked for once, made once, used as often as allowed.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, count, json},
    trust,
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, ApprovalDecision, ApprovalFilter, ApprovalRow, ApprovalStatus, ApprovalStore, Change,
    KnownApproval, PRECEDENTS, StoreError, StoreResult,
};
use interven_types::{
    AgentId, ApprovalId, NewApproval, PriorApproval, TenantId, Timestamp, TrustEvent, TrustEventKind,
};
use rusqlite::{Connection, params, params_from_iter};
use serde_json::json as object;
use std::time::Duration;

fn approval_row(row: &Cells<'_>, now: Timestamp) -> StoreResult<ApprovalRow> {
    let mut approval = ApprovalRow {
        approval_id: row.parsed("approval_id")?,
        trace_id: row.parsed("trace_id")?,
        agent_id: row.parsed("agent_id")?,
        agent_name: row.string("agent_name")?,
        env: row.string("env")?,
        status: row.word("status")?,
        created_at: row.parsed("created_at")?,
        expires_at: row.parsed("expires_at")?,
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
        decided_at: row.optional_parsed("decided_at")?,
        decided_by: row.optional_string("decided_by")?,
        decided_from: row.optional_string("decided_from")?,
        note: row.optional_string("note")?,
        window_ends_at: row.optional_parsed("window_ends_at")?,
        uses: row.number("uses")?,
        max_uses: row.optional_number("max_uses")?,
    };
    if approval.status == ApprovalStatus::Pending && approval.expires_at <= now {
        approval.status = ApprovalStatus::Expired;
    }
    Ok(approval)
}

fn find(db: &Connection, tenant: TenantId, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
    let sql = "SELECT * FROM approvals WHERE approval_id = ?1 AND tenant_id = ?2";
    let found = db.row(sql, [id.to_string(), tenant.to_string()], |row| approval_row(row, now))?;
    found.ok_or(StoreError::NotFound("approval"))
}

/// What a human already said, or is still asked, about this exact call of this agent.
pub(crate) fn precedent(
    db: &Connection,
    tenant: TenantId,
    agent: AgentId,
    signature: &[u8; 32],
    idempotency_key: Option<&str>,
    now: Timestamp,
) -> StoreResult<Option<PriorApproval>> {
    let newest_first = db.rows(
        "SELECT approval_id, status, created_at, expires_at, window_ends_at, uses, max_uses,
            EXISTS (SELECT 1 FROM approval_uses AS u
                    WHERE u.approval_id = a.approval_id AND u.idempotency_key = ?4) AS is_repeat
         FROM approvals AS a WHERE agent_id = ?1 AND signature = ?2 AND tenant_id = ?3
         ORDER BY created_at DESC, rowid DESC LIMIT ?5",
        params![agent.to_string(), signature, tenant.to_string(), idempotency_key, PRECEDENTS],
        |row| {
            let known = KnownApproval {
                approval_id: row.parsed("approval_id")?,
                status: row.word("status")?,
                created_at: row.parsed("created_at")?,
                expires_at: row.parsed("expires_at")?,
                window_ends_at: row.optional_parsed("window_ends_at")?,
                uses: row.number("uses")?,
                max_uses: row.optional_number("max_uses")?,
            };
            Ok(known.about_retry(now, row.is_set("is_repeat")?))
        },
    )?;
    Ok(newest_first.into_iter().flatten().next())
}

/// Approvals that wait.
pub(crate) struct Waiting {
    pub of_agent: u32,
    pub of_tenant: u32,
}

pub(crate) fn waiting(
    db: &Connection,
    tenant: TenantId,
    agent: AgentId,
    now: Timestamp,
) -> StoreResult<Waiting> {
    let counted = db.row(
        "SELECT count(*) AS of_tenant, ifnull(sum(agent_id = ?2), 0) AS of_agent FROM approvals
         WHERE status = 'pending' AND tenant_id = ?1 AND expires_at > ?3",
        [tenant.to_string(), agent.to_string(), now.to_string()],
        |row| Ok(Waiting { of_agent: row.number("of_agent")?, of_tenant: row.number("of_tenant")? }),
    )?;
    Ok(counted.unwrap_or(Waiting { of_agent: 0, of_tenant: 0 }))
}

pub(crate) fn create(tx: &Tx<'_>, tenant: TenantId, approval: &NewApproval) -> StoreResult<()> {
    tx.change(
        "INSERT INTO approvals (
            approval_id, tenant_id, agent_id, signature, trace_id, agent_name, env, status, created_at, expires_at,
            tool_name, operation, verb, method, url, risk_score, risk_band, reason_codes, rule, escalate_to, approvers,
            grant_window_seconds, deny_window_seconds, max_uses
         ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
            ?21, ?22, ?23)",
        params![
            approval.approval_id.to_string(),
            tenant.to_string(),
            approval.agent_id.to_string(),
            approval.signature,
            approval.trace_id.to_string(),
            approval.agent_name,
            approval.env,
            approval.created_at.to_string(),
            approval.expires_at.to_string(),
            approval.tool_name,
            approval.operation,
            approval.verb.as_str(),
            approval.method,
            approval.url,
            approval.risk_score,
            approval.risk_band.as_str(),
            json(&approval.reason_codes)?,
            approval.rule.as_ref().map(json).transpose()?,
            json(&approval.escalate_to)?,
            json(&approval.approvers)?,
            count(approval.grant_window_seconds),
            count(approval.deny_window_seconds),
            approval.max_uses
        ],
    )?;
    Ok(())
}

/// Counts one use; a repeated idempotency key counts once. A grant that is used up is a conflict.
pub(crate) fn use_once(
    tx: &Tx<'_>,
    tenant: TenantId,
    id: ApprovalId,
    idempotency_key: Option<&str>,
) -> StoreResult<()> {
    if let Some(key) = idempotency_key {
        let sql =
            "INSERT INTO approval_uses (approval_id, idempotency_key) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        if tx.change(sql, [&id.to_string(), key])? == 0 {
            return Ok(());
        }
    }
    let used = tx.change(
        "UPDATE approvals SET uses = uses + 1
         WHERE approval_id = ?1 AND tenant_id = ?2 AND status = 'approved' AND (max_uses IS NULL OR uses < max_uses)",
        [id.to_string(), tenant.to_string()],
    )?;
    if used == 0 { Err(StoreError::Conflict("the approval has no use left".to_owned())) } else { Ok(()) }
}

/// Why a decision comes too late: who decided what, and when.
fn too_late(approval: &ApprovalRow) -> StoreError {
    StoreError::Conflict(match (&approval.decided_by, approval.decided_at) {
        (Some(who), Some(when)) => format!("already {} by {who} at {when}", approval.status.as_str()),
        _ => format!("the approval expired at {}", approval.expires_at),
    })
}

fn lower_trust(tx: &Tx<'_>, tenant: TenantId, approval: &ApprovalRow, now: Timestamp) -> StoreResult<()> {
    let mut trust = trust::trust_of(tx, tenant, approval.agent_id, now)?;
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
    trust::add_event(tx, tenant, approval.agent_id, &event)?;
    trust::save(tx, tenant, &trust)
}

#[async_trait]
impl ApprovalStore for SqliteStore {
    async fn approval(&self, tenant: TenantId, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
        self.read(move |db| find(db, tenant, id, now)).await
    }

    async fn approval_anywhere(&self, id: ApprovalId, now: Timestamp) -> StoreResult<ApprovalRow> {
        self.read(move |db| {
            let sql = "SELECT * FROM approvals WHERE approval_id = ?1";
            let found = db.row(sql, [id.to_string()], |row| approval_row(row, now))?;
            found.ok_or(StoreError::NotFound("approval"))
        })
        .await
    }

    async fn approvals(
        &self,
        tenant: TenantId,
        filter: &ApprovalFilter,
        now: Timestamp,
    ) -> StoreResult<Vec<ApprovalRow>> {
        let filter = filter.clone();
        self.read(move |db| {
            let mut sql = "SELECT * FROM approvals WHERE tenant_id = ?".to_owned();
            let mut values = vec![tenant.to_string()];
            if let Some(agent) = filter.agent_id {
                sql.push_str(" AND agent_id = ?");
                values.push(agent.to_string());
            }
            match filter.status {
                Some(ApprovalStatus::Pending) => {
                    sql.push_str(" AND status = 'pending' AND expires_at > ?");
                    values.push(now.to_string());
                }
                // Overdue ones read as expired before they are turned into it.
                Some(ApprovalStatus::Expired) => {
                    sql.push_str(" AND (status = 'expired' OR (status = 'pending' AND expires_at <= ?))");
                    values.push(now.to_string());
                }
                Some(status) => {
                    sql.push_str(" AND status = ?");
                    values.push(status.as_str().to_owned());
                }
                None => {}
            }
            let limit = filter.limit.clamp(1, 500);
            sql.push_str(&format!(" ORDER BY created_at DESC, rowid DESC LIMIT {limit}"));
            db.rows(&sql, params_from_iter(values), |row| approval_row(row, now))
        })
        .await
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
        let (note, actor) = (note.map(str::to_owned), actor.clone());
        let (status, window, action) = match decision {
            ApprovalDecision::Approve => {
                (ApprovalStatus::Approved, "grant_window_seconds", "approval.approve")
            }
            ApprovalDecision::Deny => (ApprovalStatus::Denied, "deny_window_seconds", "approval.deny"),
        };
        self.write(move |tx| {
            let approval = find(tx, tenant, id, now)?;
            if approval.status != ApprovalStatus::Pending {
                return Err(too_late(&approval));
            }
            let sql = format!("SELECT {window} AS seconds FROM approvals WHERE approval_id = ?1");
            let seconds = tx.row(&sql, [id.to_string()], |row| row.number("seconds"))?.unwrap_or(0);
            let window_ends_at = now.saturating_add(Duration::from_secs(seconds));
            tx.change(
                "UPDATE approvals SET status = ?2, decided_at = ?3, decided_by = ?4, decided_from = ?5, note = ?6,
                    window_ends_at = ?7
                 WHERE approval_id = ?1",
                params![
                    id.to_string(),
                    status.as_str(),
                    now.to_string(),
                    actor.name,
                    actor.origin,
                    note,
                    window_ends_at.to_string()
                ],
            )?;
            if decision == ApprovalDecision::Deny {
                lower_trust(tx, tenant, &approval, now)?;
                tx.announce(Change::Agent(tenant, approval.agent_id));
            }
            let details = object!({"note": note, "agent_id": approval.agent_id, "trace_id": approval.trace_id});
            audit::record(tx, tenant, &actor, now, action, &id.to_string(), &details)?;
            tx.announce(Change::Approval(tenant, id));
            find(tx, tenant, id, now)
        })
        .await
    }

    async fn expire_approvals(&self, now: Timestamp) -> StoreResult<u64> {
        self.write(move |tx| {
            let expired = tx.rows(
                "UPDATE approvals SET status = 'expired' WHERE status = 'pending' AND expires_at <= ?1
                 RETURNING tenant_id, approval_id",
                [now.to_string()],
                |row| Ok(Change::Approval(row.parsed("tenant_id")?, row.parsed("approval_id")?)),
            )?;
            let many = expired.len() as u64;
            expired.into_iter().for_each(|change| tx.announce(change));
            Ok(many)
        })
        .await
    }
}
