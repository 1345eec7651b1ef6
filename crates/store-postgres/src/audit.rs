//! `audit_log`: who changed what, written in the transaction of the change.

use crate::{
    PostgresStore,
    cells::{Cells, count},
    incidents, ledger,
    session::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, AuditEntry, AuditRow, AuditStore, IncidentRow, StoreError, StoreResult, audit_cells,
};
use interven_types::{TenantId, Timestamp};
use serde_json::Value;

/// Writes one row at the tenant's next position. An unknown tenant is `NotFound`, which undoes the whole change.
pub(crate) async fn record(
    tx: &Tx,
    tenant: TenantId,
    actor: &Actor,
    now: Timestamp,
    action: &str,
    target: &str,
    details: &Value,
) -> StoreResult<()> {
    let next =
        "UPDATE tenant_counters SET audit_seq = audit_seq + 1 WHERE tenant_id = $1 RETURNING audit_seq";
    let seq = tx.row(next, &[&tenant.0], |row| row.number("audit_seq")).await?;
    let seq = seq.ok_or(StoreError::NotFound("tenant"))?;
    let (action, target, details) = (action.to_owned(), target.to_owned(), details.clone());
    let row = AuditRow { seq, at: now, actor: actor.clone(), action, target, details };
    ledger::append_audit(tx, audit_cells(tenant, &row)?).await
}

fn audit_row(row: &Cells<'_>) -> StoreResult<AuditRow> {
    Ok(AuditRow {
        seq: row.number("seq")?,
        at: row.time("at")?,
        actor: Actor {
            name: row.string("actor")?,
            origin: row.string("origin")?,
            client_addr: row.optional_string("client_addr")?,
        },
        action: row.string("action")?,
        target: row.string("target")?,
        details: row.json("details")?,
    })
}

#[async_trait]
impl AuditStore for PostgresStore {
    async fn audit(
        &self,
        tenant: TenantId,
        entry: &AuditEntry,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let tx = self.begin(tenant).await?;
        record(&tx, tenant, actor, now, &entry.action, &entry.target, &entry.details).await?;
        tx.commit().await
    }

    async fn audit_log(
        &self,
        tenant: TenantId,
        before_seq: Option<u64>,
        limit: u32,
    ) -> StoreResult<Vec<AuditRow>> {
        let sql = "SELECT seq, at, actor, origin, client_addr, action, target, details FROM audit_log
             WHERE tenant_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
        let before = before_seq.map_or(i64::MAX, count);
        self.session().await?.rows(sql, &[&tenant.0, &before, &i64::from(limit)], audit_row).await
    }

    async fn incidents(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<IncidentRow>> {
        incidents::newest(&self.session().await?, tenant, limit).await
    }

    /// Commits, as a scan does: a server that only reads fails here.
    async fn ping(&self) -> StoreResult<()> {
        let sql = "INSERT INTO installation (name, value) VALUES ('ping', '\\x00')
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.session().await?.change(sql, &[]).await.map(drop)
    }
}
