//! Policies as stored: versions of source text. Meaning is the policy crate's.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{PolicyId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyRow {
    pub policy_id: PolicyId,
    pub name: String,
    /// Absent: every environment.
    pub env_name: Option<String>,
    /// From 1; each apply makes the next.
    pub version: u32,
    /// The canonical source of this version.
    pub source: Value,
    pub updated_at: Timestamp,
    pub updated_by: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PolicyUpsert {
    pub name: String,
    pub env_name: Option<String>,
    pub source: Value,
    /// A different current version is a conflict.
    pub if_version: Option<u32>,
}

#[async_trait]
pub trait PolicyStore: Send + Sync {
    /// Current versions of all policies, ordered by name and environment.
    async fn policies(&self, tenant: TenantId) -> StoreResult<Vec<PolicyRow>>;
    async fn policy_by_name(&self, tenant: TenantId, name: &str, env: Option<&str>)
    -> StoreResult<PolicyRow>;
    /// Upserts all or none, by name and environment. Each makes a version, also when nothing changed.
    async fn apply_policies(
        &self,
        tenant: TenantId,
        policies: &[PolicyUpsert],
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<Vec<PolicyRow>>;
    /// The policy is gone from decisions; its versions stay.
    async fn delete_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
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
