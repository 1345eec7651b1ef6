//! Structure inside cloud providers' keys.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Azure storage account keys: 64 bytes in base 64.
/// Source: <https://learn.microsoft.com/azure/storage/common/storage-account-keys-manage>.
pub(super) fn is_azure_storage_key(text: &str) -> bool {
    text.len() == 88 && STANDARD.decode(text).is_ok_and(|key| key.len() == 64)
}

/// RFC 4648 base 32 without padding; surplus bits at the end are dropped.
pub(super) fn decode_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut held) = (0_u32, 0_u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((buffer >> held) as u8);
            buffer &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_keys_are_sixty_four_bytes() {
        let key = STANDARD.encode([0xA5; 64]);
        assert!(is_azure_storage_key(&key));
        assert!(!is_azure_storage_key(&STANDARD.encode([0xA5; 65])));
        assert!(!is_azure_storage_key(&key.replace('=', "A")));
    }
}
