//! Payment cards, IBANs, wallet addresses.

use super::scheme::{alphanumerics, digits, is_one_digit_repeated, number, passes_luhn};
use std::ops::RangeInclusive;

/// Issuer ranges by their first digits (ISO/IEC 7812 registrations as published by the card schemes), with lengths.
struct Issuer {
    first: RangeInclusive<u64>,
    /// How many digits `first` has.
    width: usize,
    lengths: RangeInclusive<usize>,
}

const fn issuer(first: RangeInclusive<u64>, width: usize, lengths: RangeInclusive<usize>) -> Issuer {
    Issuer { first, width, lengths }
}

/// Schemes whose ranges are narrow enough to count without a label.
const ISSUERS: &[Issuer] = &[
    issuer(4..=4, 1, 16..=16),             // Visa
    issuer(51..=55, 2, 16..=16),           // Mastercard
    issuer(2221..=2720, 4, 16..=16),       // Mastercard
    issuer(34..=34, 2, 15..=15),           // American Express
    issuer(37..=37, 2, 15..=15),           // American Express
    issuer(6011..=6011, 4, 16..=16),       // Discover
    issuer(644..=659, 3, 16..=16),         // Discover
    issuer(622_126..=622_925, 6, 16..=16), // Discover and UnionPay
    issuer(3528..=3589, 4, 16..=16),       // JCB
    issuer(2200..=2204, 4, 16..=16),       // Mir
    issuer(5018..=5020, 4, 16..=16),       // Maestro, Dankort
    issuer(5038..=5038, 4, 16..=16),       // Maestro
    issuer(6304..=6304, 4, 16..=16),       // Maestro
    issuer(6759..=6763, 4, 16..=16),       // Maestro
];

/// Wide ranges and unusual lengths: only with a label.
const REGIONAL: &[Issuer] = &[
    issuer(4..=4, 1, 13..=19),       // Visa
    issuer(1..=1, 1, 15..=15),       // UATP
    issuer(50..=50, 2, 12..=19),     // Maestro
    issuer(56..=58, 2, 12..=19),     // Maestro
    issuer(60..=69, 2, 12..=19),     // Maestro, RuPay, UnionPay
    issuer(62..=62, 2, 16..=19),     // UnionPay
    issuer(81..=82, 2, 16..=19),     // RuPay, UnionPay
    issuer(300..=305, 3, 14..=19),   // Diners Club
    issuer(36..=36, 2, 14..=19),     // Diners Club
    issuer(38..=39, 2, 14..=19),     // Diners Club
    issuer(9792..=9792, 4, 16..=16), // Troy
];

/// A card number of one of the large schemes: issuer range, length, Luhn.
pub(super) fn is_payment_card(value: &str) -> bool {
    is_card_of(value, ISSUERS)
}

/// A card number of any scheme.
pub(super) fn is_regional_card(value: &str) -> bool {
    is_card_of(value, REGIONAL)
}

fn is_card_of(value: &str, issuers: &[Issuer]) -> bool {
    let Some(digits) = digits(value).filter(|d| (12..=19).contains(&d.len())) else { return false };
    let is_issued = issuers.iter().any(|issuer| {
        issuer.lengths.contains(&digits.len())
            && digits.get(..issuer.width).is_some_and(|first| issuer.first.contains(&number(first)))
    });
    is_issued && !is_one_digit_repeated(&digits) && passes_luhn(&digits)
}

/// Lengths of the SWIFT IBAN Registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HN", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IR", 26),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// IBAN (ISO 13616-1): country length, MOD 97-10 (ISO 7064).
pub(super) fn is_iban(value: &str) -> bool {
    let Some(text) = alphanumerics(value) else { return false };
    let is_length = IBAN_LENGTHS.iter().any(|(country, len)| text.starts_with(country) && text.len() == *len);
    let Some((head, tail)) = text.split_at_checked(4) else { return false };
    let remainder = tail.chars().chain(head.chars()).fold(0, |rest, c| match c.to_digit(36) {
        Some(d) if d < 10 => (rest * 10 + d) % 97,
        Some(d) => (rest * 100 + d) % 97,
        None => 0,
    });
    is_length && remainder == 1
}

