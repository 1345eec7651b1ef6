//! Policies as stored: versions of source text. Meaning is the policy crate's.

use crate::{Actor, StoreError, StoreResult};
use async_trait::async_trait;
use interven_types::{AgentId, PolicyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    pub policy_id: PolicyId,
    /// Unique together with environment and agent.
    pub name: String,
    /// Absent: every environment.
    pub env_name: Option<String>,
    /// The policy is this agent's own; absent: it is for all.
    pub agent_id: Option<AgentId>,
    /// From 1; each apply makes the next.
    pub version: u32,
    /// The canonical source of this version.
    pub source: Value,
    pub updated_at: Timestamp,
    pub updated_by: String,
    /// From where: `cli`, `api`, `console`; see [`Actor::origin`]. Empty when not known.
    pub updated_from: String,
    /// When the version in force was deleted; such a policy takes no part in decisions.
    pub deleted_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PolicyUpsert {
    pub name: String,
    pub env_name: Option<String>,
    pub agent_id: Option<AgentId>,
    pub source: Value,
    /// A different current version is a conflict. 0: there must be no such policy.
    pub if_version: Option<u32>,
    /// The source is that of this earlier version.
    pub restored_from: Option<u32>,
}

impl PolicyRow {
    /// Whoever made a change from an older state must hear what is there now and whose it is.
    pub fn expect_version(current: Option<&Self>, name: &str, expected: u32) -> StoreResult<()> {
        let current_version = current.map_or(0, |row| row.version);
        if current_version == expected {
            return Ok(());
        }
        let there = match current {
            None => format!("there is no policy `{name}` now"),
            Some(row) => {
                let from = Some(&row.updated_from).filter(|from| !from.is_empty());
                let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
                format!(
                    "policy `{name}` is at version {current_version} by now, made by {}{from} at {}",
                    row.updated_by, row.updated_at
                )
            }
        };
        Err(StoreError::Conflict(format!(
            "{there}, and the change expects version {expected}; look at it and repeat the change"
        )))
    }
}

/// One version, without its source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicyVersion {
    pub version: u32,
    /// How many rules it has.
    pub rules: u32,
    pub updated_at: Timestamp,
    pub updated_by: String,
    /// `cli`, `api`, `console`, `start`; empty when not known.
    pub updated_from: String,
    /// The earlier version that it says again.
    pub restored_from: Option<u32>,
    /// When and by whom the policy was deleted at this version.
    pub deleted_at: Option<Timestamp>,
    pub deleted_by: Option<String>,
    pub deleted_from: Option<String>,
}

#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Current versions of all policies, ordered by name, environment and agent.
    async fn policies(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>>;
    /// The same, with the last versions of deleted policies.
    async fn policies_with_deleted(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>>;
    /// The policy for all agents of that name and environment.
    async fn policy_by_name(&self, tenant: TenantId, name: &str, env: Option<&str>)
    -> StoreResult<PolicyRow>;
    /// Changes whenever a policy of the tenant does.
    async fn policy_revision(&self, tenant: TenantId) -> StoreResult<u64>;
    /// Upserts all or none, by name, environment and agent. Each makes a version, also when nothing changed. Does nothing and
    /// returns `None` when the tenant's policies are no longer at `revision`: what was planned on them may not fit now.
    async fn apply_policies(
        &self,
        tenant: TenantId,
        revision: u64,
        policies: &[PolicyUpsert],
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Option<Vec<PolicyRow>>>;
    /// The policy is gone from decisions; its versions stay. Another version than `if_version` is a conflict.
    async fn delete_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// The newest `limit` versions, newest first.
    async fn policy_versions(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        limit: u32,
    ) -> StoreResult<Vec<PolicyVersion>>;
    /// One version as it was, for replaying old decisions.
    async fn policy_version(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        version: u32,
    ) -> StoreResult<PolicyRow>;
    /// Remembers which versions were in force together, under their hash. Writing a known hash changes nothing.
    async fn save_policy_set(
        &self,
        tenant: TenantId,
        hash: &str,
        members: &[(PolicyId, u32)],
    ) -> StoreResult<()>;
    async fn policy_set(&self, tenant: TenantId, hash: &str) -> StoreResult<Vec<(PolicyId, u32)>>;
}
