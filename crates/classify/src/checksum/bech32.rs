//! Private keys in bech32 (BIP-173): a human-readable part, `1`, base-32 data, six characters of BCH code.
//! Source: <https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki>.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
/// Data characters of 32 bytes, with the checksum.
const KEY_CHARS: usize = 52 + 6;

/// An age identity, of X25519 or post-quantum. Source: <https://github.com/C2SP/C2SP/blob/main/age.md>.
pub(super) fn is_age_secret_key(text: &str) -> bool {
    is_key(text, "age-secret-key-") || is_key(text, "age-secret-key-pq-")
}

/// A Nostr secret key. Source: <https://github.com/nostr-protocol/nips/blob/master/19.md>.
pub(super) fn is_nostr_secret_key(text: &str) -> bool {
    is_key(text, "nsec")
}

fn is_key(text: &str, prefix: &str) -> bool {
    // The standard forbids mixed case.
    let is_mixed =
        text.bytes().any(|b| b.is_ascii_lowercase()) && text.bytes().any(|b| b.is_ascii_uppercase());
    if is_mixed || text.len() != prefix.len() + 1 + KEY_CHARS {
        return false;
    }
    let text = text.to_ascii_lowercase();
    let data = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('1'));
    data.is_some_and(|data| has_valid_code(prefix, data))
}

fn has_valid_code(prefix: &str, data: &str) -> bool {
    let Some(values) = data
        .bytes()
        .map(|letter| ALPHABET.iter().position(|known| *known == letter).and_then(|at| u8::try_from(at).ok()))
        .collect::<Option<Vec<u8>>>()
    else {
        return false;
    };
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    polymod(high.chain([0]).chain(low).chain(values)) == 1
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        GENERATOR
            .iter()
            .enumerate()
            .filter(|(bit, _)| (top >> bit) & 1 == 1)
            .fold(shifted, |sum, (_, generator)| sum ^ generator)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of NIP-19.
    const NSEC: &str = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5";
    /// The example identity of the age specification.
    const AGE: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

    #[test]
    fn published_keys_pass() {
        assert!(is_nostr_secret_key(NSEC));
        assert!(is_age_secret_key(AGE));
    }

    #[test]
    fn typos_mixed_case_and_other_prefixes_fail() {
        assert!(!is_nostr_secret_key(&NSEC.replace("vl0", "vl2")));
        assert!(!is_nostr_secret_key(&NSEC.replace("vl0", "VL0")));
        assert!(!is_nostr_secret_key(&NSEC.replace("nsec", "npub")));
        assert!(!is_age_secret_key(&AGE.replace("GFP", "GFQ")));
    }
}
