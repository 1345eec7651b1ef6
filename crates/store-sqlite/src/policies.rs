//! Policies: versions of source text under a name and an environment.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, json, text_of},
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, PolicyRow, PolicyStore, PolicyUpsert, PolicyVersion, StoreError, StoreResult,
};
use interven_types::{PolicyId, TenantId, Timestamp};
use rusqlite::params;
use serde_json::json as object;
use uuid::Uuid;

/// Policies of one tenant with one version each; conditions are appended.
const SELECT: &str =
    "SELECT p.policy_id, name, env_name, agent_id, v.version, source, updated_at, updated_by, updated_from,
        deleted_at
     FROM policies AS p JOIN policy_versions AS v ON v.policy_id = p.policy_id
     WHERE tenant_id = ?1";
const IN_FORCE: &str = "AND v.version = p.version AND deleted_at IS NULL";
const IN_ORDER: &str = "ORDER BY name, env_name, agent_id";

fn policy_row(row: &Cells<'_>) -> StoreResult<PolicyRow> {
    Ok(PolicyRow {
        policy_id: row.parsed("policy_id")?,
        name: row.string("name")?,
        env_name: row.optional_string("env_name")?,
        agent_id: row.optional_parsed("agent_id")?,
        version: row.number("version")?,
        source: row.json("source")?,
        updated_at: row.parsed("updated_at")?,
        updated_by: row.string("updated_by")?,
        updated_from: row.string("updated_from")?,
        deleted_at: row.optional_parsed("deleted_at")?,
    })
}

fn version_row(row: &Cells<'_>) -> StoreResult<PolicyVersion> {
    Ok(PolicyVersion {
        version: row.number("version")?,
        rules: row.number("rules")?,
        updated_at: row.parsed("updated_at")?,
        updated_by: row.string("updated_by")?,
        updated_from: row.string("updated_from")?,
        restored_from: row.optional_number("restored_from")?,
        deleted_at: row.optional_parsed("deleted_at")?,
        deleted_by: row.optional_string("deleted_by")?,
        deleted_from: row.optional_string("deleted_from")?,
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
        &format!("{SELECT} AND v.version = p.version AND name = ?2 AND env_name IS ?3 AND agent_id IS ?4"),
        params![tenant.to_string(), policy.name, policy.env_name, text_of(&policy.agent_id)],
        policy_row,
    )?;
    if let Some(expected) = policy.if_version {
        let current = known.as_ref().filter(|row| row.deleted_at.is_none());
        PolicyRow::expect_version(current, &policy.name, expected)?;
    }
    if let Some(agent) = policy.agent_id
        && tx
            .row(
                "SELECT 1 FROM agents WHERE tenant_id = ?1 AND agent_id = ?2",
                [tenant.to_string(), agent.to_string()],
                |_| Ok(()),
            )?
            .is_none()
    {
        return Err(StoreError::NotFound("agent"));
    }
    let (policy_id, version) = match known {
        Some(row) => (row.policy_id, row.version + 1),
        None => (PolicyId(Uuid::now_v7()), 1),
    };
    // First, because it also proves that the tenant exists.
    let details = object!({
        "policy_id": policy_id, "env_name": policy.env_name, "agent_id": policy.agent_id, "version": version,
        "restored_from": policy.restored_from,
    });
    let action = if policy.restored_from.is_some() { "policy.restore" } else { "policy.apply" };
    audit::record(tx, tenant, actor, now, action, &policy.name, &details)?;
    tx.change(
        "INSERT INTO policies (policy_id, tenant_id, name, env_name, agent_id, version) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (policy_id) DO UPDATE SET version = excluded.version",
        params![policy_id.to_string(), tenant.to_string(), policy.name, policy.env_name, text_of(&policy.agent_id), version],
    )?;
    tx.change(
        "INSERT INTO policy_versions (policy_id, version, source, updated_at, updated_by, updated_from, restored_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            policy_id.to_string(), version, json(&policy.source)?, now.to_string(), actor.name, actor.origin,
            policy.restored_from
        ],
    )?;
    Ok(PolicyRow {
        policy_id,
        name: policy.name,
        env_name: policy.env_name,
        agent_id: policy.agent_id,
        version,
        source: policy.source,
        updated_at: now,
        updated_by: actor.name.clone(),
        updated_from: actor.origin.clone(),
        deleted_at: None,
    })
}

