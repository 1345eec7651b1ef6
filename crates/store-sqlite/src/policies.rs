//! Policies: versions of source text under a name and an environment.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, json},
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{Actor, Change, PolicyRow, PolicyStore, PolicyUpsert, StoreError, StoreResult};
use interven_types::{PolicyId, TenantId, Timestamp};
use rusqlite::params;
use serde_json::json as object;
use uuid::Uuid;

/// Current versions of one tenant; conditions are appended.
const CURRENT: &str = "SELECT policy_id, name, env_name, version, source, updated_at, updated_by
     FROM policies JOIN policy_versions USING (policy_id, version)
     WHERE tenant_id = ?1 AND deleted_at IS NULL";

fn policy_row(row: &Cells<'_>) -> StoreResult<PolicyRow> {
    Ok(PolicyRow {
        policy_id: row.parsed("policy_id")?,
        name: row.string("name")?,
        env_name: row.optional_string("env_name")?,
        version: row.number("version")?,
        source: row.json("source")?,
        updated_at: row.parsed("updated_at")?,
        updated_by: row.string("updated_by")?,
    })
}

/// A policy that was deleted and comes back keeps its id and goes on counting its versions.
fn apply(
    tx: &Tx<'_>,
    tenant: TenantId,
    policy: PolicyUpsert,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<PolicyRow> {
    let known = tx.row(
        "SELECT policy_id, version, deleted_at FROM policies
         WHERE tenant_id = ?1 AND name = ?2 AND ifnull(env_name, '') = ifnull(?3, '')
           AND (env_name IS NULL) = (?3 IS NULL)",
        params![tenant.to_string(), policy.name, policy.env_name],
        |row| {
            let is_current = row.optional_text("deleted_at")?.is_none();
            Ok((row.parsed::<PolicyId>("policy_id")?, row.number::<u32>("version")?, is_current))
        },
    )?;
    let current = known.as_ref().and_then(|(_, version, is_current)| is_current.then_some(*version));
    if policy.if_version.is_some() && policy.if_version != current {
        return Err(StoreError::Conflict(match current {
            Some(version) => format!("policy `{}` is at version {version} by now", policy.name),
            None => format!("policy `{}` does not exist", policy.name),
        }));
    }
    let (policy_id, version) = match known {
        Some((policy_id, version, _)) => (policy_id, version + 1),
        None => (PolicyId(Uuid::now_v7()), 1),
    };
    // First, because it also proves that the tenant exists.
    let details = object!({"policy_id": policy_id, "env_name": policy.env_name, "version": version});
    audit::record(tx, tenant, actor, now, "policy.apply", &policy.name, &details)?;
    tx.change(
        "INSERT INTO policies (policy_id, tenant_id, name, env_name, version) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (policy_id) DO UPDATE SET version = excluded.version, deleted_at = NULL",
        params![policy_id.to_string(), tenant.to_string(), policy.name, policy.env_name, version],
    )?;
    tx.change(
        "INSERT INTO policy_versions (policy_id, version, source, updated_at, updated_by)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![policy_id.to_string(), version, json(&policy.source)?, now.to_string(), actor.name],
    )?;
    Ok(PolicyRow {
        policy_id,
        name: policy.name,
        env_name: policy.env_name,
        version,
        source: policy.source,
        updated_at: now,
        updated_by: actor.name.clone(),
    })
}

#[async_trait]
impl PolicyStore for SqliteStore {
    async fn policies(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>> {
        self.read(move |db| {
            let sql = format!("{CURRENT} ORDER BY name, env_name");
            db.rows(&sql, [tenant.to_string()], policy_row)
        })
        .await
    }

    async fn policy_by_name(
        &self,
        tenant: TenantId,
        name: &str,
        env: Option<&str>,
    ) -> StoreResult<PolicyRow> {
        let (name, env) = (name.to_owned(), env.map(str::to_owned));
        self.read(move |db| {
            let sql = format!("{CURRENT} AND name = ?2 AND env_name IS ?3");
            let found = db.row(&sql, params![tenant.to_string(), name, env], policy_row)?;
            found.ok_or(StoreError::NotFound("policy"))
        })
        .await
    }

    async fn apply_policies(
        &self,
        tenant: TenantId,
        policies: &[PolicyUpsert],
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<PolicyRow>> {
        let (policies, actor) = (policies.to_vec(), actor.clone());
        self.write(move |tx| {
            let rows = policies.into_iter().map(|policy| apply(tx, tenant, policy, &actor, now));
            let rows = rows.collect::<StoreResult<Vec<_>>>()?;
            tx.announce(Change::Tenant(tenant));
            Ok(rows)
        })
        .await
    }

    async fn delete_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let actor = actor.clone();
        self.write(move |tx| {
            let name = tx.row(
                "UPDATE policies SET deleted_at = ?3
                 WHERE tenant_id = ?1 AND policy_id = ?2 AND deleted_at IS NULL RETURNING name",
                [tenant.to_string(), policy.to_string(), now.to_string()],
                |row| row.string("name"),
            )?;
            let name = name.ok_or(StoreError::NotFound("policy"))?;
            let details = object!({"policy_id": policy});
            audit::record(tx, tenant, &actor, now, "policy.delete", &name, &details)?;
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }

    async fn policy_version(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        version: u32,
    ) -> StoreResult<PolicyRow> {
        self.read(move |db| {
            let found = db.row(
                "SELECT policy_id, name, env_name, v.version AS version, source, updated_at, updated_by
                 FROM policies JOIN policy_versions AS v USING (policy_id)
                 WHERE tenant_id = ?1 AND policy_id = ?2 AND v.version = ?3",
                params![tenant.to_string(), policy.to_string(), version],
                policy_row,
            )?;
            found.ok_or(StoreError::NotFound("policy version"))
        })
        .await
    }

    async fn save_policy_set(
        &self,
        tenant: TenantId,
        hash: &str,
        members: &[(PolicyId, u32)],
    ) -> StoreResult<()> {
        let (hash, members) = (hash.to_owned(), members.to_vec());
        self.write(move |tx| {
            let tenant = tenant.to_string();
            if tx.row("SELECT 1 FROM tenants WHERE tenant_id = ?1", [&tenant], |_| Ok(()))?.is_none() {
                return Err(StoreError::NotFound("tenant"));
            }
            tx.change(
                "INSERT INTO policy_sets (tenant_id, hash, members) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![tenant, hash, json(&members)?],
            )?;
            Ok(())
        })
        .await
    }

    async fn policy_set(&self, tenant: TenantId, hash: &str) -> StoreResult<Vec<(PolicyId, u32)>> {
        let hash = hash.to_owned();
        self.read(move |db| {
            let sql = "SELECT members FROM policy_sets WHERE tenant_id = ?1 AND hash = ?2";
            let members = db.row(sql, params![tenant.to_string(), hash], |row| row.json("members"))?;
            members.ok_or(StoreError::NotFound("policy set"))
        })
        .await
    }
}
