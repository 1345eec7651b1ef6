//! Numbers of documents, vehicles and devices that no one country issues.

use super::scheme::{
    alphanumerics, digits, is_one_digit_repeated, number_at, passes_luhn, passes_travel_document_check,
};

/// A number that could have been issued: not one digit over and over, not counted up or down.
pub(super) fn is_issued_number(value: &str) -> bool {
    let Some(all) = digits(value).filter(|d| (6..=16).contains(&d.len())) else { return false };
    let steps = || {
        all.windows(2).map(|pair| match pair {
            [a, b] => (b + 10 - a) % 10,
            _ => 0,
        })
    };
    !is_one_digit_repeated(&all) && !steps().all(|step| step == 1) && !steps().all(|step| step == 9)
}

/// A document number with five digits or more, so that no word passes.
pub(super) fn has_five_digits(value: &str) -> bool {
    (6..=24).contains(&value.len())
        && value.bytes().filter(u8::is_ascii_digit).count() >= 5
        && !digits(value).is_some_and(|d| is_one_digit_repeated(&d))
}

/// A number of an account with four digits or more, so that no word passes.
pub(super) fn has_four_digits(value: &str) -> bool {
    value.len() <= 40 && value.bytes().filter(u8::is_ascii_digit).count() >= 4
}

/// A number of a bank account, and no date.
pub(super) fn is_account_number(value: &str) -> bool {
    let lengths: Vec<usize> = value.split(['-', ' ', '.']).map(str::len).collect();
    (8..=24).contains(&value.bytes().filter(u8::is_ascii_digit).count())
        && !matches!(lengths.as_slice(), [4, 2, 2] | [2, 2, 4])
}

/// The machine-readable zone of a passport (its second line) or an identity card (its first two): number, date of birth
/// and expiry, each with its check digit (ICAO 9303-4 and 9303-5).
pub(super) fn is_machine_readable_zone(value: &str) -> bool {
    let text: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    let fields = match text.len() {
        44 => [0..10, 13..20, 21..28],
        88 => [44..54, 57..64, 65..72],
        60 => [5..15, 30..37, 38..45],
        _ => return false,
    };
    fields.into_iter().all(|field| text.get(field).is_some_and(passes_travel_document_check))
}

/// Vehicle identification number with its check digit: weighted sum modulo 11 at position nine (49 CFR 565.15).
pub(super) fn is_vin(value: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 17) else { return false };
    let rank = |c: char| match c {
        '0'..='9' => c.to_digit(10),
        'A'..='H' => Some(c as u32 - 'A' as u32 + 1),
        'J'..='N' => Some(c as u32 - 'J' as u32 + 1),
        'P' => Some(7),
        'R' => Some(9),
        'S'..='Z' => Some(c as u32 - 'S' as u32 + 2),
        _ => None,
    };
    let ranks: Vec<u32> = text.chars().filter_map(rank).collect();
    let sum: u32 = ranks.iter().zip(WEIGHTS).map(|(rank, weight)| rank * weight).sum();
    let check = text.chars().nth(8).and_then(|c| if c == 'X' { Some(10) } else { c.to_digit(10) });
    ranks.len() == 17 && check == Some(sum % 11) && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Letters and digits of a licence plate, both of them.
pub(super) fn is_licence_plate(value: &str) -> bool {
    alphanumerics(value).is_some_and(|text| {
        (4..=10).contains(&text.len())
            && text.bytes().any(|b| b.is_ascii_digit())
            && text.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

/// Fifteen digits of a mobile device, Luhn (GSMA TS.06).
pub(super) fn is_imei(value: &str) -> bool {
    digits(value).is_some_and(|d| d.len() == 15 && number_at(&d, 0, 8) != 0 && passes_luhn(&d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_words_and_counted_numbers() {
        assert!(
            is_issued_number("20.123.456") && !is_issued_number("12345678") && !is_issued_number("11111111")
        );
        assert!(
            has_five_digits("C01X00T47") && !has_five_digits("PASSPORT") && !has_five_digits("000000000")
        );
        assert!(is_vin("1HGCM82633A004352") && is_vin("1M8GDM9AXKP042788") && !is_vin("1HGCM82643A004352"));
        assert!(is_licence_plate("B-MW 1234") && !is_licence_plate("NONE") && !is_licence_plate("1234"));
        assert!(is_imei("490154203237518") && !is_imei("490154203237519"));
    }
}
