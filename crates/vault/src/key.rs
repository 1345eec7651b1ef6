//! One key: what it seals, only it opens.

use crate::keyed_hash;
use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use interven_types::{KeyFingerprint, SecretBytes, TenantId};

const FORMAT: u8 = 1;
const SALT_LEN: usize = 16;
const FINGERPRINT_LEN: usize = 4;
const HEADER_LEN: usize = 1 + FINGERPRINT_LEN + SALT_LEN;
const TAG_LEN: usize = 16;

/// Random bytes for one sealing, from the operating system's generator.
pub type Salt = [u8; SALT_LEN];

/// What a sealed value is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Absent for values of the installation itself.
    pub tenant: Option<TenantId>,
    pub table: &'a str,
    pub row: &'a str,
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the value was sealed under another encryption key, `{0}`")]
    OtherKey(KeyFingerprint),
    #[error("the value is damaged, or was moved from another place")]
    Damaged,
}

/// Seals and opens values under one key.
#[derive(Clone, Debug)]
pub struct SealingKey {
    key: SecretBytes,
    fingerprint: KeyFingerprint,
}

impl SealingKey {
    pub fn new(key: SecretBytes) -> Self {
        let [a, b, c, d, ..] = keyed_hash(key.reveal(), "key fingerprint", &[]);
        Self { key, fingerprint: KeyFingerprint([a, b, c, d]) }
    }

    pub fn fingerprint(&self) -> KeyFingerprint {
        self.fingerprint
    }

    /// Output: format, key fingerprint, salt, ciphertext with its tag.
    pub fn seal(&self, place: &Place<'_>, salt: Salt, plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
        sealed.push(FORMAT);
        sealed.extend(self.fingerprint.0);
        sealed.extend(salt);
        let payload = Payload { msg: plaintext, aad: place.table.as_bytes() };
        // Encryption fails only beyond 64 GiB; the header alone then opens as damaged.
        sealed.extend(
            self.cipher(place, &salt).encrypt(&aes_gcm::Nonce::default(), payload).unwrap_or_default(),
        );
        sealed
    }

    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (fingerprint, rest) = split(sealed).ok_or(OpenError::Damaged)?;
        let (salt, ciphertext) = rest.split_first_chunk::<SALT_LEN>().ok_or(OpenError::Damaged)?;
        if fingerprint != self.fingerprint {
            return Err(OpenError::OtherKey(fingerprint));
        }
        let payload = Payload { msg: ciphertext, aad: place.table.as_bytes() };
        self.cipher(place, salt).decrypt(&aes_gcm::Nonce::default(), payload).map_err(|_| OpenError::Damaged)
    }

    /// Seals another key, for the store to keep.
    pub fn wrap(&self, tenant: Option<TenantId>, salt: Salt, key: &Self) -> Vec<u8> {
        let row = key.fingerprint.to_string();
        self.seal(&Place { tenant, table: "data_keys", row: &row }, salt, key.key.reveal())
    }

    /// Opens a key that [`SealingKey::wrap`] sealed. `fingerprint` is the one it is stored under.
    pub fn unwrap(
        &self,
        tenant: Option<TenantId>,
        fingerprint: KeyFingerprint,
        wrapped: &[u8],
    ) -> Result<Self, OpenError> {
        let row = fingerprint.to_string();
        let opened = self.open(&Place { tenant, table: "data_keys", row: &row }, wrapped)?;
        let key = Self::new(SecretBytes::new(opened.try_into().map_err(|_| OpenError::Damaged)?));
        if key.fingerprint == fingerprint { Ok(key) } else { Err(OpenError::Damaged) }
    }

    /// The nonce may be constant: the salt makes the key unique.
    fn cipher(&self, place: &Place<'_>, salt: &Salt) -> Aes256Gcm {
        let tenant = place.tenant.map(|t| t.to_string()).unwrap_or_default();
        let parts = [salt.as_slice(), tenant.as_bytes(), place.table.as_bytes(), place.row.as_bytes()];
        let key = keyed_hash(self.key.reveal(), "record key", &parts);
        Aes256Gcm::new(&key.into())
    }
}

/// The key that a value says it was sealed under; absent when it is no sealed value.
pub fn sealed_under(sealed: &[u8]) -> Option<KeyFingerprint> {
    let is_whole = sealed.len() >= HEADER_LEN + TAG_LEN;
    split(sealed).filter(|_| is_whole).map(|(fingerprint, _)| fingerprint)
}

fn split(sealed: &[u8]) -> Option<(KeyFingerprint, &[u8])> {
    let (format, rest) = sealed.split_first()?;
    let (fingerprint, rest) = rest.split_first_chunk::<FINGERPRINT_LEN>()?;
    (*format == FORMAT).then_some((KeyFingerprint(*fingerprint), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(SecretBytes::new([byte; 32]))
    }

    const PLACE: Place<'_> = Place { tenant: None, table: "activity_log", row: "7" };

    #[test]
    fn opens_only_where_it_was_sealed() {
        let sealed = key(1).seal(&PLACE, [3; 16], b"body");
        assert_eq!(key(1).open(&PLACE, &sealed).unwrap(), b"body");
        let other_tenant = Place { tenant: Some(TenantId(Default::default())), ..PLACE };
        for elsewhere in [Place { row: "8", ..PLACE }, Place { table: "approvals", ..PLACE }, other_tenant] {
            assert_eq!(key(1).open(&elsewhere, &sealed), Err(OpenError::Damaged));
        }
        assert_eq!(key(2).open(&PLACE, &sealed), Err(OpenError::OtherKey(key(1).fingerprint())));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let sealed = key(1).seal(&PLACE, [3; 16], b"body");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(key(1).open(&PLACE, &changed).is_err(), "byte {index}");
            assert!(key(1).open(&PLACE, &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn equal_values_seal_differently_and_hide_their_text() {
        let one = key(1).seal(&PLACE, [3; 16], b"hunter2hunter2");
        let two = key(1).seal(&PLACE, [4; 16], b"hunter2hunter2");
        assert_ne!(one, two);
        assert!(!one.windows(7).any(|w| w == b"hunter2"));
    }

    #[test]
    fn a_wrapped_key_opens_for_its_tenant_and_under_its_name_alone() {
        let (master, data) = (key(1), key(2));
        let tenant = Some(TenantId(Default::default()));
        let wrapped = master.wrap(tenant, [3; 16], &data);
        assert!(!wrapped.windows(8).any(|w| w == [2; 8]));
        assert_eq!(sealed_under(&wrapped), Some(master.fingerprint()));
        let opened = master.unwrap(tenant, data.fingerprint(), &wrapped).unwrap();
        assert_eq!(opened.open(&PLACE, &data.seal(&PLACE, [4; 16], b"x")).unwrap(), b"x");
        assert!(master.unwrap(None, data.fingerprint(), &wrapped).is_err());
        assert!(master.unwrap(tenant, master.fingerprint(), &wrapped).is_err());
    }

    #[test]
    fn what_is_too_short_was_not_sealed() {
        assert_eq!(sealed_under(&[0]), None);
        assert_eq!(sealed_under(&[1; 36]), None);
        assert_eq!(sealed_under(&[2; 37]), None);
        assert_eq!(sealed_under(&[1; 37]), Some(KeyFingerprint([1; 4])));
    }
}
