//! Values that cannot print themselves.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Text that must never reach a log, an error or a panic message. It is wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The value itself; every use site is a place to review.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Key material of 32 bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes([u8; 32]);

impl SecretBytes {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal characters.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some([secret])");
        assert_eq!(format!("{:?}", SecretBytes::new([7; 32])), "[secret]");
    }

    #[test]
    fn key_material_is_sixty_four_hex_characters() {
        assert_eq!(SecretBytes::from_hex(&"0f".repeat(32)).unwrap().reveal(), &[15; 32]);
        for bad in ["", "0f", &"zz".repeat(32), &"+f".repeat(32), &"é".repeat(32)] {
            assert!(SecretBytes::from_hex(bad).is_none(), "{bad}");
        }
    }
}
