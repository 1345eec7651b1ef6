//! Policies: versions of source text under a name and an environment.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, json},
    session::{Session, Tx},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, PolicyRow, PolicyStore, PolicyUpsert, PolicyVersion, StoreError, StoreResult,
};
use interven_types::{AgentId, PolicyId, TenantId, Timestamp};
use serde_json::json as object;
use uuid::Uuid;

/// Policies of one tenant with one version each; conditions are appended.
const SELECT: &str =
    "SELECT p.policy_id, name, env_name, agent_id, v.version, source, updated_at, updated_by, updated_from,
        deleted_at
     FROM policies AS p JOIN policy_versions AS v ON v.policy_id = p.policy_id
     WHERE tenant_id = $1";
const IN_FORCE: &str = "AND v.version = p.version AND deleted_at IS NULL";
/// None comes first.
const IN_ORDER: &str = "ORDER BY name, env_name NULLS FIRST, agent_id NULLS FIRST";

fn policy_row(row: &Cells<'_>) -> StoreResult<PolicyRow> {
    Ok(PolicyRow {
        policy_id: PolicyId(row.uuid("policy_id")?),
        name: row.string("name")?,
        env_name: row.optional_string("env_name")?,
        agent_id: row.optional_uuid("agent_id")?.map(AgentId),
        version: row.number("version")?,
        source: row.json("source")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.string("updated_by")?,
        updated_from: row.string("updated_from")?,
        deleted_at: row.optional_time("deleted_at")?,
    })
}

fn version_row(row: &Cells<'_>) -> StoreResult<PolicyVersion> {
    Ok(PolicyVersion {
        version: row.number("version")?,
        rules: row.number("rules")?,
        updated_at: row.time("updated_at")?,
        updated_by: row.string("updated_by")?,
        updated_from: row.string("updated_from")?,
        restored_from: row.optional_number("restored_from")?,
        deleted_at: row.optional_time("deleted_at")?,
        deleted_by: row.optional_string("deleted_by")?,
        deleted_from: row.optional_string("deleted_from")?,
    })
}

/// A policy that was deleted and comes back keeps its id and goes on counting its versions.
async fn apply(
    tx: &Tx,
    tenant: TenantId,
    policy: &PolicyUpsert,
    actor: &Actor,
    now: Timestamp,
) -> StoreResult<PolicyRow> {
    let agent = policy.agent_id.map(|agent| agent.0);
    let known = tx
        .row(
            &format!(
                "{SELECT} AND v.version = p.version AND name = $2 AND env_name IS NOT DISTINCT FROM $3
                 AND agent_id IS NOT DISTINCT FROM $4"
            ),
            &[&tenant.0, &policy.name, &policy.env_name, &agent],
            policy_row,
        )
        .await?;
    if let Some(expected) = policy.if_version {
        let current = known.as_ref().filter(|row| row.deleted_at.is_none());
        PolicyRow::expect_version(current, &policy.name, expected)?;
    }
    let its_agent = "SELECT 1 FROM agents WHERE tenant_id = $1 AND agent_id = $2";
    if agent.is_some() && tx.row(its_agent, &[&tenant.0, &agent], |_| Ok(())).await?.is_none() {
        return Err(StoreError::NotFound("agent"));
    }
    let (policy_id, version) = match known {
        Some(row) => (row.policy_id, row.version + 1),
        None => (PolicyId(Uuid::now_v7()), 1),
    };
    let details = object!({
        "policy_id": policy_id, "env_name": policy.env_name, "agent_id": policy.agent_id, "version": version,
        "restored_from": policy.restored_from,
    });
    let action = if policy.restored_from.is_some() { "policy.restore" } else { "policy.apply" };
    audit::record(tx, tenant, actor, now, action, &policy.name, &details).await?;
    let number = i64::from(version);
    tx.change(
        "INSERT INTO policies (policy_id, tenant_id, name, env_name, agent_id, version) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (policy_id) DO UPDATE SET version = excluded.version",
        &[&policy_id.0, &tenant.0, &policy.name, &policy.env_name, &agent, &number],
    )
    .await?;
    tx.change(
        "INSERT INTO policy_versions (policy_id, version, source, updated_at, updated_by, updated_from, restored_from)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &policy_id.0,
            &number,
            &json(&policy.source)?,
            &At(now),
            &actor.name,
            &actor.origin,
            &policy.restored_from.map(i64::from),
        ],
    )
    .await?;
    Ok(PolicyRow {
        policy_id,
        name: policy.name.clone(),
        env_name: policy.env_name.clone(),
        agent_id: policy.agent_id,
        version,
        source: policy.source.clone(),
        updated_at: now,
        updated_by: actor.name.clone(),
        updated_from: actor.origin.clone(),
        deleted_at: None,
    })
}

/// Counts one change of the tenant's policies.
async fn advance(tx: &Tx, tenant: TenantId) -> StoreResult<()> {
    let sql = "UPDATE tenant_counters SET policy_revision = policy_revision + 1 WHERE tenant_id = $1";
    tx.change(sql, &[&tenant.0]).await.map(drop)
}

async fn revision(db: &Session, tenant: TenantId) -> StoreResult<u64> {
    let sql = "SELECT policy_revision FROM tenant_counters WHERE tenant_id = $1";
    let found = db.row(sql, &[&tenant.0], |row| row.number("policy_revision")).await?;
    found.ok_or(StoreError::NotFound("tenant"))
}

