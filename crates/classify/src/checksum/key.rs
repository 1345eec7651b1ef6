//! Raw private keys: PEM blocks, curve scalars, seeds.

use super::{cloud::decode_base32, opaque::count_distinct};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A PEM or OpenPGP block that gives a private key away: its body opens as DER (`SEQUENCE`) or OpenSSH's own container,
/// or is long enough that its header alone tells, as when it was cut before its end or its bytes were mangled. A block
/// whose header says it is encrypted (PKCS #8, RFC 1421) does not pass: it is of no use without its passphrase.
/// Accepts literal `\n` for line breaks, as in JSON key files.
///
/// Sources: RFC 7468, RFC 5958, <https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key>, RFC 9580.
pub(super) fn is_private_key_block(block: &str) -> bool {
    let Some((label, rest)) = block.strip_prefix("-----BEGIN ").and_then(|rest| rest.split_once("-----"))
    else {
        return false;
    };
    /// Base-64 characters that are a key whatever they decode to: in a complete block, and in one that was cut.
    const LONG_ENOUGH: usize = 64;
    const LONG_ENOUGH_CUT: usize = 200;
    /// Fewer different characters are filler.
    const LEAST_DISTINCT: usize = 16;
    let (body, is_complete) = rest.split_once("-----END").map_or((rest, false), |(body, _)| (body, true));
    if label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED") {
        return false;
    }
    if label.starts_with("PGP") {
        return body.len() >= LONG_ENOUGH;
    }
    let body: String =
        body.replace("\\r", "").replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect();
    let least = if is_complete { LONG_ENOUGH } else { LONG_ENOUGH_CUT };
    // The first bytes tell; a whole number of base-64 groups decodes without padding.
    let start = body.get(..64).and_then(|start| STANDARD.decode(start).ok()).unwrap_or_default();
    start.first() == Some(&0x30)
        || start.starts_with(b"openssh-key-v1\0")
        || body.len() >= least && count_distinct(&body) >= LEAST_DISTINCT
}

/// A private key in DER without its PEM lines, in base 64: RSA (PKCS #1), any kind (PKCS #8) or elliptic curve (SEC 1),
/// told from certificates and public keys by the version that opens the sequence and by what follows it.
///
/// Sources: RFC 8017 appendix A.1.2, RFC 5958 section 2, RFC 5915 section 3.
pub(super) fn is_private_key_der(text: &str) -> bool {
    /// Enough for the outer header, the version and what follows.
    const HEAD: usize = 64;
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const SEQUENCE: u8 = 0x30;
    let body: String = text
        .replace("\\r", "")
        .replace("\\n", "")
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(HEAD)
        .collect();
    let head = STANDARD.decode(body).unwrap_or_default();
    let content = match head.as_slice() {
        [SEQUENCE, 0x81, _, content @ ..] | [SEQUENCE, 0x82, _, _, content @ ..] => content,
        [SEQUENCE, length, content @ ..] if *length < 0x80 => content,
        _ => return false,
    };
    matches!(
        content,
        [INTEGER, 1, 0, INTEGER, ..] | [INTEGER, 1, 0 | 1, SEQUENCE, ..] | [INTEGER, 1, 1, OCTETS, ..]
    )
}

/// 32 bytes in hexadecimal, `0x` or not, between 1 and the order of secp256k1 less one, and not a filler.
/// Source: SEC 2, section 2.4.1.
pub(super) fn is_secp256k1_private_key(text: &str) -> bool {
    const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
    let is_hex = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex && digits.as_str() < ORDER && digits.bytes().any(|byte| byte != b'0')
}

/// Stellar secret seeds: version `S`, 32 bytes, CRC-16/XMODEM little-endian, all in base 32.
/// Source: <https://github.com/stellar/stellar-protocol/blob/master/ecosystem/sep-0023.md>.
pub(super) fn is_stellar_seed(text: &str) -> bool {
    const VERSION: u8 = 18 << 3;
    let Some(bytes) = (text.len() == 56).then(|| decode_base32(text)).flatten() else { return false };
    bytes.split_last_chunk::<2>().is_some_and(|(signed, sum)| {
        signed.first() == Some(&VERSION) && crc16_xmodem(signed) == u16::from_le_bytes(*sum)
    })
}

