//! Data keys, wrapped: what is sealed in the other tables is sealed under them. What they are is the vault's.

use crate::{Actor, AuditEntry, StoreResult};
use async_trait::async_trait;
use interven_types::{KeyFingerprint, TenantId, Timestamp};

/// A row of `data_keys`. Never deleted: something may be sealed under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataKeyRow {
    /// Unique in this installation.
    pub fingerprint: KeyFingerprint,
    /// Whose values it seals; absent: the installation's own.
    pub tenant_id: Option<TenantId>,
    /// The order in which keys were added, from 1. Assigned by the store.
    pub number: u64,
    /// The key, sealed under a master key.
    pub wrapped_key: Vec<u8>,
    pub created_at: Timestamp,
}

/// Keys and values of this installation as they stand together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredKeys {
    /// Changes with every [`DataKeyStore::change_keys`].
    pub revision: u64,
    /// In the order of their numbers.
    pub keys: Vec<DataKeyRow>,
    /// Names and contents of the table `installation`, see [`crate::TenantStore::installation_value`].
    pub values: Vec<(String, Vec<u8>)>,
}

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeysChange {
    /// New keys, in this order. A fingerprint that is there already is a conflict.
    pub added: Vec<DataKeyRow>,
    /// Keys that are wrapped otherwise now.
    pub rewrapped: Vec<(KeyFingerprint, Vec<u8>)>,
    /// Values of the installation that are sealed otherwise now.
    pub values: Vec<(String, Vec<u8>)>,
    /// What the audit logs say of it.
    pub audit: Vec<(TenantId, AuditEntry)>,
}

#[async_trait]
pub trait DataKeyStore: Send + Sync {
    /// The keys with numbers above `after`, and all values.
    async fn stored_keys(&self, after: u64) -> StoreResult<StoredKeys>;
    /// Makes a change that was planned on `revision`. Does nothing and returns `false` when the keys are no longer there:
    /// another process was first. Tenants with new keys are announced.
    async fn change_keys(
        &self,
        revision: u64,
        change: &KeysChange,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool>;
}
