//! Taking what is older than its tenant keeps, a few rows in each transaction.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, count},
    record::SPAN,
    session::{Session, Tx},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Log, PRUNED_AT_ONCE, Pruned, RetentionRun, RetentionStore, StoreError, StoreResult,
};
use interven_types::{TenantId, Timestamp};
use serde_json::json;

fn run_row(row: &Cells<'_>) -> StoreResult<RetentionRun> {
    Ok(RetentionRun {
        started_at: row.time("started_at")?,
        older_than: row.time("older_than")?,
        through: row.number("through")?,
        pruned: Pruned {
            scans: row.number("scans")?,
            responses: row.number("responses")?,
            approvals: row.number("approvals")?,
            trust_events: row.number("trust_events")?,
            budget_days: row.number("budget_days")?,
        },
        ended_at: row.optional_time("ended_at")?,
    })
}

async fn newest_run(db: &Session, tenant: TenantId) -> StoreResult<Option<RetentionRun>> {
    let sql = "SELECT started_at, older_than, through, scans, responses, approvals, trust_events, budget_days, ended_at
         FROM retention_runs WHERE tenant_id = $1";
    db.row(sql, &[&tenant.0], run_row).await
}

/// The last position of the log's older part that may go. Only a run of positions from the first on goes: what is
/// older but stands behind something younger waits for it.
async fn expired_through(db: &Session, tenant: TenantId, older_than: Timestamp) -> StoreResult<u64> {
    let first_kept: Option<u64> = db
        .row(
            "SELECT ledger_seq FROM activity_log WHERE tenant_id = $1 AND created_at >= $2
             AND ledger_seq >= (SELECT min(span) * $3 FROM activity_spans WHERE tenant_id = $1 AND latest >= $2)
             ORDER BY ledger_seq LIMIT 1",
            &[&tenant.0, &At(older_than), &SPAN],
            |row| row.number("ledger_seq"),
        )
        .await?;
    let sealed: u64 = db
        .row(
            "SELECT coalesce(max(tree_size), 0) AS size FROM ledger_checkpoints WHERE tenant_id = $1 AND log = $2",
            &[&tenant.0, &Log::Activity.as_str()],
            |row| row.number("size"),
        )
        .await?
        .unwrap_or_default();
    let expired = first_kept.map_or(sealed, |first| sealed.min(first.saturating_sub(1)));
    Ok(expired - expired % PRUNED_AT_ONCE)
}

