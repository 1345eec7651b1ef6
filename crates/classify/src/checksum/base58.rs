//! Private keys in base58check: a version, a payload, and the first four bytes of a double SHA-256.
//! Source: <https://en.bitcoin.it/wiki/Base58Check_encoding>.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The longest value decoded here is an extended key, 111 characters. Decoding is quadratic, so longer input is refused.
const MAX_LEN: usize = 120;

/// Bitcoin's wallet import format: version `0x80` (mainnet) or `0xEF` (testnet), 32 bytes, and `0x01` if the public
/// key is compressed. Source: <https://en.bitcoin.it/wiki/Wallet_import_format>.
pub(super) fn is_wallet_import_key(text: &str) -> bool {
    decode_checked(text).is_some_and(|payload| {
        matches!(payload.first(), Some(0x80 | 0xEF))
            && (payload.len() == 33 || payload.len() == 34 && payload.last() == Some(&1))
    })
}

/// Extended private keys: 78 bytes whose version spells `xprv`, `yprv`, `zprv` or `tprv`.
/// Source: <https://github.com/bitcoin/bips/blob/master/bip-0032.mediawiki>, SLIP-132 for `y` and `z`.
pub(super) fn is_extended_private_key(text: &str) -> bool {
    const VERSIONS: [[u8; 4]; 4] = [
        [0x04, 0x88, 0xAD, 0xE4],
        [0x04, 0x9D, 0x78, 0x78],
        [0x04, 0xB2, 0x43, 0x0C],
        [0x04, 0x35, 0x83, 0x94],
    ];
    decode_checked(text).is_some_and(|payload| {
        payload.len() == 78 && VERSIONS.iter().any(|version| payload.starts_with(version))
    })
}

fn decode_checked(text: &str) -> Option<Vec<u8>> {
    let mut bytes = decode(text)?;
    let sum = bytes.split_off(bytes.len().checked_sub(4)?);
    let hash = Sha256::digest(Sha256::digest(&bytes));
    (hash.get(..4) == Some(sum.as_slice())).then_some(bytes)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_LEN {
        return None;
    }
    // Little-endian while it grows.
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for letter in text.bytes() {
        let mut carry = ALPHABET.iter().position(|known| *known == letter)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry % 256) as u8;
            carry /= 256;
        }
        while carry > 0 {
            bytes.push((carry % 256) as u8);
            carry /= 256;
        }
    }
    let zeros = text.bytes().take_while(|letter| *letter == b'1').count();
    bytes.resize(bytes.len() + zeros, 0);
    bytes.reverse();
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIF: &str = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ";
    const XPRV: &str = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";

    #[test]
    fn keys_published_in_the_specifications_pass() {
        assert!(is_wallet_import_key(WIF));
        assert!(is_extended_private_key(XPRV));
    }

    #[test]
    fn a_typo_an_address_and_another_kind_fail() {
        assert!(!is_wallet_import_key(&WIF.replace("Hue", "Hve")));
        assert!(!is_wallet_import_key("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
        assert!(!is_wallet_import_key(XPRV));
        assert!(!is_extended_private_key(&XPRV.replace("143K", "144K")));
        assert!(!is_extended_private_key(WIF));
    }
}