/// Bank identifier code (ISO 9362): four letters, a country, two and maybe three more.
pub(super) fn is_bic(value: &str) -> bool {
    let country = value.get(4..6).unwrap_or_default();
    matches!(value.len(), 8 | 11)
        && value.get(..6).is_some_and(|head| head.bytes().all(|b| b.is_ascii_uppercase()))
        && (IBAN_LENGTHS.iter().any(|(code, _)| *code == country) || OTHER_COUNTRIES.contains(&country))
        && value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// Countries with banks and without IBANs, of some size (ISO 3166-1).
const OTHER_COUNTRIES: [&str; 40] = [
    "AO", "AR", "AU", "BD", "BO", "BW", "CA", "CI", "CL", "CM", "CN", "CO", "CU", "DZ", "EC", "ET", "GH",
    "HK", "ID", "IN", "IR", "JM", "JP", "KE", "KR", "LK", "MA", "MX", "MY", "NG", "NZ", "PE", "PH", "SG",
    "SN", "TH", "TW", "US", "UY", "ZA",
];

/// A Bitcoin address: base58check of a hash (P2PKH, P2SH), or a bech32 one of known shape (BIP 173, BIP 350).
pub(super) fn is_bitcoin_address(value: &str) -> bool {
    if value.to_ascii_lowercase().starts_with("bc1") {
        return is_bech32(&value.to_ascii_lowercase());
    }
    (26..=35).contains(&value.len()) && is_base58check(value)
}

/// base58check: 21 bytes and four of double SHA-256.
fn is_base58check(value: &str) -> bool {
    use sha2::{Digest, Sha256};
    const ALPHABET: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0_u8; 25];
    for c in value.bytes() {
        let Some(digit) = ALPHABET.iter().position(|a| *a == c) else { return false };
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).unwrap_or_default();
            carry /= 256;
        }
        if carry != 0 {
            return false;
        }
    }
    let Some((payload, check)) = bytes.split_at_checked(21) else { return false };
    Sha256::digest(Sha256::digest(payload)).starts_with(check)
}

/// The BCH code of bech32 (constant 1) and bech32m (constant 0x2bc830a3).
fn is_bech32(value: &str) -> bool {
    const CHARSET: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let Some((prefix, data)) = value.rsplit_once('1') else { return false };
    if !(14..=74).contains(&value.len()) || data.len() < 6 {
        return false;
    }
    let step = |check: u32, v: u32| {
        let top = check >> 25;
        GENERATOR
            .iter()
            .enumerate()
            .fold((check & 0x01ff_ffff) << 5 ^ v, |c, (i, g)| if top >> i & 1 == 1 { c ^ g } else { c })
    };
    let high = prefix.bytes().map(|b| u32::from(b >> 5));
    let low = prefix.bytes().map(|b| u32::from(b & 31));
    let mut check = high.chain([0]).chain(low).fold(1, step);
    for c in data.bytes() {
        let Some(v) = CHARSET.iter().position(|a| *a == c).and_then(|p| u32::try_from(p).ok()) else {
            return false;
        };
        check = step(check, v);
    }
    matches!(check, 1 | 0x2bc8_30a3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_need_issuer_length_and_luhn() {
        for card in [
            "4111111111111111",
            "5555-5555-5555-4444",
            "3782 822463 10005",
            "6011000990139424",
            "3530111333300000",
            "2223003122003222",
        ] {
            assert!(is_payment_card(card), "{card}");
        }
        for other in [
            "4111111111111112",
            "9999999999999995",
            "411111111111111",
            "4444444444444444",
            "0000000000000000",
        ] {
            assert!(!is_payment_card(other), "{other}");
        }
        // Shops number their orders with fourteen digits.
        assert!(is_regional_card("30569309025904") && !is_payment_card("30569309025904"));
        assert!(is_regional_card("122000000000003") && !is_payment_card("122000000000003"));
    }

    #[test]
    fn ibans_need_length_and_mod_97() {
        for iban in [
            "GB82 WEST 1234 5698 7654 32",
            "DE89370400440532013000",
            "FR14 2004 1010 0505 0001 3M02 606",
            "NO9386011117947",
        ] {
            assert!(is_iban(iban), "{iban}");
        }
        for other in ["GB82 WEST 1234 5698 7654 33", "DE8937040044053201300", "US122000000121212121212", "XX"]
        {
            assert!(!is_iban(other), "{other}");
        }
    }

    #[test]
    fn bank_codes_name_a_country() {
        assert!(is_bic("DEUTDEFF") && is_bic("NEDSZAJJXXX"));
        assert!(!is_bic("PASSWORD") && !is_bic("DEUTDEF") && !is_bic("deutdeff"));
    }

    #[test]
    fn wallet_addresses_carry_checksums() {
        for address in [
            "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            "bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297",
        ] {
            assert!(is_bitcoin_address(address), "{address}");
        }
        for other in
            ["16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyY", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdr", "bc1q"]
        {
            assert!(!is_bitcoin_address(other), "{other}");
        }
    }
}