#[async_trait]
impl PolicyStore for PostgresStore {
    async fn policies(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>> {
        let sql = format!("{SELECT} {IN_FORCE} {IN_ORDER}");
        self.session().await?.rows(&sql, &[&tenant.0], policy_row).await
    }

    async fn policies_with_deleted(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>> {
        let sql = format!("{SELECT} AND v.version = p.version {IN_ORDER}");
        self.session().await?.rows(&sql, &[&tenant.0], policy_row).await
    }

    async fn policy_by_name(
        &self,
        tenant: TenantId,
        name: &str,
        env: Option<&str>,
    ) -> StoreResult<PolicyRow> {
        let sql = format!(
            "{SELECT} {IN_FORCE} AND name = $2 AND env_name IS NOT DISTINCT FROM $3 AND agent_id IS NULL"
        );
        let found = self.session().await?.row(&sql, &[&tenant.0, &name, &env], policy_row).await?;
        found.ok_or(StoreError::NotFound("policy"))
    }

    async fn policy_revision(&self, tenant: TenantId) -> StoreResult<u64> {
        revision(&self.session().await?, tenant).await
    }

    async fn apply_policies(
        &self,
        tenant: TenantId,
        seen: u64,
        policies: &[PolicyUpsert],
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<Vec<PolicyRow>>> {
        let mut tx = self.begin(tenant).await?;
        if revision(&tx, tenant).await? != seen {
            return Ok(None);
        }
        advance(&tx, tenant).await?;
        let mut rows = Vec::with_capacity(policies.len());
        for policy in policies {
            rows.push(apply(&tx, tenant, policy, actor, now).await?);
        }
        tx.announce(Change::Tenant(tenant));
        tx.commit().await?;
        Ok(Some(rows))
    }

    async fn delete_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let mut tx = self.begin(tenant).await?;
        let sql = format!("{SELECT} {IN_FORCE} AND p.policy_id = $2");
        let current = tx.row(&sql, &[&tenant.0, &policy.0], policy_row).await?;
        let current = current.ok_or(StoreError::NotFound("policy"))?;
        if let Some(expected) = if_version {
            PolicyRow::expect_version(Some(&current), &current.name, expected)?;
        }
        advance(&tx, tenant).await?;
        let PolicyRow { name, env_name, agent_id, version, .. } = current;
        tx.change(
            "UPDATE policy_versions SET deleted_at = $3, deleted_by = $4, deleted_from = $5
             WHERE policy_id = $1 AND version = $2",
            &[&policy.0, &i64::from(version), &At(now), &actor.name, &actor.origin],
        )
        .await?;
        let details =
            object!({"policy_id": policy, "env_name": env_name, "agent_id": agent_id, "version": version});
        audit::record(&tx, tenant, actor, now, "policy.delete", &name, &details).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }

    async fn policy_versions(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        limit: u32,
    ) -> StoreResult<Vec<PolicyVersion>> {
        let sql =
            "SELECT v.version, updated_at, updated_by, updated_from, restored_from, deleted_at, deleted_by,
                deleted_from, CASE json_typeof(source::json -> 'rules')
                    WHEN 'array' THEN json_array_length(source::json -> 'rules')::bigint ELSE 0 END AS rules
             FROM policies AS p JOIN policy_versions AS v ON v.policy_id = p.policy_id
             WHERE tenant_id = $1 AND p.policy_id = $2 ORDER BY v.version DESC LIMIT $3";
        let db = self.session().await?;
        let versions = db.rows(sql, &[&tenant.0, &policy.0, &i64::from(limit)], version_row).await?;
        if versions.is_empty() { Err(StoreError::NotFound("policy")) } else { Ok(versions) }
    }

    async fn policy_version(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        version: u32,
    ) -> StoreResult<PolicyRow> {
        let sql = format!("{SELECT} AND p.policy_id = $2 AND v.version = $3");
        let db = self.session().await?;
        let found = db.row(&sql, &[&tenant.0, &policy.0, &i64::from(version)], policy_row).await?;
        found.ok_or(StoreError::NotFound("policy version"))
    }

    async fn save_policy_set(
        &self,
        tenant: TenantId,
        hash: &str,
        members: &[(PolicyId, u32)],
    ) -> StoreResult<()> {
        let sql = "INSERT INTO policy_sets (tenant_id, hash, members)
             SELECT tenant_id, $2, $3 FROM tenants WHERE tenant_id = $1
             ON CONFLICT (tenant_id, hash) DO UPDATE SET members = policy_sets.members";
        let saved = self.session().await?.change(sql, &[&tenant.0, &hash, &json(&members)?]).await?;
        if saved == 0 { Err(StoreError::NotFound("tenant")) } else { Ok(()) }
    }

    async fn policy_set(&self, tenant: TenantId, hash: &str) -> StoreResult<Vec<(PolicyId, u32)>> {
        let sql = "SELECT members FROM policy_sets WHERE tenant_id = $1 AND hash = $2";
        let members = self.session().await?.row(sql, &[&tenant.0, &hash], |row| row.json("members")).await?;
        members.ok_or(StoreError::NotFound("policy set"))
    }
}
