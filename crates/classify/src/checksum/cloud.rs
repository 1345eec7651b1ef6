//! Structure inside cloud providers' keys.

use base64::{Engine, engine::general_purpose::STANDARD};

/// AWS access key ids: four letters of kind, then 16 characters of base 32, of which the first 48 bits carry the
/// account id (twelve digits). Ids issued before 2019 start with `I` or `J` after the kind and carry none.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>; the account is what
/// `sts get-access-key-info` answers.
pub(super) fn is_aws_access_key_id(text: &str) -> bool {
    const ACCOUNTS: u64 = 1_000_000_000_000;
    let Some((_, body)) = text.split_at_checked(4) else { return false };
    let Some(bits) = decode_base32(body) else { return false };
    let [first, second, third, fourth, fifth, sixth, ..] = bits.as_slice() else { return false };
    let head = u64::from_be_bytes([0, 0, *first, *second, *third, *fourth, *fifth, *sixth]);
    let account = (head & 0x7fff_ffff_ff80) >> 7;
    body.len() == 16 && (body.starts_with(['I', 'J']) || account < ACCOUNTS)
}

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
    fn key_ids_need_the_alphabet_and_a_possible_account() {
        // The documentation's own ids, one old and one that decodes to account 581039954779.
        for good in ["AKIAIOSFODNN7EXAMPLE", "ASIAQNZGKIQY56JQ7WML"] {
            assert!(is_aws_access_key_id(good), "{good}");
        }
        for bad in ["AKIAIOSFODNN7EXAMPL1", "AKIAIOSFODNN7EXAMPL", "AKIA7777777777777777", "AKIA"] {
            assert!(!is_aws_access_key_id(bad), "{bad}");
        }
    }

    #[test]
    fn storage_keys_are_sixty_four_bytes() {
        let key = STANDARD.encode([0xA5; 64]);
        assert!(is_azure_storage_key(&key));
        assert!(!is_azure_storage_key(&STANDARD.encode([0xA5; 65])));
        assert!(!is_azure_storage_key(&key.replace('=', "A")));
    }
}