/// Counts one change of the tenant's policies.
fn advance(tx: &Tx<'_>, tenant: TenantId) -> StoreResult<()> {
    let sql = "UPDATE tenant_counters SET policy_revision = policy_revision + 1 WHERE tenant_id = ?1";
    match tx.change(sql, [tenant.to_string()])? {
        0 => Err(StoreError::NotFound("tenant")),
        _ => Ok(()),
    }
}

fn revision(db: &impl Sql, tenant: TenantId) -> StoreResult<u64> {
    let sql = "SELECT policy_revision FROM tenant_counters WHERE tenant_id = ?1";
    let found = db.row(sql, [tenant.to_string()], |row| row.number("policy_revision"))?;
    found.ok_or(StoreError::NotFound("tenant"))
}

#[async_trait]
impl PolicyStore for SqliteStore {
    async fn policies(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>> {
        self.read(move |db| {
            db.rows(&format!("{SELECT} {IN_FORCE} {IN_ORDER}"), [tenant.to_string()], policy_row)
        })
        .await
    }

    async fn policies_with_deleted(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>> {
        self.read(move |db| {
            let sql = format!("{SELECT} AND v.version = p.version {IN_ORDER}");
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
            let sql = format!("{SELECT} {IN_FORCE} AND name = ?2 AND env_name IS ?3 AND agent_id IS NULL");
            let found = db.row(&sql, params![tenant.to_string(), name, env], policy_row)?;
            found.ok_or(StoreError::NotFound("policy"))
        })
        .await
    }

    async fn policy_revision(&self, tenant: TenantId) -> StoreResult<u64> {
        self.read(move |db| revision(db, tenant)).await
    }

    async fn apply_policies(
        &self,
        tenant: TenantId,
        seen: u64,
        policies: &[PolicyUpsert],
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<Vec<PolicyRow>>> {
        let (policies, actor) = (policies.to_vec(), actor.clone());
        self.write(move |tx| {
            if revision(&**tx, tenant)? != seen {
                return Ok(None);
            }
            advance(tx, tenant)?;
            let rows = policies.into_iter().map(|policy| apply(tx, tenant, policy, &actor, now));
            let rows = rows.collect::<StoreResult<Vec<_>>>()?;
            tx.announce(Change::Tenant(tenant));
            Ok(Some(rows))
        })
        .await
    }

    async fn delete_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let actor = actor.clone();
        self.write(move |tx| {
            let current = tx.row(
                &format!("{SELECT} {IN_FORCE} AND p.policy_id = ?2"),
                [tenant.to_string(), policy.to_string()],
                policy_row,
            )?;
            let current = current.ok_or(StoreError::NotFound("policy"))?;
            if let Some(expected) = if_version {
                PolicyRow::expect_version(Some(&current), &current.name, expected)?;
            }
            advance(tx, tenant)?;
            let PolicyRow { name, env_name, agent_id, version, .. } = current;
            tx.change(
                "UPDATE policy_versions SET deleted_at = ?3, deleted_by = ?4, deleted_from = ?5
                 WHERE policy_id = ?1 AND version = ?2",
                params![policy.to_string(), version, now.to_string(), actor.name, actor.origin],
            )?;
            let details =
                object!({"policy_id": policy, "env_name": env_name, "agent_id": agent_id, "version": version});
            audit::record(tx, tenant, &actor, now, "policy.delete", &name, &details)?;
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }

    async fn policy_versions(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        limit: u32,
    ) -> StoreResult<Vec<PolicyVersion>> {
        self.read(move |db| {
            let versions = db.rows(
                "SELECT v.version, ifnull(json_array_length(source, '$.rules'), 0) AS rules, updated_at, updated_by,
                    updated_from, restored_from, deleted_at, deleted_by, deleted_from
                 FROM policies AS p JOIN policy_versions AS v ON v.policy_id = p.policy_id
                 WHERE tenant_id = ?1 AND p.policy_id = ?2 ORDER BY v.version DESC LIMIT ?3",
                params![tenant.to_string(), policy.to_string(), limit],
                version_row,
            )?;
            if versions.is_empty() { Err(StoreError::NotFound("policy")) } else { Ok(versions) }
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
            let sql = format!("{SELECT} AND p.policy_id = ?2 AND v.version = ?3");
            let found = db.row(&sql, params![tenant.to_string(), policy.to_string(), version], policy_row)?;
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