async fn prune(
    tx: &Tx,
    tenant: TenantId,
    run: &RetentionRun,
    limit: u32,
    now: Timestamp,
) -> StoreResult<Pruned> {
    let (limit, older_than) = (i64::from(limit), At(run.older_than));
    let last: Option<i64> = tx
        .row(
            "SELECT max(ledger_seq) AS last FROM (SELECT ledger_seq FROM activity_log
                WHERE tenant_id = $1 AND ledger_seq <= $2 ORDER BY ledger_seq LIMIT $3) AS oldest",
            &[&tenant.0, &count(run.through), &limit],
            |row| row.optional_number("last"),
        )
        .await?
        .flatten();
    let mut pruned = Pruned::default();
    if let Some(last) = last {
        pruned.responses = tx
            .change(
                "DELETE FROM scan_responses WHERE tenant_id = $1 AND trace_id IN
                    (SELECT trace_id FROM activity_log WHERE tenant_id = $1 AND ledger_seq <= $2)",
                &[&tenant.0, &last],
            )
            .await?;
        pruned.scans = tx
            .change("DELETE FROM activity_log WHERE tenant_id = $1 AND ledger_seq <= $2", &[&tenant.0, &last])
            .await?;
        tx.change(
            "DELETE FROM activity_spans WHERE tenant_id = $1 AND span < $2",
            &[&tenant.0, &((last + 1) / SPAN)],
        )
        .await?;
    }
    let approvals =
        "SELECT approval_id FROM approvals WHERE tenant_id = $1 AND created_at < $2 AND status <> 'pending'
         AND (window_ends_at IS NULL OR window_ends_at < $3) ORDER BY created_at, approval_id LIMIT $4";
    tx.change(
        &format!("DELETE FROM approval_uses WHERE approval_id IN ({approvals})"),
        &[&tenant.0, &older_than, &At(now), &limit],
    )
    .await?;
    pruned.approvals = tx
        .change(
            &format!("DELETE FROM approvals WHERE approval_id IN ({approvals})"),
            &[&tenant.0, &older_than, &At(now), &limit],
        )
        .await?;
    pruned.trust_events = tx
        .change(
            "DELETE FROM trust_events WHERE event_id IN
                (SELECT event_id FROM trust_events WHERE tenant_id = $1 AND at < $2 LIMIT $3)",
            &[&tenant.0, &older_than, &limit],
        )
        .await?;
    let day: String = run.older_than.to_string().chars().take(10).collect();
    pruned.budget_days = tx
        .change(
            "DELETE FROM budget_usage WHERE (tenant_id, name, day, agent_id) IN
                (SELECT tenant_id, name, day, agent_id FROM budget_usage WHERE tenant_id = $1 AND day < $2 LIMIT $3)",
            &[&tenant.0, &day, &limit],
        )
        .await?;
    tx.change(
        "UPDATE retention_runs SET scans = scans + $2, responses = responses + $3, approvals = approvals + $4,
            trust_events = trust_events + $5, budget_days = budget_days + $6 WHERE tenant_id = $1",
        &[
            &tenant.0,
            &count(pruned.scans),
            &count(pruned.responses),
            &count(pruned.approvals),
            &count(pruned.trust_events),
            &count(pruned.budget_days),
        ],
    )
    .await?;
    Ok(pruned)
}

#[async_trait]
impl RetentionStore for PostgresStore {
    async fn retention_run(&self, tenant: TenantId) -> StoreResult<Option<RetentionRun>> {
        newest_run(&self.session().await?, tenant).await
    }

    async fn begin_retention(
        &self,
        tenant: TenantId,
        older_than: Timestamp,
        unless_since: Timestamp,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<RetentionRun>> {
        let tx = self.begin(tenant).await?;
        if newest_run(&tx, tenant).await?.is_some_and(|run| run.started_at > unless_since) {
            return Ok(None);
        }
        let through = expired_through(&tx, tenant, older_than).await?;
        tx.change(
            "INSERT INTO retention_runs (tenant_id, started_at, older_than, through) VALUES ($1, $2, $3, $4)
             ON CONFLICT (tenant_id) DO UPDATE SET started_at = excluded.started_at, older_than = excluded.older_than,
                through = excluded.through, scans = 0, responses = 0, approvals = 0, trust_events = 0,
                budget_days = 0, ended_at = NULL",
            &[&tenant.0, &At(now), &At(older_than), &count(through)],
        )
        .await?;
        let details = json!({"activity_through": through, "older_than": older_than});
        audit::record(&tx, tenant, actor, now, "retention.prune", "activity_log", &details).await?;
        let run = newest_run(&tx, tenant).await?;
        tx.commit().await?;
        Ok(run)
    }

    async fn prune(&self, tenant: TenantId, limit: u32, now: Timestamp) -> StoreResult<Pruned> {
        let tx = self.begin(tenant).await?;
        let run = newest_run(&tx, tenant).await?.ok_or(StoreError::NotFound("retention run"))?;
        let pruned = prune(&tx, tenant, &run, limit, now).await?;
        tx.commit().await?;
        Ok(pruned)
    }

    async fn end_retention(
        &self,
        tenant: TenantId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<RetentionRun> {
        let tx = self.begin(tenant).await?;
        tx.change("UPDATE retention_runs SET ended_at = $2 WHERE tenant_id = $1", &[&tenant.0, &At(now)])
            .await?;
        let run = newest_run(&tx, tenant).await?.ok_or(StoreError::NotFound("retention run"))?;
        audit::record(&tx, tenant, actor, now, "retention.done", "activity_log", &json!(run.pruned)).await?;
        tx.commit().await?;
        Ok(run)
    }
}
