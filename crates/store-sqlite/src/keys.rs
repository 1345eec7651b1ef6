//! API keys, known by their hash alone.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, count, json, text_of},
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, EPHEMERAL_KEPT, Environments, Ephemeral, KeyHash, KeyRecord, KeyStore, KeyUse,
    MOST_EPHEMERAL, NewKey, Settled, SigningKey, StoreError, StoreResult,
};
use interven_types::{AgentId, KeyId, KeyKind, TenantId, Timestamp};
use rusqlite::params;
use serde_json::{Value, json as object};

/// Conditions are appended.
macro_rules! select_keys {
    ($conditions:literal) => {
        concat!(
            "SELECT k.*, k.sealed_secret IS NOT NULL AS signing, e.parent_key_id, e.scope, e.max_uses, e.uses
             FROM api_keys AS k LEFT JOIN ephemeral_keys AS e USING (key_id) ",
            $conditions
        )
    };
}

fn key_record(row: &Cells<'_>) -> StoreResult<KeyRecord> {
    let parent = row.optional_parsed("parent_key_id")?;
    let limits = |parent_key_id| {
        let (scope, max_uses) = (row.json("scope")?, row.number("max_uses")?);
        Ok(Ephemeral { parent_key_id, scope, max_uses, uses: row.number("uses")? })
    };
    Ok(KeyRecord {
        ephemeral: parent.map(limits).transpose()?,
        key_id: row.parsed("key_id")?,
        tenant_id: row.parsed("tenant_id")?,
        name: row.string("name")?,
        prefix: row.string("prefix")?,
        env: row.string("env")?,
        env_override: row.is_set("env_override")?,
        agent_id: row.parsed("agent_id")?,
        agent_override: row.json("agent_override")?,
        ip_allowlist: row.json("ip_allowlist")?,
        scopes: row.json("scopes")?,
        monitor: row.is_set("monitor")?,
        created_at: row.parsed("created_at")?,
        created_by: row.string("created_by")?,
        expires_at: row.optional_parsed("expires_at")?,
        revoked_at: row.optional_parsed("revoked_at")?,
        last_seen_at: row.optional_parsed("last_seen_at")?,
        blocked_attempts: row.number("blocked_attempts")?,
        last_refusal: row.optional_string("last_refusal")?,
        signing: row.is_set("signing")?,
    })
}

/// Makes a key that was just added an ephemeral one.
fn limit(tx: &Tx<'_>, tenant: TenantId, record: &KeyRecord, limits: &Ephemeral) -> StoreResult<()> {
    let (parent, now) = (limits.parent_key_id.to_string(), record.created_at);
    let usable = "SELECT 1 FROM api_keys WHERE key_id = ?1 AND tenant_id = ?2 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > ?3)";
    if tx.row(usable, params![parent, tenant.to_string(), now.to_string()], |_| Ok(()))?.is_none() {
        return Err(StoreError::NotFound("key"));
    }
    let ended = tx.rows(
        "SELECT key_id FROM ephemeral_keys JOIN api_keys USING (key_id) WHERE parent_key_id = ?1 AND expires_at < ?2",
        params![parent, now.saturating_sub(EPHEMERAL_KEPT).to_string()],
        |row| row.string("key_id"),
    )?;
    for key in ended {
        tx.change("DELETE FROM ephemeral_keys WHERE key_id = ?1", [&key])?;
        tx.change("DELETE FROM api_keys WHERE key_id = ?1", [&key])?;
    }
    let usable = tx.row(
        "SELECT count(*) AS many FROM ephemeral_keys JOIN api_keys USING (key_id)
         WHERE parent_key_id = ?1 AND uses < max_uses AND revoked_at IS NULL AND expires_at > ?2",
        params![parent, now.to_string()],
        |row| row.number::<u32>("many"),
    )?;
    if usable.is_some_and(|many| many >= MOST_EPHEMERAL) {
        return Err(StoreError::too_many_ephemeral());
    }
    tx.change(
        "INSERT INTO ephemeral_keys (key_id, tenant_id, parent_key_id, scope, max_uses, uses)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            record.key_id.to_string(),
            tenant.to_string(),
            parent,
            json(&limits.scope)?,
            limits.max_uses,
            limits.uses
        ],
    )?;
    Ok(())
}

