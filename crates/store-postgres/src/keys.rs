//! API keys, known by their hash alone.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, count, json},
    session::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, EPHEMERAL_KEPT, Environments, Ephemeral, KeyHash, KeyRecord, KeyStore, MOST_EPHEMERAL,
    NewKey, SigningKey, StoreError, StoreResult,
};
use interven_types::{AgentId, KeyId, KeyKind, TenantId, Timestamp};
use serde_json::{Value, json as object};

/// Conditions are appended.
const SELECT: &str = "SELECT key_id, k.tenant_id, name, prefix, env, env_override, agent_id, agent_override, ip_allowlist,
        scopes, monitor, created_at, created_by, expires_at, revoked_at, last_seen_at, blocked_attempts, last_refusal,
        parent_key_id, scope, max_uses, uses, sealed_secret, sealed_secret IS NOT NULL AS signing
     FROM api_keys AS k LEFT JOIN ephemeral_keys AS e USING (key_id)";

fn key_record(row: &Cells<'_>) -> StoreResult<KeyRecord> {
    let parent = row.optional_uuid("parent_key_id")?.map(KeyId);
    let limits = |parent_key_id| {
        let (scope, max_uses) = (row.json("scope")?, row.number("max_uses")?);
        Ok(Ephemeral { parent_key_id, scope, max_uses, uses: row.number("uses")? })
    };
    Ok(KeyRecord {
        ephemeral: parent.map(limits).transpose()?,
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
        signing: row.is_set("signing")?,
    })
}

/// Makes a key that was just added an ephemeral one.
async fn limit(tx: &Tx, tenant: TenantId, record: &KeyRecord, limits: &Ephemeral) -> StoreResult<()> {
    let (KeyId(parent), now) = (limits.parent_key_id, record.created_at);
    // Shared, so that it cannot be revoked before this is committed.
    let usable = "SELECT 1 FROM api_keys WHERE key_id = $1 AND tenant_id = $2 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > $3) FOR SHARE";
    if tx.row(usable, &[&parent, &tenant.0, &At(now)], |_| Ok(())).await?.is_none() {
        return Err(StoreError::NotFound("key"));
    }
    let ended = "WITH ended AS (DELETE FROM ephemeral_keys AS e USING api_keys AS k
            WHERE k.key_id = e.key_id AND e.parent_key_id = $1 AND k.expires_at < $2 RETURNING e.key_id)
         SELECT key_id FROM ended";
    let ended =
        tx.rows(ended, &[&parent, &At(now.saturating_sub(EPHEMERAL_KEPT))], |row| row.uuid("key_id")).await?;
    tx.change("DELETE FROM api_keys WHERE key_id = ANY($1)", &[&ended]).await?;
    let usable = "SELECT count(*) AS many FROM ephemeral_keys JOIN api_keys USING (key_id)
         WHERE parent_key_id = $1 AND uses < max_uses AND revoked_at IS NULL AND expires_at > $2";
    let usable = tx.row(usable, &[&parent, &At(now)], |row| row.number::<u32>("many")).await?;
    if usable.is_some_and(|many| many >= MOST_EPHEMERAL) {
        return Err(StoreError::too_many_ephemeral());
    }
    let sql = "INSERT INTO ephemeral_keys (key_id, tenant_id, parent_key_id, scope, max_uses, uses)
         VALUES ($1, $2, $3, $4, $5, $6)";
    let (max_uses, uses) = (i64::from(limits.max_uses), i64::from(limits.uses));
    tx.change(sql, &[&record.key_id.0, &tenant.0, &parent, &json(&limits.scope)?, &max_uses, &uses]).await?;
    Ok(())
}

#[async_trait]
impl KeyStore for PostgresStore {
    async fn key_by_hash(&self, hash: &KeyHash) -> StoreResult<Option<KeyRecord>> {
        let sql = format!("{SELECT} WHERE key_hash = $1");
        self.session().await?.row(&sql, &[&hash.0.as_slice()], key_record).await
    }

    async fn signing_keys(&self, agent: AgentId) -> StoreResult<Vec<SigningKey>> {
        let sql = format!(
            "{SELECT} WHERE agent_id = $1 AND sealed_secret IS NOT NULL ORDER BY created_at DESC, key_id DESC"
        );
        let read = |row: &Cells<'_>| {
            Ok(SigningKey { record: key_record(row)?, sealed_secret: row.bytes("sealed_secret")?.to_vec() })
        };
        self.session().await?.rows(&sql, &[&agent.0], read).await
    }

    async fn environments_of(&self, tenant: TenantId, agent: AgentId) -> StoreResult<Environments> {
        let sql =
            "SELECT DISTINCT env, env_override FROM api_keys WHERE tenant_id = $1 AND revoked_at IS NULL
            AND (agent_id = $2 OR key_id IN
                (SELECT key_id FROM key_agents WHERE tenant_id = $1 AND agent_id = $2))";
        let read = |row: &Cells<'_>| Ok((row.string("env")?, row.is_set("env_override")?));
        let keys = self.session().await?.rows(sql, &[&tenant.0, &agent.0], read).await?;
        Ok(keys.into_iter().collect())
    }

    async fn note_request(
        &self,
        tenant: TenantId,
        agent: AgentId,
        nonce: &str,
        now: Timestamp,
        forget: Timestamp,
    ) -> StoreResult<bool> {
        let session = self.session().await?;
        session.change("DELETE FROM seen_requests WHERE seen_at < $1", &[&At(forget)]).await?;
        let sql = "INSERT INTO seen_requests (tenant_id, agent_id, nonce, seen_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING";
        let noted = session.change(sql, &[&tenant.0, &agent.0, &nonce, &At(now)]).await?;
        Ok(noted > 0)
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
                    blocked_attempts, last_refusal, sealed_secret
                 ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
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
                    &key.sealed_secret,
                ],
            )
            .await?;
        if added == 0 {
            return Err(StoreError::Conflict(format!("the key `{}…` exists already", record.prefix)));
        }
        match &record.ephemeral {
            None => tx.announce(Change::Tenant(tenant)),
            Some(limits) => limit(&tx, tenant, record, limits).await?,
        }
        tx.commit().await
    }

    async fn keys(&self, tenant: TenantId, kind: KeyKind) -> StoreResult<Vec<KeyRecord>> {
        // Ids grow with time.
        let sql = format!(
            "{SELECT} WHERE k.tenant_id = $1 AND (e.key_id IS NOT NULL) = $2 ORDER BY created_at DESC, key_id DESC"
        );
        let is_ephemeral = kind == KeyKind::Ephemeral;
        self.session().await?.rows(&sql, &[&tenant.0, &is_ephemeral], key_record).await
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
        let revoke = "UPDATE api_keys SET revoked_at = $2 WHERE revoked_at IS NULL AND (key_id = $1
                OR key_id IN (SELECT key_id FROM ephemeral_keys WHERE parent_key_id = $1))";
        tx.change(revoke, &[&key.0, &At(now)]).await?;
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
