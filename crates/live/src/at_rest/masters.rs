//! The operator's keys, under which data keys lie wrapped.

use interven_store::DataKeyRow;
use interven_types::{KeyFingerprint, SecretBytes};
use interven_vault::{OpenError, SealingKey, sealed_under};

/// The master key and, while one is exchanged for another, the one before.
#[derive(Debug)]
pub struct MasterKeys {
    current: SealingKey,
    previous: Option<SealingKey>,
}

impl MasterKeys {
    pub fn new(current: SecretBytes) -> Self {
        Self { current: SealingKey::new(current), previous: None }
    }

    /// With the key that was the current one before: what lies under it is wrapped anew at the start.
    #[must_use]
    pub fn after(self, previous: Option<SecretBytes>) -> Self {
        Self { previous: previous.map(SealingKey::new), ..self }
    }

    pub(super) fn current(&self) -> KeyFingerprint {
        self.current.fingerprint()
    }

    pub(super) fn wrap(&self, row: &DataKeyRow, salt: interven_vault::Salt, key: &SealingKey) -> Vec<u8> {
        self.current.wrap(row.tenant_id, salt, key)
    }

    pub(super) fn find(&self, fingerprint: KeyFingerprint) -> Option<&SealingKey> {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.fingerprint() == fingerprint)
    }

    /// Whether the data key opens with one of these.
    pub fn opens(&self, row: &DataKeyRow) -> bool {
        self.unwrap(row).is_ok()
    }

    pub(super) fn unwrap(&self, row: &DataKeyRow) -> Result<SealingKey, OpenError> {
        let under = sealed_under(&row.wrapped_key).ok_or(OpenError::Damaged)?;
        let master = self.find(under).ok_or(OpenError::OtherKey(under))?;
        master.unwrap(row.tenant_id, row.fingerprint, &row.wrapped_key)
    }
}

/// The master key that a data key lies under; absent when that cannot be read.
pub fn wrapped_under(row: &DataKeyRow) -> Option<KeyFingerprint> {
    sealed_under(&row.wrapped_key)
}