/// Takes the use that a settled scan costs its ephemeral key.
pub(crate) fn take_use(tx: &Tx<'_>, tenant: TenantId, taken: KeyUse, settled: &Settled) -> StoreResult<()> {
    let (key, tenant) = (taken.key_id.to_string(), tenant.to_string());
    let sql = "SELECT uses FROM ephemeral_keys WHERE key_id = ?1 AND tenant_id = ?2";
    let uses = tx.row(sql, [&key, &tenant], |row| row.number("uses"))?.ok_or(StoreError::KeyExhausted)?;
    let gone = taken.take(uses, settled)?;
    if gone != uses {
        tx.change("UPDATE ephemeral_keys SET uses = ?2 WHERE key_id = ?1", params![key, gone])?;
    }
    Ok(())
}

#[async_trait]
impl KeyStore for SqliteStore {
    async fn key_by_hash(&self, hash: &KeyHash) -> StoreResult<Option<KeyRecord>> {
        let hash = *hash;
        self.read(move |db| db.row(select_keys!("WHERE k.key_hash = ?1"), [hash.0], key_record)).await
    }

    async fn signing_keys(&self, agent: AgentId) -> StoreResult<Vec<SigningKey>> {
        self.read(move |db| {
            let sql =
                select_keys!("WHERE k.agent_id = ?1 AND k.sealed_secret IS NOT NULL ORDER BY k.rowid DESC");
            db.rows(sql, [agent.to_string()], |row| {
                Ok(SigningKey { record: key_record(row)?, sealed_secret: row.bytes("sealed_secret")? })
            })
        })
        .await
    }

    async fn environments_of(&self, tenant: TenantId, agent: AgentId) -> StoreResult<Environments> {
        self.read(move |db| {
            let sql =
                "SELECT DISTINCT env, env_override FROM api_keys WHERE tenant_id = ?1 AND revoked_at IS NULL
                AND (agent_id = ?2 OR key_id IN
                    (SELECT key_id FROM key_agents WHERE tenant_id = ?1 AND agent_id = ?2))";
            let ids = [tenant.to_string(), agent.to_string()];
            let keys = db.rows(sql, ids, |row| Ok((row.string("env")?, row.is_set("env_override")?)))?;
            Ok(keys.into_iter().collect())
        })
        .await
    }

    async fn note_request(
        &self,
        tenant: TenantId,
        agent: AgentId,
        nonce: &str,
        now: Timestamp,
        forget: Timestamp,
    ) -> StoreResult<bool> {
        let nonce = nonce.to_owned();
        self.write(move |tx| {
            tx.change("DELETE FROM seen_requests WHERE seen_at < ?1", [forget.to_string()])?;
            let noted = tx.change(
                "INSERT INTO seen_requests (tenant_id, agent_id, nonce, seen_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                [tenant.to_string(), agent.to_string(), nonce, now.to_string()],
            )?;
            Ok(noted > 0)
        })
        .await
    }

