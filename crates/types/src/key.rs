//! The text form of API keys: `iv_live_` or `iv_eph_`, 34 random base-62 characters, 6 of checksum.
//!
//! The checksum (CRC-32 of everything before it, base 62) lets the classifier tell a real key from a look-alike,
//! and lets a mistyped key be told from an unknown one in the log. It is no secret and proves nothing to the gateway.

use crate::Secret;
use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_LEN: usize = 34;
const CHECKSUM_LEN: usize = 6;
const PUBLIC_LEN: usize = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Long-lived.
    Live,
    /// Ephemeral: limited in time, uses and scope.
    Ephemeral,
}

impl KeyKind {
    pub fn marker(self) -> &'static str {
        match self {
            Self::Live => "iv_live_",
            Self::Ephemeral => "iv_eph_",
        }
    }
}

/// A whole key. It cannot print itself; [`ApiKey::prefix`] is its public part.
#[derive(Clone)]
pub struct ApiKey {
    text: Secret,
    kind: KeyKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key of the form iv_live_… or iv_eph_…")]
pub struct MalformedKey;

impl ApiKey {
    /// Makes a key of `random`, which must come from the operating system's generator.
    /// 34 characters drawn from 62 carry 202 bits; 64 bytes give each character a spare.
    pub fn mint(kind: KeyKind, random: &[u8; 64]) -> Self {
        let mut text = kind.marker().to_owned();
        // Bytes of 248 and above would favour some characters; they are skipped, and the tail pads the rare shortfall.
        let unbiased = random.iter().filter(|byte| **byte < 248);
        text.extend(
            unbiased.chain(random.iter()).take(RANDOM_LEN).map(|byte| base62_digit(u32::from(*byte))),
        );
        text.push_str(&checksum(&text));
        Self { text: Secret::new(text), kind }
    }

    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let kind = [KeyKind::Live, KeyKind::Ephemeral].into_iter().find(|k| text.starts_with(k.marker()));
        match kind {
            Some(kind) if has_valid_key_checksum(text) => Ok(Self { text: Secret::new(text), kind }),
            _ => Err(MalformedKey),
        }
    }

    /// The first 12 characters: public, shown in lists and logs.
    pub fn prefix(&self) -> &str {
        self.text.reveal().get(..PUBLIC_LEN).unwrap_or_default()
    }

    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    pub fn reveal(&self) -> &str {
        self.text.reveal()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.prefix())
    }
}

/// Whether `text` has the shape of a key and its last six characters are the checksum of the rest.
pub fn has_valid_key_checksum(text: &str) -> bool {
    let body =
        text.strip_prefix(KeyKind::Live.marker()).or_else(|| text.strip_prefix(KeyKind::Ephemeral.marker()));
    let well_formed = body.is_some_and(|b| {
        b.len() == RANDOM_LEN + CHECKSUM_LEN && b.bytes().all(|c| c.is_ascii_alphanumeric())
    });
    well_formed
        && text.split_at_checked(text.len() - CHECKSUM_LEN).is_some_and(|(head, tail)| checksum(head) == tail)
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = ['0'; CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = base62_digit(rest);
        rest /= 62;
    }
    digits.iter().collect()
}

fn base62_digit(value: u32) -> char {
    ALPHABET.get(value as usize % ALPHABET.len()).map_or('0', |byte| char::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minted_key_parses_and_shows_only_its_prefix() {
        let random = std::array::from_fn(|i| (i * 37 % 256) as u8);
        let key = ApiKey::mint(KeyKind::Live, &random);
        assert_eq!(key.reveal().len(), 48);
        assert_eq!(ApiKey::parse(key.reveal()).unwrap().kind(), KeyKind::Live);
        assert_eq!(key.prefix().len(), 12);
        assert_eq!(format!("{key:?}"), format!("{}…", key.prefix()));
    }

    #[test]
    fn one_wrong_character_is_malformed() {
        let key = ApiKey::mint(KeyKind::Ephemeral, &[9; 64]);
        let mut typo = key.reveal().to_owned();
        typo.replace_range(20..21, "Z");
        assert!(ApiKey::parse(&typo).is_err());
        for bad in ["", "iv_live_", "iv_live_ééééééééééééééééééé", "sk_live_123", &key.reveal()[..40]]
        {
            assert!(ApiKey::parse(bad).is_err(), "{bad}");
        }
    }
}
