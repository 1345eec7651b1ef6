//! `tool_credentials`.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells},
};
use async_trait::async_trait;
use interven_store::{Actor, StoreError, StoreResult, ToolCredentialRow, ToolCredentialStore};
use interven_types::{CredentialId, TenantId, Timestamp};
use serde_json::json;

fn credential(row: &Cells<'_>) -> StoreResult<ToolCredentialRow> {
    Ok(ToolCredentialRow {
        credential_id: CredentialId(row.uuid("credential_id")?),
        tool: row.string("tool")?,
        host: row.string("host")?,
        env: Some(row.string("env")?).filter(|env| !env.is_empty()),
        kind: row.word("kind")?,
        base_url: row.optional_string("base_url")?,
        sealed_secret: row.bytes("sealed_secret")?.to_vec(),
        created_at: row.time("created_at")?,
        created_by: row.string("created_by")?,
        rotated_at: row.optional_time("rotated_at")?,
        last_used_at: row.optional_time("last_used_at")?,
    })
}

#[async_trait]
impl ToolCredentialStore for PostgresStore {
    async fn set_tool_credential(
        &self,
        tenant: TenantId,
        new: &ToolCredentialRow,
        actor: &Actor,
    ) -> StoreResult<ToolCredentialRow> {
        let tx = self.begin(tenant).await?;
        let details = json!({"tool": new.tool, "env": new.env, "kind": new.kind, "base_url": new.base_url});
        audit::record(&tx, tenant, actor, new.created_at, "credential.set", &new.host, &details).await?;
        let stored = tx
            .row(
                "INSERT INTO tool_credentials (credential_id, tenant_id, tool, host, env, kind, base_url, sealed_secret,
                    created_at, created_by)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
                 ON CONFLICT (tenant_id, tool, host, env) DO UPDATE SET kind = excluded.kind,
                    base_url = excluded.base_url, sealed_secret = excluded.sealed_secret, rotated_at = excluded.created_at
                 RETURNING *",
                &[
                    &new.credential_id.0,
                    &tenant.0,
                    &new.tool,
                    &new.host,
                    &new.env.as_deref().unwrap_or_default(),
                    &new.kind.as_str(),
                    &new.base_url,
                    &new.sealed_secret,
                    &At(new.created_at),
                    &new.created_by,
                ],
                credential,
            )
            .await?;
        tx.commit().await?;
        stored.ok_or(StoreError::NotFound("credential"))
    }

    async fn tool_credentials(&self, tenant: TenantId) -> StoreResult<Vec<ToolCredentialRow>> {
        let sql = "SELECT * FROM tool_credentials WHERE tenant_id = $1
             ORDER BY tool COLLATE \"C\", host COLLATE \"C\", env COLLATE \"C\"";
        self.session().await?.rows(sql, &[&tenant.0], credential).await
    }

    async fn remove_tool_credential(
        &self,
        tenant: TenantId,
        id: CredentialId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let tx = self.begin(tenant).await?;
        let sql = "DELETE FROM tool_credentials WHERE tenant_id = $1 AND credential_id = $2 RETURNING *";
        let removed = tx.row(sql, &[&tenant.0, &id.0], credential).await?;
        let removed = removed.ok_or(StoreError::NotFound("credential"))?;
        let details = json!({"tool": removed.tool, "env": removed.env});
        audit::record(&tx, tenant, actor, now, "credential.remove", &removed.host, &details).await?;
        tx.commit().await
    }

    async fn touch_tool_credential(
        &self,
        tenant: TenantId,
        id: CredentialId,
        used_at: Timestamp,
    ) -> StoreResult<()> {
        let sql = "UPDATE tool_credentials SET last_used_at = greatest(last_used_at, $3)
             WHERE tenant_id = $1 AND credential_id = $2";
        let touched = self.session().await?.change(sql, &[&tenant.0, &id.0, &At(used_at)]).await?;
        if touched == 0 { Err(StoreError::NotFound("credential")) } else { Ok(()) }
    }
}