    async fn create_key(&self, tenant: TenantId, key: &NewKey, actor: &Actor) -> StoreResult<()> {
        let (hash, record, actor) = (key.hash, key.record.clone(), actor.clone());
        let sealed_secret = key.sealed_secret.clone();
        self.write(move |tx| {
            // First, because it also proves that the tenant exists.
            let details = object!({"name": record.name, "env": record.env, "scopes": record.scopes});
            audit::record(tx, tenant, &actor, record.created_at, "key.create", &record.prefix, &details)?;
            let foreign_agent = tx.row(
                "SELECT 1 FROM agents WHERE agent_id = ?1 AND tenant_id <> ?2",
                params![record.agent_id.to_string(), tenant.to_string()],
                |_| Ok(()),
            )?;
            if foreign_agent.is_some() {
                return Err(StoreError::NotFound("agent"));
            }
            let added = tx.change(
                "INSERT INTO api_keys (
                    key_id, tenant_id, key_hash, name, prefix, env, env_override, agent_id, agent_override,
                    ip_allowlist, scopes, monitor, created_at, created_by, expires_at, revoked_at, last_seen_at,
                    blocked_attempts, last_refusal, sealed_secret
                 ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
                 ON CONFLICT DO NOTHING",
                params![
                    record.key_id.to_string(),
                    tenant.to_string(),
                    hash.0,
                    record.name,
                    record.prefix,
                    record.env,
                    record.env_override,
                    record.agent_id.to_string(),
                    json(&record.agent_override)?,
                    json(&record.ip_allowlist)?,
                    json(&record.scopes)?,
                    record.monitor,
                    record.created_at.to_string(),
                    record.created_by,
                    text_of(&record.expires_at),
                    text_of(&record.revoked_at),
                    text_of(&record.last_seen_at),
                    count(record.blocked_attempts),
                    record.last_refusal,
                    sealed_secret
                ],
            )?;
            if added == 0 {
                return Err(StoreError::Conflict(format!("the key `{}…` exists already", record.prefix)));
            }
            match &record.ephemeral {
                None => tx.announce(Change::Tenant(tenant)),
                Some(limits) => limit(tx, tenant, &record, limits)?,
            }
            Ok(())
        })
        .await
    }

    async fn keys(&self, tenant: TenantId, kind: KeyKind) -> StoreResult<Vec<KeyRecord>> {
        self.read(move |db| {
            let is_ephemeral = kind == KeyKind::Ephemeral;
            let sql = select_keys!(
                "WHERE k.tenant_id = ?1 AND (e.key_id IS NOT NULL) = ?2 ORDER BY k.created_at DESC, k.rowid DESC"
            );
            db.rows(sql, params![tenant.to_string(), is_ephemeral], key_record)
        })
        .await
    }

    async fn revoke_key(
        &self,
        tenant: TenantId,
        key: KeyId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let actor = actor.clone();
        self.write(move |tx| {
            let sql = "SELECT prefix, revoked_at FROM api_keys WHERE tenant_id = ?1 AND key_id = ?2";
            let found = tx.row(sql, [tenant.to_string(), key.to_string()], |row| {
                Ok((row.string("prefix")?, row.optional_text("revoked_at")?.is_some()))
            })?;
            let (prefix, is_revoked) = found.ok_or(StoreError::NotFound("key"))?;
            if is_revoked {
                return Ok(());
            }
            let sql = "UPDATE api_keys SET revoked_at = ?2 WHERE revoked_at IS NULL AND (key_id = ?1
                    OR key_id IN (SELECT key_id FROM ephemeral_keys WHERE parent_key_id = ?1))";
            tx.change(sql, [key.to_string(), now.to_string()])?;
            audit::record(tx, tenant, &actor, now, "key.revoke", &prefix, &Value::Null)?;
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }

    async fn touch_key(&self, tenant: TenantId, key: KeyId, seen_at: Timestamp) -> StoreResult<()> {
        self.write(move |tx| {
            let touched = tx.change(
                "UPDATE api_keys SET last_seen_at = max(ifnull(last_seen_at, ''), ?3)
                 WHERE tenant_id = ?1 AND key_id = ?2",
                [tenant.to_string(), key.to_string(), seen_at.to_string()],
            )?;
            if touched == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
        })
        .await
    }

    async fn note_refusal(
        &self,
        tenant: TenantId,
        key: KeyId,
        reason: &str,
        blocked: bool,
    ) -> StoreResult<()> {
        let reason = reason.to_owned();
        self.write(move |tx| {
            let noted = tx.change(
                "UPDATE api_keys SET last_refusal = ?3, blocked_attempts = blocked_attempts + ?4
                 WHERE tenant_id = ?1 AND key_id = ?2",
                params![tenant.to_string(), key.to_string(), reason, blocked],
            )?;
            if noted == 0 { Err(StoreError::NotFound("key")) } else { Ok(()) }
        })
        .await
    }
}
