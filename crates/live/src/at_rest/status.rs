//! What may be told about keys.

use super::wrapped_under;
use interven_store::{DataKeyRow, TenantRow};
use interven_types::{KeyFingerprint, TenantId, Timestamp};
use interven_vault::KeyRing;
use serde::Serialize;

/// Which keys there are, by their fingerprints.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct EncryptionStatus {
    /// The one that this process was started with.
    pub master_key: KeyFingerprint,
    /// In the order in which they were made.
    pub data_keys: Vec<DataKeyStatus>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct DataKeyStatus {
    pub fingerprint: KeyFingerprint,
    /// Absent: the installation's own key, or an earlier master key.
    pub tenant_id: Option<TenantId>,
    pub tenant: Option<String>,
    pub created_at: Timestamp,
    /// The master key that it is wrapped under; absent when that cannot be read.
    pub wrapped_under: Option<KeyFingerprint>,
    /// Whether what is sealed now is sealed under it.
    pub is_newest: bool,
}

impl DataKeyStatus {
    pub(super) fn of(row: &DataKeyRow, ring: &KeyRing, tenants: &[TenantRow]) -> Self {
        let tenant = tenants.iter().find(|tenant| Some(tenant.tenant_id) == row.tenant_id);
        Self {
            fingerprint: row.fingerprint,
            tenant_id: row.tenant_id,
            tenant: tenant.map(|tenant| tenant.name.clone()),
            created_at: row.created_at,
            wrapped_under: wrapped_under(row),
            is_newest: ring.newest(row.tenant_id) == Some(row.fingerprint),
        }
    }
}
