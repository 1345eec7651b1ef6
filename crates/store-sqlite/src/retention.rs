//! Taking what is older than its tenant keeps, a few rows in each transaction.

use crate::{
    SqliteStore, audit, ledger, scans,
    sql::{Cells, Sql, count},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Log, PRUNED_AT_ONCE, Pruned, RetentionRun, RetentionStore, StoreError, StoreResult,
};
use interven_types::{TenantId, Timestamp};
use rusqlite::{Connection, params};
use serde_json::json;

fn run_row(row: &Cells<'_>) -> StoreResult<RetentionRun> {
    Ok(RetentionRun {
        started_at: row.parsed("started_at")?,
        older_than: row.parsed("older_than")?,
        through: row.number("through")?,
        pruned: Pruned {
            scans: row.number("scans")?,
            responses: row.number("responses")?,
            approvals: row.number("approvals")?,
            trust_events: row.number("trust_events")?,
            budget_days: row.number("budget_days")?,
        },
        ended_at: row.optional_parsed("ended_at")?,
    })
}

fn newest_run(db: &Connection, tenant: TenantId) -> StoreResult<Option<RetentionRun>> {
    db.row("SELECT * FROM retention_runs WHERE tenant_id = ?1", [tenant.to_string()], run_row)
}

/// The last position of the log's older part that may go. Only a run of positions from the first on goes: what is
/// older but stands behind something younger waits for it.
fn expired_through(db: &Connection, tenant: TenantId, older_than: Timestamp) -> StoreResult<u64> {
    let first_kept: Option<u64> = db.row(
        "SELECT ledger_seq FROM activity_log WHERE tenant_id = ?1 AND created_at >= ?2
         AND ledger_seq >= (SELECT min(span) * ?3 FROM activity_spans WHERE tenant_id = ?1 AND latest >= ?2)
         ORDER BY ledger_seq LIMIT 1",
        params![tenant.to_string(), older_than.to_string(), scans::SPAN],
        |row| row.number("ledger_seq"),
    )?;
    let sealed = ledger::newest(db, tenant, Log::Activity)?.map_or(0, |checkpoint| checkpoint.size);
    let expired = first_kept.map_or(sealed, |first| sealed.min(first.saturating_sub(1)));
    Ok(expired - expired % PRUNED_AT_ONCE)
}

fn begin(
    db: &Connection,
    tenant: TenantId,
    older_than: Timestamp,
    now: Timestamp,
) -> StoreResult<RetentionRun> {
    let through = expired_through(db, tenant, older_than)?;
    db.change(
        "INSERT INTO retention_runs (tenant_id, started_at, older_than, through) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant_id) DO UPDATE SET started_at = excluded.started_at, older_than = excluded.older_than,
            through = excluded.through, scans = 0, responses = 0, approvals = 0, trust_events = 0, budget_days = 0,
            ended_at = NULL",
        params![tenant.to_string(), now.to_string(), older_than.to_string(), count(through)],
    )?;
    newest_run(db, tenant)?.ok_or(StoreError::NotFound("retention run"))
}

