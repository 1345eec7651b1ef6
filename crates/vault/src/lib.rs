//! Encryption at rest of bodies, headers and credentials, and the keyed hashes of API keys and exact calls.
//!
//! AES-256-GCM. Each record has a key of its own, derived from the master key, the record's place and a random salt,
//! so no nonce can ever repeat under one key. What a record is bound to (tenant, table, row) is authenticated: a
//! ciphertext moved to another row does not open.
//!
//! Pure: randomness is handed in.

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use hmac::{Hmac, Mac};
use interven_types::{SecretBytes, TenantId};
use sha2::Sha256;

const FORMAT: u8 = 1;
const SALT_LEN: usize = 16;
const FINGERPRINT_LEN: usize = 4;
const HEADER_LEN: usize = 1 + FINGERPRINT_LEN + SALT_LEN;

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

/// Seals and opens values under one master key.
#[derive(Debug)]
pub struct Vault {
    master: SecretBytes,
    fingerprint: [u8; FINGERPRINT_LEN],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("the value was sealed under another encryption key")]
    OtherKey,
    #[error("the value is damaged, or was moved from another place")]
    Damaged,
}

impl Vault {
    pub fn new(master: SecretBytes) -> Self {
        let [a, b, c, d, ..] = keyed_hash(master.reveal(), "key fingerprint", &[]);
        Self { master, fingerprint: [a, b, c, d] }
    }

    /// Output: format, key fingerprint, salt, ciphertext with its tag.
    pub fn seal(&self, place: &Place<'_>, salt: Salt, plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEADER_LEN + plaintext.len() + 16);
        sealed.push(FORMAT);
        sealed.extend(self.fingerprint);
        sealed.extend(salt);
        let payload = Payload { msg: plaintext, aad: place.table.as_bytes() };
        // Encryption fails only beyond 64 GiB; the header alone then opens as damaged.
        sealed.extend(
            self.cipher(place, &salt).encrypt(&aes_gcm::Nonce::default(), payload).unwrap_or_default(),
        );
        sealed
    }

    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (format, rest) = sealed.split_first().ok_or(OpenError::Damaged)?;
        let (fingerprint, rest) = rest.split_first_chunk::<FINGERPRINT_LEN>().ok_or(OpenError::Damaged)?;
        let (salt, ciphertext) = rest.split_first_chunk::<SALT_LEN>().ok_or(OpenError::Damaged)?;
        if *format != FORMAT {
            return Err(OpenError::Damaged);
        }
        if *fingerprint != self.fingerprint {
            return Err(OpenError::OtherKey);
        }
        let payload = Payload { msg: ciphertext, aad: place.table.as_bytes() };
        self.cipher(place, salt).decrypt(&aes_gcm::Nonce::default(), payload).map_err(|_| OpenError::Damaged)
    }

    /// The nonce may be constant: the salt makes the key unique.
    fn cipher(&self, place: &Place<'_>, salt: &Salt) -> Aes256Gcm {
        let tenant = place.tenant.map(|t| t.to_string()).unwrap_or_default();
        let parts = [salt.as_slice(), tenant.as_bytes(), place.table.as_bytes(), place.row.as_bytes()];
        let key = keyed_hash(self.master.reveal(), "record key", &parts);
        Aes256Gcm::new(&key.into())
    }
}

/// HMAC-SHA256 with a purpose, so that one key may serve several. Parts are length-prefixed: no two lists collide.
pub fn keyed_hash(key: &[u8; 32], purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104 §2: a key shorter than the block is padded with zeros.
    let block: [u8; 64] = std::array::from_fn(|index| key.get(index).copied().unwrap_or(0));
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(SecretBytes::new([byte; 32]))
    }

    const PLACE: Place<'_> = Place { tenant: None, table: "activity_log", row: "7" };

    #[test]
    fn opens_only_where_it_was_sealed() {
        let sealed = vault(1).seal(&PLACE, [3; 16], b"body");
        assert_eq!(vault(1).open(&PLACE, &sealed).unwrap(), b"body");
        let other_tenant = Place { tenant: Some(TenantId(Default::default())), ..PLACE };
        for elsewhere in [Place { row: "8", ..PLACE }, Place { table: "approvals", ..PLACE }, other_tenant] {
            assert_eq!(vault(1).open(&elsewhere, &sealed), Err(OpenError::Damaged));
        }
        assert_eq!(vault(2).open(&PLACE, &sealed), Err(OpenError::OtherKey));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let sealed = vault(1).seal(&PLACE, [3; 16], b"body");
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert!(vault(1).open(&PLACE, &changed).is_err(), "byte {index}");
            assert!(vault(1).open(&PLACE, &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn equal_values_seal_differently_and_hide_their_text() {
        let one = vault(1).seal(&PLACE, [3; 16], b"hunter2hunter2");
        let two = vault(1).seal(&PLACE, [4; 16], b"hunter2hunter2");
        assert_ne!(one, two);
        assert!(!one.windows(7).any(|w| w == b"hunter2"));
    }

    #[test]
    fn keyed_hashes_keep_parts_and_purposes_apart() {
        let key = [9; 32];
        assert_ne!(keyed_hash(&key, "a", &[b"bc"]), keyed_hash(&key, "ab", &[b"c"]));
        assert_ne!(keyed_hash(&key, "a", &[b"b", b"c"]), keyed_hash(&key, "a", &[b"bc"]));
    }
}
