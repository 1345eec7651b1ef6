//! Check-digit schemes that several countries and industries share.

use std::ops::Deref;

/// The digits of a value, in place: checks run on every candidate, and allocate nothing.
#[derive(Clone, Copy)]
pub(super) struct Digits {
    all: [u32; Self::MOST],
    len: usize,
}

impl Digits {
    const MOST: usize = 40;
}

impl Deref for Digits {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        self.all.get(..self.len).unwrap_or_default()
    }
}

/// The ASCII letters and digits of a value in upper case, in place.
#[derive(Clone, Copy)]
pub(super) struct Alphanumerics {
    all: [u8; Self::MOST],
    len: usize,
}

impl Alphanumerics {
    const MOST: usize = 64;
}

impl Deref for Alphanumerics {
    type Target = str;

    fn deref(&self) -> &str {
        self.all.get(..self.len).and_then(|all| str::from_utf8(all).ok()).unwrap_or_default()
    }
}

/// The ASCII digits of `value`, other characters left out; `None` when there are more than 40.
pub(super) fn digits(value: &str) -> Option<Digits> {
    let mut digits = Digits { all: [0; Digits::MOST], len: 0 };
    for byte in value.bytes().filter(u8::is_ascii_digit) {
        *digits.all.get_mut(digits.len)? = u32::from(byte - b'0');
        digits.len += 1;
    }
    Some(digits)
}

/// The ASCII letters and digits of `value` in upper case; `None` when there are none, or more than 64.
pub(super) fn alphanumerics(value: &str) -> Option<Alphanumerics> {
    let mut text = Alphanumerics { all: [0; Alphanumerics::MOST], len: 0 };
    for byte in value.bytes().filter(u8::is_ascii_alphanumeric) {
        *text.all.get_mut(text.len)? = byte.to_ascii_uppercase();
        text.len += 1;
    }
    (text.len > 0).then_some(text)
}

/// Digits, when there are exactly `N`.
pub(super) fn exact_digits<const N: usize>(value: &str) -> Option<[u32; N]> {
    let digits = digits(value)?;
    (*digits).try_into().ok()
}

/// Σ digit · weight over the shorter of both.
pub(super) fn weigh(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| d * w).sum()
}

/// The digits as one number.
pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |n, d| n.wrapping_mul(10).wrapping_add(u64::from(*d)))
}

/// The digits from `from` to `to` as a number; no more than nine of them.
pub(super) fn number_at(digits: &[u32], from: usize, to: usize) -> u32 {
    u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(u32::MAX)
}

/// Whether every digit is the same: no issued identifier looks like that.
pub(super) fn is_one_digit_repeated(digits: &[u32]) -> bool {
    digits.iter().all(|d| digits.first() == Some(d))
}

/// Luhn's scheme (ISO/IEC 7812-1, annex B).
pub(super) fn passes_luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// The check digit that Luhn's scheme puts after `body`.
pub(super) fn luhn_digit(body: &[u32]) -> u32 {
    (0..10).find(|check| passes_luhn(&[body, &[*check]].concat())).unwrap_or(0)
}

/// Whether the last character checks the ones before it with weights 7-3-1 (ICAO 9303 part 3).
pub(super) fn passes_travel_document_check(text: &str) -> bool {
    let Some((body, check)) = text.split_at_checked(text.len().saturating_sub(1)) else { return false };
    let values = body.chars().map(|c| c.to_digit(36).unwrap_or(0));
    let sum: u32 = values.zip([7, 3, 1].into_iter().cycle()).map(|(value, weight)| value * weight).sum();
    check.chars().next().and_then(|c| c.to_digit(10)) == Some(sum % 10)
}

/// Whether day and month can be (the year is not looked at, so 29 February passes).
pub(super) fn is_day(day: u32, month: u32) -> bool {
    let longest = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    };
    (1..=longest).contains(&day)
}

/// ISO 7064 MOD 11,10: the check digit of German tax ids.
pub(super) fn passes_mod_11_10(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// Verhoeff's scheme, over the dihedral group of order ten.
pub(super) fn passes_verhoeff(digits: &[u32]) -> bool {
    // j ∘ k in the dihedral group D5, and the powers of its permutation, computed and not tabled.
    let combine = |j: u32, k: u32| match (j < 5, k < 5) {
        (true, true) => (j + k) % 5,
        (true, false) => (j + k - 5) % 5 + 5,
        (false, true) => (j - 5 + 5 - k) % 5 + 5,
        (false, false) => (j + 5 - k) % 5,
    };
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permute = |times: usize, digit: u32| {
        (0..times % 8).fold(digit, |d, _| PERMUTATION.get(d as usize).copied().unwrap_or(d))
    };
    let check = digits.iter().rev().enumerate().fold(0, |c, (i, d)| combine(c, permute(i, *d)));
    !digits.is_empty() && check == 0
}

/// Whether `digits` can carry a check digit: a single digit, or one digit repeated, passes too easily.
fn can_be_checked(digits: &[u32]) -> bool {
    digits.len() > 2 && !is_one_digit_repeated(digits)
}

/// Digits of any length with a check digit by Luhn.
pub(super) fn is_luhn(value: &str) -> bool {
    digits(value).is_some_and(|d| can_be_checked(&d) && passes_luhn(&d))
}

/// Digits of any length with a check digit by ISO 7064 MOD 11,10.
pub(super) fn is_mod_11_10(value: &str) -> bool {
    digits(value).is_some_and(|d| can_be_checked(&d) && passes_mod_11_10(&d))
}

/// Digits of any length with a check digit by Verhoeff.
pub(super) fn is_verhoeff(value: &str) -> bool {
    digits(value).is_some_and(|d| can_be_checked(&d) && passes_verhoeff(&d))
}

/// Letters and digits that end in two check digits by ISO 7064 MOD 97-10, a letter being two digits from `A` = 10 on.
pub(super) fn is_mod_97_10(value: &str) -> bool {
    let Some(text) = alphanumerics(value) else { return false };
    let remainder = text.chars().filter_map(|c| c.to_digit(36)).fold(0, |rest, digit| match digit {
        0..10 => (rest * 10 + digit) % 97,
        _ => (rest * 100 + digit) % 97,
    });
    text.len() > 3 && text.bytes().rev().take(2).all(|b| b.is_ascii_digit()) && remainder == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_accept_their_published_examples() {
        assert!(
            passes_luhn(&digits("79927398713").unwrap()) && !passes_luhn(&digits("79927398710").unwrap())
        );
        assert!(passes_verhoeff(&digits("2363").unwrap()) && !passes_verhoeff(&digits("2364").unwrap()));
        assert!(
            passes_mod_11_10(&digits("86095742719").unwrap())
                && !passes_mod_11_10(&digits("86095742718").unwrap())
        );
        // ISO/IEC 7064 MOD 97-10 as in a legal entity identifier (ISO 17442).
        assert!(is_mod_97_10("529900T8BM49AURSDO55") && !is_mod_97_10("529900T8BM49AURSDO56"));
        assert!(is_luhn("7992-739 8713") && !is_luhn("0000000000"));
        assert!(is_day(29, 2) && !is_day(31, 4) && !is_day(1, 13));
    }
}