fn prune(
    db: &Connection,
    tenant: TenantId,
    run: &RetentionRun,
    limit: u32,
    now: Timestamp,
) -> StoreResult<Pruned> {
    let (tenant, older_than) = (tenant.to_string(), run.older_than.to_string());
    let last: Option<i64> = db
        .row(
            "SELECT max(ledger_seq) AS last FROM (SELECT ledger_seq FROM activity_log
                WHERE tenant_id = ?1 AND ledger_seq <= ?2 ORDER BY ledger_seq LIMIT ?3)",
            params![tenant, count(run.through), limit],
            |row| row.optional_number("last"),
        )?
        .flatten();
    let mut pruned = Pruned::default();
    if let Some(last) = last {
        pruned.responses = taken(db.change(
            "DELETE FROM scan_responses WHERE tenant_id = ?1 AND trace_id IN
                (SELECT trace_id FROM activity_log WHERE tenant_id = ?1 AND ledger_seq <= ?2)",
            params![tenant, last],
        )?);
        pruned.scans = taken(db.change(
            "DELETE FROM activity_log WHERE tenant_id = ?1 AND ledger_seq <= ?2",
            params![tenant, last],
        )?);
        db.change(
            "DELETE FROM activity_spans WHERE tenant_id = ?1 AND span < ?2",
            params![tenant, (last + 1) / scans::SPAN],
        )?;
    }
    let approvals =
        "SELECT approval_id FROM approvals WHERE tenant_id = ?1 AND created_at < ?2 AND status <> 'pending'
         AND ifnull(window_ends_at, '') < ?3 ORDER BY created_at LIMIT ?4";
    let which = params![tenant, older_than, now.to_string(), limit];
    db.change(&format!("DELETE FROM approval_uses WHERE approval_id IN ({approvals})"), which)?;
    pruned.approvals =
        taken(db.change(&format!("DELETE FROM approvals WHERE approval_id IN ({approvals})"), which)?);
    pruned.trust_events = taken(db.change(
        "DELETE FROM trust_events WHERE event_id IN
            (SELECT event_id FROM trust_events WHERE tenant_id = ?1 AND at < ?2 LIMIT ?3)",
        params![tenant, older_than, limit],
    )?);
    // A day is as long ago in every zone once two have passed since.
    let day: String = older_than.chars().take(10).collect();
    pruned.budget_days = taken(db.change(
        "DELETE FROM budget_usage WHERE (tenant_id, name, day, agent_id) IN
            (SELECT tenant_id, name, day, agent_id FROM budget_usage WHERE tenant_id = ?1 AND day < ?2 LIMIT ?3)",
        params![tenant, day, limit],
    )?);
    db.change(
        "UPDATE retention_runs SET scans = scans + ?2, responses = responses + ?3, approvals = approvals + ?4,
            trust_events = trust_events + ?5, budget_days = budget_days + ?6 WHERE tenant_id = ?1",
        params![
            tenant,
            count(pruned.scans),
            count(pruned.responses),
            count(pruned.approvals),
            count(pruned.trust_events),
            count(pruned.budget_days)
        ],
    )?;
    Ok(pruned)
}

fn taken(rows: usize) -> u64 {
    rows as u64
}

#[async_trait]
impl RetentionStore for SqliteStore {
    async fn retention_run(&self, tenant: TenantId) -> StoreResult<Option<RetentionRun>> {
        self.read(move |db| newest_run(db, tenant)).await
    }

    async fn begin_retention(
        &self,
        tenant: TenantId,
        older_than: Timestamp,
        unless_since: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<RetentionRun>> {
        let actor = actor.clone();
        self.write(move |tx| {
            if newest_run(tx, tenant)?.is_some_and(|run| run.started_at > unless_since) {
                return Ok(None);
            }
            let run = begin(tx, tenant, older_than, now)?;
            let details = json!({"activity_through": run.through, "older_than": run.older_than});
            audit::record(tx, tenant, &actor, now, "retention.prune", "activity_log", &details)?;
            Ok(Some(run))
        })
        .await
    }

    async fn prune(&self, tenant: TenantId, limit: u32, now: Timestamp) -> StoreResult<Pruned> {
        self.write(move |tx| {
            let run = newest_run(tx, tenant)?.ok_or(StoreError::NotFound("retention run"))?;
            prune(tx, tenant, &run, limit, now)
        })
        .await
    }

    async fn end_retention(
        &self,
        tenant: TenantId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<RetentionRun> {
        let actor = actor.clone();
        self.write(move |tx| {
            let ended = "UPDATE retention_runs SET ended_at = ?2 WHERE tenant_id = ?1";
            tx.change(ended, [tenant.to_string(), now.to_string()])?;
            let run = newest_run(tx, tenant)?.ok_or(StoreError::NotFound("retention run"))?;
            audit::record(tx, tenant, &actor, now, "retention.done", "activity_log", &json!(run.pruned))?;
            Ok(run)
        })
        .await
    }
}
