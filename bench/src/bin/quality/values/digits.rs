//! Numbers with check digits.

use bench::Random;

use super::{DIGITS, any};

fn value_of(digit: u8) -> u64 {
    u64::from(digit.wrapping_sub(b'0'))
}

/// `digits` and the Luhn digit (ISO/IEC 7812-1, annex B) that makes `before` and them valid.
pub(super) fn with_luhn(before: &str, digits: &str) -> String {
    let sum: u64 = format!("{before}{digits}")
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (value_of(digit), place % 2) {
            (value, 0) => value * 2 / 10 + value * 2 % 10,
            (value, _) => value,
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// `count` digits in all: `prefix`, random ones, and the Luhn digit.
pub(super) fn luhn_number(random: &mut Random, prefix: &str, count: usize) -> String {
    let rest = any(random, DIGITS, count.saturating_sub(prefix.len() + 1));
    with_luhn("", &format!("{prefix}{rest}"))
}

/// The sum of the digits, each times its weight.
pub(super) fn weigh(digits: &str, weights: &[u64]) -> u64 {
    digits.bytes().zip(weights).map(|(digit, weight)| value_of(digit) * weight).sum()
}

/// The country, the check digits of ISO 13616 and the account.
pub(super) fn iban(country: &str, account: &str) -> String {
    let rearranged = format!("{account}{country}00");
    let remainder = rearranged.bytes().fold(0, |remainder: u64, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + value_of(byte)) % 97,
        letter => (remainder * 100 + u64::from(letter.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    format!("{country}{:02}{account}", 98 - remainder)
}

/// The digits in groups of `size`.
pub(super) fn grouped(digits: &str, size: usize, by: &str) -> String {
    let groups: Vec<_> = digits.as_bytes().chunks(size).map(String::from_utf8_lossy).collect();
    groups.join(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that the standards and vendors print.
    #[test]
    fn check_digits_are_those_of_published_numbers() {
        assert_eq!(with_luhn("", "411111111111111"), "4111111111111111");
        assert_eq!(with_luhn("80840", "123456789"), "1234567893");
        assert_eq!(iban("DE", "370400440532013000"), "DE89370400440532013000");
        assert_eq!(iban("GB", "WEST12345698765432"), "GB82WEST12345698765432");
        assert_eq!(grouped("4111111111111111", 4, " "), "4111 1111 1111 1111");
    }
}
