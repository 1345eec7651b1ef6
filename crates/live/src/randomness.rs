//! The operating system's random numbers, where the pure crates need some handed in.

use interven_types::{ApiKey, KeyKind, Secret};
use uuid::Uuid;

/// A time-ordered UUID (version 7).
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

pub(crate) fn fill<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

pub fn fresh_api_key(kind: KeyKind) -> Result<ApiKey, getrandom::Error> {
    Ok(ApiKey::mint(kind, &fill()?))
}

/// 64 hexadecimal characters: a token, a secret, a one-time password's raw material.
pub fn fresh_token() -> Result<Secret, getrandom::Error> {
    let bytes: [u8; 32] = fill()?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
