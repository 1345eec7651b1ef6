//! Tenants, their settings and their people.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{TenantId, TenantSettings, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantRow {
    pub tenant_id: TenantId,
    /// Unique in this installation.
    pub name: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettingsRow {
    /// Starts at 1 with the defaults; each change makes the next.
    pub version: u32,
    pub settings: TenantSettings,
    pub updated_at: Timestamp,
}

impl SettingsRow {
    /// Names of the settings in which `after` differs.
    pub fn changed(&self, after: &TenantSettings) -> Vec<String> {
        let (before, after) = (json!(self.settings), json!(after));
        let names = after.as_object().into_iter().flat_map(|after| after.keys());
        names.filter(|name| before.get(name) != after.get(name)).cloned().collect()
    }
}

/// One version of the settings, without what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SettingsVersion {
    pub version: u32,
    pub updated_at: Timestamp,
}

/// What a person may do; see the roles table in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Admin,
    Developer,
    Reviewer,
    Auditor,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UserRow {
    pub user_id: UserId,
    pub tenant_id: TenantId,
    /// Unique in this installation, compared without case.
    pub email: String,
    pub role: Role,
    /// argon2id, PHC string.
    #[serde(skip)]
    #[schema(ignore)]
    pub password_hash: String,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

impl UserRow {
    /// Mail addresses are compared without case, beyond ASCII too.
    pub fn folded(email: &str) -> String {
        email.to_lowercase()
    }
}

#[async_trait]
pub trait TenantStore: Send + Sync {
    /// Creates a tenant with default settings, version 1. The name must be free.
    async fn create_tenant(&self, name: &str, actor: &Actor, now: Timestamp) -> StoreResult<TenantRow>;
    async fn tenants(&self) -> StoreResult<Vec<TenantRow>>;

    /// A value of this installation, such as the sealed key that hashes API keys: returns what is stored under `name`,
    /// after storing `proposed` if nothing was. All services on one store see the same value (table `installation`).
    async fn installation_value(&self, name: &str, proposed: &[u8]) -> StoreResult<Vec<u8>>;

    async fn settings(&self, tenant: TenantId) -> StoreResult<SettingsRow>;
    /// The settings as they were at a version, for replaying old decisions.
    async fn settings_at(&self, tenant: TenantId, version: u32) -> StoreResult<TenantSettings>;
    /// The newest `limit` versions, newest first.
    async fn settings_versions(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<SettingsVersion>>;
    /// Writes the next version; the audit entry names the parts that differ. With `if_version`, a different current version is a conflict.
    async fn update_settings(
        &self,
        tenant: TenantId,
        settings: &TenantSettings,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<SettingsRow>;

    async fn create_user(&self, tenant: TenantId, user: &UserRow, actor: &Actor) -> StoreResult<()>;
    async fn users(&self, tenant: TenantId) -> StoreResult<Vec<UserRow>>;
    async fn set_password(
        &self,
        tenant: TenantId,
        email: &str,
        password_hash: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Disabled people cannot sign in; their history stays.
    async fn disable_user(
        &self,
        tenant: TenantId,
        email: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
}
