//! base32 (RFC 4648 §6), in one case, with or without padding.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of whole bytes, to which padding fills up.
const BLOCK: usize = 8;

/// How a run of base32 is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base32 {
    is_upper: bool,
    is_padded: bool,
}

/// The bytes of `text`, when all of it is base32.
pub(crate) fn decode(text: &str) -> Option<(Vec<u8>, Base32)> {
    let digits = text.trim_end_matches('=');
    let is_upper = !digits.bytes().any(|b| b.is_ascii_lowercase());
    let is_mixed = !is_upper && digits.bytes().any(|b| b.is_ascii_uppercase());
    let is_digit = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'2'..=b'7');
    if is_mixed || digits.is_empty() || !digits.bytes().all(is_digit) {
        return None;
    }
    let (mut bytes, mut buffer, mut bits) = (Vec::with_capacity(digits.len()), 0_u32, 0);
    for byte in digits.bytes() {
        let value = match byte.to_ascii_uppercase() {
            b @ b'A'..=b'Z' => b - b'A',
            b @ b'2'..=b'7' => b - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5 | u32::from(value)) & 0xFFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xFF).unwrap_or_default());
        }
    }
    Some((bytes, Base32 { is_upper, is_padded: digits.len() < text.len() }))
}

impl Base32 {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        let (mut text, mut buffer, mut bits) = (String::with_capacity(bytes.len() * 2), 0_u32, 0);
        let mut push = |value: u32| {
            let digit =
                usize::try_from(value & 31).ok().and_then(|at| ALPHABET.get(at)).copied().unwrap_or(b'A');
            text.push(char::from(if self.is_upper { digit } else { digit.to_ascii_lowercase() }));
        };
        for byte in bytes {
            buffer = (buffer << 8 | u32::from(*byte)) & 0xFFFF;
            bits += 8;
            while bits >= 5 {
                bits -= 5;
                push(buffer >> bits);
            }
        }
        if bits > 0 {
            push(buffer << (5 - bits));
        }
        while self.is_padded && !text.len().is_multiple_of(BLOCK) {
            text.push('=');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_standard_go_both_ways() {
        for (plain, packed) in [
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foob", "MZXW6YQ="),
            ("fooba", "MZXW6YTB"),
            ("foobar", "mzxw6ytboi"),
        ] {
            let (bytes, writing) = decode(packed).unwrap();
            assert_eq!(bytes, plain.as_bytes());
            assert_eq!(writing.encode(&bytes), packed);
        }
        assert_eq!(decode("MZxw6YTB"), None);
        assert_eq!(decode("MZXW1"), None);
    }
}