/// A clamped X25519 private key in base 64, as `wg genkey` writes it.
/// Source: <https://www.wireguard.com/quickstart/>, RFC 7748 section 5 for the clamped bits.
pub(super) fn is_wireguard_private_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|key| {
        key.len() == 32
            && key.first().is_some_and(|byte| byte & 0b111 == 0)
            && key.last().is_some_and(|byte| byte & 0b1100_0000 == 0b0100_0000)
    })
}

fn crc16_xmodem(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(label: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----")
    }

    #[test]
    fn blocks_are_judged_by_their_first_bytes() {
        let der = STANDARD.encode([&[0x30, 0x82, 0x02, 0x5c][..], &[7; 80][..]].concat());
        let ssh = STANDARD.encode([&b"openssh-key-v1\0"[..], &[7; 80][..]].concat());
        assert!(is_private_key_block(&block("RSA PRIVATE KEY", &der)));
        assert!(is_private_key_block(&block("PRIVATE KEY", &der).replace('\n', "\\n")));
        assert!(is_private_key_block(&block("OPENSSH PRIVATE KEY", &ssh)));
        assert!(is_private_key_block(&format!("-----BEGIN PRIVATE KEY-----\n{der}")), "cut off");
        let locked = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n{}", "q".repeat(64));
        assert!(!is_private_key_block(&block("RSA PRIVATE KEY", &locked)));
        assert!(!is_private_key_block(&block("ENCRYPTED PRIVATE KEY", &der)));
        let mangled = STANDARD.encode((1..=180).collect::<Vec<u8>>());
        assert!(is_private_key_block(&block("PRIVATE KEY", &mangled)), "complete");
        assert!(is_private_key_block(&format!("-----BEGIN EC PRIVATE KEY-----\n{mangled}")), "long and cut");
        assert!(!is_private_key_block(&format!("-----BEGIN EC PRIVATE KEY-----\n{}", &mangled[..120])));
        for bad in ["anything", &STANDARD.encode([7; 90]), "é", ""] {
            assert!(!is_private_key_block(&block("PRIVATE KEY", bad)), "{bad}");
        }
    }

    #[test]
    fn keys_without_pem_lines_open_like_keys() {
        let der = |head: &[u8]| STANDARD.encode([head, &[7; 80]].concat());
        for (kind, head) in [
            ("PKCS #1", &[0x30, 0x82, 0x02, 0x5c, 2, 1, 0, 2, 0x81, 0x81][..]),
            ("PKCS #8", &[0x30, 0x82, 0x04, 0xbd, 2, 1, 0, 0x30, 0x0d, 6][..]),
            ("Ed25519", &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6][..]),
            ("SEC 1", &[0x30, 0x77, 2, 1, 1, 4, 0x20][..]),
        ] {
            assert!(is_private_key_der(&der(head)), "{kind}");
        }
        for (kind, head) in [
            ("public key", &[0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 6][..]),
            ("certificate", &[0x30, 0x82, 0x03, 0x05, 0x30, 0x82, 1][..]),
            ("signature", &[0x30, 0x45, 2, 0x20, 0x5a][..]),
        ] {
            assert!(!is_private_key_der(&der(head)), "{kind}");
        }
    }

    #[test]
    fn scalars_lie_inside_the_curve() {
        assert!(is_secp256k1_private_key(&format!("0x{}", "4c".repeat(32))));
        assert!(!is_secp256k1_private_key(&"0".repeat(64)));
        assert!(!is_secp256k1_private_key(&"f".repeat(64)));
        assert!(!is_secp256k1_private_key(&"4c".repeat(31)));
    }

    #[test]
    fn seeds_carry_their_sum() {
        // Published in the Stellar documentation's key pair examples.
        let seed = "SDJHRQF4GCMIIKAAAQ6IHY42X73FQFLHUULAPSKKD4DFDM7UXWWCRHBE";
        assert!(is_stellar_seed(seed));
        assert!(!is_stellar_seed(&seed.replace("GCM", "GCN")));
    }

    #[test]
    fn wireguard_keys_are_clamped() {
        let mut key = [0x5A; 32];
        key[0] &= 0xF8;
        assert!(is_wireguard_private_key(&STANDARD.encode(key)));
        key[31] = 0xFF;
        assert!(!is_wireguard_private_key(&STANDARD.encode(key)));
        assert!(!is_wireguard_private_key(&STANDARD.encode([0x58; 31])));
    }
}
