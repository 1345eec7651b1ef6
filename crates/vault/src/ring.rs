//! All data keys at once: the newest of a tenant seals, the one that a value names opens it.

use crate::{OpenError, Place, Salt, SealingKey, key::sealed_under};
use interven_types::{KeyFingerprint, TenantId};
use std::collections::HashMap;

/// Data keys that have been unwrapped. Keys are added and never taken away, so what was once opened stays open.
#[derive(Clone, Debug, Default)]
pub struct KeyRing {
    keys: HashMap<KeyFingerprint, DataKey>,
    newest: HashMap<Option<TenantId>, KeyFingerprint>,
}

#[derive(Clone, Debug)]
struct DataKey {
    /// Absent: the installation's. Such a key may be an earlier master key, under which values of tenants were sealed.
    tenant: Option<TenantId>,
    key: SealingKey,
}

impl KeyRing {
    /// Adds the newest key of `tenant`; without one, of the installation itself.
    pub fn add(&mut self, tenant: Option<TenantId>, key: SealingKey) {
        self.newest.insert(tenant, key.fingerprint());
        self.keys.insert(key.fingerprint(), DataKey { tenant, key });
    }

    pub fn holds(&self, fingerprint: KeyFingerprint) -> bool {
        self.keys.contains_key(&fingerprint)
    }

    /// The key that seals for `tenant` now.
    pub fn newest(&self, tenant: Option<TenantId>) -> Option<KeyFingerprint> {
        self.newest.get(&tenant).copied()
    }

    /// Whether the value names a key that is not here.
    pub fn lacks_key_of(&self, sealed: &[u8]) -> bool {
        sealed_under(sealed).is_some_and(|fingerprint| !self.holds(fingerprint))
    }

    /// Seals under the newest key of the place's tenant; nothing when it has none.
    pub fn seal(&self, place: &Place<'_>, salt: Salt, plaintext: &[u8]) -> Option<Vec<u8>> {
        let DataKey { key, .. } = self.keys.get(&self.newest(place.tenant)?)?;
        Some(key.seal(place, salt, plaintext))
    }

    /// Opens with the key that the value names. A tenant's key opens nothing of another's.
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let named = sealed_under(sealed).ok_or(OpenError::Damaged)?;
        let DataKey { tenant, key } = self.keys.get(&named).ok_or(OpenError::OtherKey(named))?;
        if tenant.is_some() && *tenant != place.tenant {
            return Err(OpenError::Damaged);
        }
        key.open(place, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::SecretBytes;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(SecretBytes::new([byte; 32]))
    }

    fn tenant(byte: u8) -> Option<TenantId> {
        Some(TenantId(uuid_of(byte)))
    }

    fn uuid_of(byte: u8) -> uuid::Uuid {
        uuid::Uuid::from_bytes([byte; 16])
    }

    fn place(tenant: Option<TenantId>) -> Place<'static> {
        Place { tenant, table: "activity_log", row: "7" }
    }

    #[test]
    fn the_newest_key_seals_and_every_earlier_one_still_opens() {
        let mut ring = KeyRing::default();
        assert_eq!(ring.seal(&place(tenant(1)), [0; 16], b"x"), None);
        ring.add(tenant(1), key(1));
        let earlier = ring.seal(&place(tenant(1)), [0; 16], b"earlier").unwrap();
        ring.add(tenant(1), key(2));
        let later = ring.seal(&place(tenant(1)), [0; 16], b"later").unwrap();
        assert_eq!(sealed_under(&earlier), Some(key(1).fingerprint()));
        assert_eq!(sealed_under(&later), Some(key(2).fingerprint()));
        assert_eq!(ring.open(&place(tenant(1)), &earlier).unwrap(), b"earlier");
        assert_eq!(ring.open(&place(tenant(1)), &later).unwrap(), b"later");
    }

    #[test]
    fn a_tenants_key_opens_nothing_of_another_tenant() {
        let mut ring = KeyRing::default();
        ring.add(tenant(1), key(1));
        // Sealed for tenant 2 under the key of tenant 1: nobody does that, and it does not open.
        let strange = key(1).seal(&place(tenant(2)), [0; 16], b"x");
        assert_eq!(ring.open(&place(tenant(2)), &strange), Err(OpenError::Damaged));
        // An earlier master key is the installation's, and sealed for everybody.
        ring.add(None, key(3));
        let earlier = key(3).seal(&place(tenant(2)), [0; 16], b"x");
        assert_eq!(ring.open(&place(tenant(2)), &earlier).unwrap(), b"x");
    }

    #[test]
    fn a_value_under_an_unknown_key_says_which() {
        let mut ring = KeyRing::default();
        ring.add(tenant(1), key(1));
        let sealed = key(9).seal(&place(tenant(1)), [0; 16], b"x");
        assert!(ring.lacks_key_of(&sealed));
        let unknown = OpenError::OtherKey(key(9).fingerprint());
        assert_eq!(ring.open(&place(tenant(1)), &sealed), Err(unknown));
    }
}
