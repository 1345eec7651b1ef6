//! How keys are told apart without telling them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Names a key: the first four bytes of a keyed hash of it, written as eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String)]
pub struct KeyFingerprint(pub [u8; 4]);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's fingerprint is eight hexadecimal digits")]
pub struct InvalidFingerprint;

impl fmt::Display for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidFingerprint);
        }
        let number = u32::from_str_radix(text, 16).map_err(|_no_number| InvalidFingerprint)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl TryFrom<String> for KeyFingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyFingerprint> for String {
    fn from(fingerprint: KeyFingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_back_what_it_writes() {
        let fingerprint = KeyFingerprint([0, 1, 0xab, 0xff]);
        assert_eq!(fingerprint.to_string(), "0001abff");
        assert_eq!("0001abff".parse(), Ok(fingerprint));
        for bad in ["", "0001abf", "0001abff0", "+001abff", "0001abfg", "0001abé"] {
            assert_eq!(bad.parse::<KeyFingerprint>(), Err(InvalidFingerprint), "{bad}");
        }
    }
}
