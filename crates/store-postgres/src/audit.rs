//! `audit_log`: who changed what, written in the transaction of the change.

use crate::{
    PostgresStore,
    cells::{At, Cells, count, json},
    incidents,
    session::Tx,
};
use async_trait::async_trait;
use interven_store::{Actor, AuditEntry, AuditRow, AuditStore, IncidentRow, StoreError, StoreResult};
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
    let written = tx
        .change(
            "WITH next AS (
                UPDATE tenant_counters SET audit_seq = audit_seq + 1 WHERE tenant_id = $1 RETURNING audit_seq
             )
             INSERT INTO audit_log (tenant_id, seq, at, actor, origin, client_addr, action, target, details)
             SELECT $1, audit_seq, $2, $3, $4, $5, $6, $7, $8 FROM next",
            &[
                &tenant.0,
                &At(now),
                &actor.name,
                &actor.origin,
                &actor.client_addr,
                &action,
                &target,
                &json(details)?,
            ],
        )
        .await?;
    if written == 0 { Err(StoreError::NotFound("tenant")) } else { Ok(()) }
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
