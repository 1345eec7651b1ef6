//! Encryption at rest of bodies, headers and credentials, and the keyed hashes of API keys and exact calls.
//!
//! AES-256-GCM. Each record has a key of its own, derived from a data key, the record's place and a random salt,
//! so no nonce can ever repeat under one key. What a record is bound to (tenant, table, row) is authenticated: a
//! ciphertext moved to another row does not open.
//!
//! Data keys are each one tenant's (or the installation's own), and lie in the store wrapped under the operator's master
//! key. A sealed value names its data key, so new data keys and a new master key change no sealed value.
//!
//! Pure: randomness is handed in.

mod key;
mod ring;

pub use key::{OpenError, Place, Salt, SealingKey, sealed_under};
pub use ring::KeyRing;

use hmac::{Hmac, KeyInit as _, Mac};
use sha2::Sha256;

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

/// Whether `tag` is HMAC-SHA256 (RFC 2104) of `message` under `key`, of any length. Compared in constant time.
pub fn is_authentic(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    Hmac::<Sha256>::new_from_slice(key).is_ok_and(|mac| mac.chain_update(message).verify_slice(tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_authentic_for_its_key_and_message_alone() {
        // RFC 4231, test case 2.
        let tag = [
            0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
            0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43,
        ];
        let message = b"what do ya want for nothing?";
        assert!(is_authentic(b"Jefe", message, &tag));
        assert!(!is_authentic(b"jefe", message, &tag) && !is_authentic(b"Jefe", b"what", &tag));
        assert!(!is_authentic(b"Jefe", message, &tag[..16]) && !is_authentic(b"Jefe", message, &[]));
    }

    #[test]
    fn keyed_hashes_keep_parts_and_purposes_apart() {
        let key = [9; 32];
        assert_ne!(keyed_hash(&key, "a", &[b"bc"]), keyed_hash(&key, "ab", &[b"c"]));
        assert_ne!(keyed_hash(&key, "a", &[b"b", b"c"]), keyed_hash(&key, "a", &[b"bc"]));
    }
}
