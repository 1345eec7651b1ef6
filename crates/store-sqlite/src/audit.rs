//! `audit_log`: who changed what, written in the transaction of the change.

use crate::{
    SqliteStore, incidents, ledger,
    sql::{Cells, Sql, count},
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, AuditEntry, AuditRow, AuditStore, IncidentRow, Log, StoreError, StoreResult, audit_cells,
};
use interven_types::{TenantId, Timestamp};
use rusqlite::params;
use serde_json::Value;

/// Writes one row at the tenant's next position. An unknown tenant is `NotFound`, which undoes the whole change.
pub(crate) fn record(
    tx: &Tx<'_>,
    tenant: TenantId,
    actor: &Actor,
    now: Timestamp,
    action: &str,
    target: &str,
    details: &Value,
) -> StoreResult<()> {
    let next =
        "UPDATE tenant_counters SET audit_seq = audit_seq + 1 WHERE tenant_id = ?1 RETURNING audit_seq";
    let seq = tx.row(next, [tenant.to_string()], |row| row.number("audit_seq"))?;
    let seq = seq.ok_or(StoreError::NotFound("tenant"))?;
    let (action, target, details) = (action.to_owned(), target.to_owned(), details.clone());
    let row = AuditRow { seq, at: now, actor: actor.clone(), action, target, details };
    ledger::append(tx, Log::Audit, &audit_cells(tenant, &row)?)
}

fn audit_row(row: &Cells<'_>) -> StoreResult<AuditRow> {
    Ok(AuditRow {
        seq: row.number("seq")?,
        at: row.parsed("at")?,
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
impl AuditStore for SqliteStore {
    async fn audit(
        &self,
        tenant: TenantId,
        entry: &AuditEntry,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (entry, actor) = (entry.clone(), actor.clone());
        self.write(move |tx| record(tx, tenant, &actor, now, &entry.action, &entry.target, &entry.details))
            .await
    }

    async fn audit_log(
        &self,
        tenant: TenantId,
        before_seq: Option<u64>,
        limit: u32,
    ) -> StoreResult<Vec<AuditRow>> {
        self.read(move |db| {
            db.rows(
                "SELECT seq, at, actor, origin, client_addr, action, target, details FROM audit_log
                 WHERE tenant_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
                params![tenant.to_string(), before_seq.map_or(i64::MAX, count), limit],
                audit_row,
            )
        })
        .await
    }

    async fn incidents(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<IncidentRow>> {
        self.read(move |db| incidents::newest(db, tenant, limit)).await
    }

    /// Commits through the queue that scans use, and reads.
    async fn ping(&self) -> StoreResult<()> {
        self.write(|tx| {
            // A change that alters nothing still needs the pages, the log and the disk to be writable.
            tx.change(
                "INSERT INTO installation (name, value) VALUES ('ping', x'00')
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [],
            )?;
            Ok(())
        })
        .await?;
        self.read(|db| db.row("SELECT 1 AS one", [], |row| row.number::<i64>("one")).map(drop)).await
    }
}
