//! API keys, known by their hash alone.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, count, json},
};
use async_trait::async_trait;
use interven_store::{Actor, Change, KeyHash, KeyRecord, KeyStore, NewKey, StoreError, StoreResult};
use interven_types::{AgentId, KeyId, TenantId, Timestamp};
use serde_json::{Value, json as object};

/// Conditions are appended.
const SELECT: &str = "SELECT key_id, tenant_id, name, prefix, env, env_override, agent_id, agent_override, ip_allowlist,
        scopes, monitor, created_at, created_by, expires_at, revoked_at, last_seen_at, blocked_attempts, last_refusal
     FROM api_keys";

fn key_record(row: &Cells<'_>) -> StoreResult<KeyRecord> {
    Ok(KeyRecord {
        key_id: KeyId(row.uuid("key_id")?),
        tenant_id: TenantId(row.uuid("tenant_id")?),
        name: row.string("name")?,
        prefix: row.string("prefix")?,
        env: row.string("env")?,
        env_override: row.is_set("env_override")?,
        agent_id: AgentId(row.uuid("agent_id")?),
        agent_override: row.json("agent_override")?,
        ip_allowlist: row.json("ip_allowlist")?,
        scopes: row.json("scopes")?,
        monitor: row.is_set("monitor")?,
        created_at: row.time("created_at")?,
        created_by: row.string("created_by")?,
        expires_at: row.optional_time("expires_at")?,
        revoked_at: row.optional_time("revoked_at")?,
        last_seen_at: row.optional_time("last_seen_at")?,
        blocked_attempts: row.number("blocked_attempts")?,
        last_refusal: row.optional_string("last_refusal")?,
    })
}

#[async_trait]
impl KeyStore for PostgresStore {
    async fn key_by_hash(&self, hash: &KeyHash) -> StoreResult<Option<KeyRecord>> {
        let sql = format!("{SELECT} WHERE key_hash = $1");
        self.session().await?.row(&sql, &[&hash.0.as_slice()], key_record).await
    }

    async fn create_key(&self, tenant: TenantId, key: &NewKey, actor: &Actor) -> StoreResult<()> {
        let record = &key.record;
        let mut tx = self.begin(tenant).await?;
        let details = object!({"name": record.name, "env": record.env, "scopes": record.scopes});
        audit::record(&tx, tenant, actor, record.created_at, "key.create", &record.prefix, &details).await?;
        let foreign_agent = "SELECT 1 FROM agents WHERE agent_id = $1 AND tenant_id <> $2";
        if tx.row(foreign_agent, &[&record.agent_id.0, &tenant.0], |_| Ok(())).await?.is_some() {
            return Err(StoreError::NotFound("agent"));
        }
        let added = tx
            .change(
                "INSERT INTO api_keys (
                    key_id, tenant_id, key_hash, name, prefix, env, env_override, agent_id, agent_override,
                    ip_allowlist, scopes, monitor, created_at, created_by, expires_at, revoked_at, last_seen_at,
                    blocked_attempts, last_refusal
                 ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
                 ON CONFLICT DO NOTHING",
                &[
                    &record.key_id.0,
                    &tenant.0,
                    &key.hash.0.as_slice(),
                    &record.name,
                    &record.prefix,
                    &record.env,
                    &record.env_override,
                    &record.agent_id.0,
                    &json(&record.agent_override)?,
                    &json(&record.ip_allowlist)?,
                    &json(&record.scopes)?,
                    &record.monitor,
                    &At(record.created_at),
                    &record.created_by,
                    &record.expires_at.map(At),
                    &record.revoked_at.map(At),
                    &record.last_seen_at.map(At),
                    &count(record.blocked_attempts),
                    &record.last_refusal,
                ],
            )
            .await?;
        if added == 0 {
            return Err(StoreError::Conflict(format!("the key `{}…` exists already", record.prefix)));
        }
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }

    async fn keys(&self, tenant: TenantId) -> StoreResult<Vec<KeyRecord>> {
        // Ids grow with time.
        let sql = format!("{SELECT} WHERE tenant_id = $1 ORDER BY created_at DESC, key_id DESC");
        self.session().await?.rows(&sql, &[&tenant.0], key_record).await
    }

    async fn revoke_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin(tenant).await?;
        let sql = "SELECT prefix, revoked_at FROM api_keys WHERE tenant_id = $1 AND key_id = $2";
        let read = |row: &Cells<'_>| Ok((row.string("prefix")?, row.optional_time("revoked_at")?.is_some()));
        let found = tx.row(sql, &[&tenant.0, &key.0], read).await?;
        let (prefix, is_revoked) = found.ok_or(StoreError::NotFound("key"))?;
        if is_revoked {
            return Ok(());
        }
        tx.change("UPDATE api_keys SET revoked_at = $2 WHERE key_id = $1", &[&key.0, &At(now)]).await?;
        audit::record(&tx, tenant, actor, now, "key.revoke", &prefix, &Value::Null).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }

    async fn touch_key(&self, tenant: TenantId, key: KeyId, seen_at: Timestamp) -> StoreResult<()> {
        let sql = "UPDATE api_keys SET last_seen_at = greatest(last_seen_at, $3)
             WHERE tenant_id = $1 AND key_id = $2";
        let touched = self.session().await?.change(sql, &[&tenant.0, &key.0, &At(seen_at)]).await?;
        if touched == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
    }

    async fn note_refusal(
        &self,
        tenant: TenantId,
        key: KeyId,
        reason: &str,
        blocked: bool,
    ) -> StoreResult<()> {
        let sql = "UPDATE api_keys SET last_refusal = $3, blocked_attempts = blocked_attempts + $4
             WHERE tenant_id = $1 AND key_id = $2";
        let db = self.session().await?;
        let noted = db.change(sql, &[&tenant.0, &key.0, &reason, &i64::from(blocked)]).await?;
        if noted == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
    }
}
