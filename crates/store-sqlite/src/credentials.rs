//! `tool_credentials`.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql},
};
use async_trait::async_trait;
use interven_store::{Actor, StoreError, StoreResult, ToolCredentialRow, ToolCredentialStore};
use interven_types::{CredentialId, TenantId, Timestamp};
use rusqlite::params;
use serde_json::json;

fn credential(row: &Cells<'_>) -> StoreResult<ToolCredentialRow> {
    Ok(ToolCredentialRow {
        credential_id: row.parsed("credential_id")?,
        tool: row.string("tool")?,
        host: row.string("host")?,
        env: Some(row.string("env")?).filter(|env| !env.is_empty()),
        kind: row.word("kind")?,
        base_url: row.optional_string("base_url")?,
        sealed_secret: row.bytes("sealed_secret")?,
        created_at: row.parsed("created_at")?,
        created_by: row.string("created_by")?,
        rotated_at: row.optional_parsed("rotated_at")?,
        last_used_at: row.optional_parsed("last_used_at")?,
    })
}

#[async_trait]
impl ToolCredentialStore for SqliteStore {
    async fn set_tool_credential(
        &self,
        tenant: TenantId,
        new: &ToolCredentialRow,
        actor: &Actor,
    ) -> StoreResult<ToolCredentialRow> {
        let (new, actor) = (new.clone(), actor.clone());
        self.write(move |tx| {
            let details = json!({"tool": new.tool, "env": new.env, "kind": new.kind, "base_url": new.base_url});
            audit::record(tx, tenant, &actor, new.created_at, "credential.set", &new.host, &details)?;
            let stored = tx.row(
                "INSERT INTO tool_credentials (credential_id, tenant_id, tool, host, env, kind, base_url, sealed_secret,
                    created_at, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (tenant_id, tool, host, env) DO UPDATE SET kind = excluded.kind,
                    base_url = excluded.base_url, sealed_secret = excluded.sealed_secret, rotated_at = excluded.created_at
                 RETURNING *",
                params![
                    new.credential_id.to_string(),
                    tenant.to_string(),
                    new.tool,
                    new.host,
                    new.env.as_deref().unwrap_or_default(),
                    new.kind.as_str(),
                    new.base_url,
                    new.sealed_secret,
                    new.created_at.to_string(),
                    new.created_by
                ],
                credential,
            )?;
            stored.ok_or(StoreError::NotFound("credential"))
        })
        .await
    }

    async fn tool_credentials(&self, tenant: TenantId) -> StoreResult<Vec<ToolCredentialRow>> {
        self.read(move |db| {
            let sql = "SELECT * FROM tool_credentials WHERE tenant_id = ?1 ORDER BY tool, host, env";
            db.rows(sql, [tenant.to_string()], credential)
        })
        .await
    }

    async fn remove_tool_credential(
        &self,
        tenant: TenantId,
        id: CredentialId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let actor = actor.clone();
        self.write(move |tx| {
            let removed = tx.row(
                "DELETE FROM tool_credentials WHERE tenant_id = ?1 AND credential_id = ?2 RETURNING *",
                [tenant.to_string(), id.to_string()],
                credential,
            )?;
            let removed = removed.ok_or(StoreError::NotFound("credential"))?;
            let details = json!({"tool": removed.tool, "env": removed.env});
            audit::record(tx, tenant, &actor, now, "credential.remove", &removed.host, &details)
        })
        .await
    }

    async fn touch_tool_credential(
        &self,
        tenant: TenantId,
        id: CredentialId,
        used_at: Timestamp,
    ) -> StoreResult<()> {
        self.write(move |tx| {
            let touched = tx.change(
                "UPDATE tool_credentials SET last_used_at = max(ifnull(last_used_at, ''), ?3)
                 WHERE tenant_id = ?1 AND credential_id = ?2",
                [tenant.to_string(), id.to_string(), used_at.to_string()],
            )?;
            if touched == 0 { Err(StoreError::NotFound("credential")) } else { Ok(()) }
        })
        .await
    }
}
