//! National identifiers of Asia, each with its published check.

use super::scheme::{
    alphanumerics, digits, exact_digits, is_day, is_one_digit_repeated, number_at, passes_luhn,
    passes_verhoeff, weigh,
};

/// Indian Aadhaar: twelve digits, the first 2–9, Verhoeff (UIDAI).
pub(super) fn is_in_aadhaar(value: &str) -> bool {
    exact_digits::<12>(value).is_some_and(|d| {
        d.first().is_some_and(|f| *f >= 2) && !is_one_digit_repeated(&d) && passes_verhoeff(&d)
    })
}

/// Indian PAN: five letters, of which the fourth says what kind of holder, four digits, a letter (Income Tax Department).
pub(super) fn is_in_pan(value: &str) -> bool {
    value.len() == 10
        && value.bytes().zip("LLLHLNNNNL".bytes()).all(|(b, kind)| match kind {
            b'H' => b"PCHFATBLJG".contains(&b),
            b'L' => b.is_ascii_uppercase(),
            _ => b.is_ascii_digit(),
        })
        && value.get(5..9) != Some("0000")
}

/// Singapore NRIC and FIN: weighted sum modulo 11 gives the letter, by series (ICA).
pub(super) fn is_sg_nric(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
    let Some(digits) = text.get(1..8).and_then(exact_digits::<7>) else { return false };
    let (offset, letters): (u32, &[u8; 11]) = match text.bytes().next() {
        Some(b'S') => (0, b"JZIHGFEDCBA"),
        Some(b'T') => (4, b"JZIHGFEDCBA"),
        Some(b'F') => (0, b"XWUTRQPNMLK"),
        Some(b'G') => (4, b"XWUTRQPNMLK"),
        Some(b'M') => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let rest = (weigh(&digits, &[2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
    text.bytes().last() == letters.get(rest as usize).copied()
}

/// Korean resident registration number: a date, a century digit, a check digit modulo 11 (Resident Registration Act).
/// Numbers issued since October 2020 have random digits after the century, so only the older check can be made.
pub(super) fn is_kr_rrn(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let part = |from, to| number_at(&d, from, to);
        let check = (11 - weigh(&d, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
        is_day(part(4, 6), part(2, 4)) && (1..=8).contains(&part(6, 7)) && part(12, 13) == check
    })
}

/// Japanese My Number: check digit modulo 11 (MIC Ordinance 85 of 2014).
pub(super) fn is_jp_my_number(value: &str) -> bool {
    exact_digits::<12>(value).is_some_and(|d| {
        let rest = weigh(&d, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        let check = if rest <= 1 { 0 } else { 11 - rest };
        !is_one_digit_repeated(&d) && d.last() == Some(&check)
    })
}

/// Chinese resident id: region, date, serial, ISO 7064 MOD 11-2 (GB 11643-1999).
pub(super) fn is_cn_resident_id(value: &str) -> bool {
    let Some((body, check)) = value.split_at_checked(17) else { return false };
    let Some(digits) = exact_digits::<17>(body) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let rest = weigh(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    let expected = b"10X98765432".get(rest as usize).copied();
    (11..=91).contains(&part(0, 2))
        && (1900..=2100).contains(&part(6, 10))
        && is_day(part(12, 14), part(10, 12))
        && check.to_ascii_uppercase().as_bytes() == expected.as_slice()
}

/// Indian GSTIN: state, PAN, entity, Z, check character over base 36 (GSTN).
pub(super) fn is_in_gstin(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 15) else { return false };
    let values: Vec<u32> = text.chars().filter_map(|c| c.to_digit(36)).collect();
    let sum: u32 = values
        .iter()
        .take(14)
        .enumerate()
        .map(|(i, v)| if i % 2 == 0 { *v } else { v * 2 / 36 + v * 2 % 36 })
        .sum();
    let state = text.get(..2).and_then(exact_digits::<2>).map_or(0, |d| number_at(&d, 0, 2));
    matches!(state, 1..=38 | 97)
        && text.get(2..12).is_some_and(is_in_pan)
        && values.last() == Some(&((36 - sum % 36) % 36))
}

/// Hong Kong identity card: one or two letters, six digits, check digit modulo 11, A for ten (Immigration Department).
pub(super) fn is_hk_identity_card(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| matches!(t.len(), 8 | 9)) else { return false };
    let letters = text.len() - 7;
    let is_shaped = text.char_indices().all(|(i, c)| match i {
        i if i < letters => c.is_ascii_uppercase(),
        i if i < letters + 6 => c.is_ascii_digit(),
        _ => c.is_ascii_digit() || c == 'A',
    });
    // A missing first letter counts as 36, a letter as 10 to 35.
    let blank = (letters == 1).then_some(36);
    let values = blank.into_iter().chain(text.chars().filter_map(|c| c.to_digit(36)));
    let sum: u32 = values.zip((1..=9).rev()).map(|(value, weight)| value * weight).sum();
    is_shaped && sum.is_multiple_of(11)
}

/// Taiwanese national id and resident certificate: region letter, sex, serial, check digit modulo 10 (Ministry of the
/// Interior).
pub(super) fn is_tw_national_id(value: &str) -> bool {
    /// What the letters from A on stand for.
    const REGIONS: [u32; 26] = [
        10, 11, 12, 13, 14, 15, 16, 17, 34, 18, 19, 20, 21, 22, 35, 23, 24, 25, 26, 27, 28, 29, 32, 30, 31,
        33,
    ];
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 10) else { return false };
    let Some(digits) = text.get(1..).and_then(exact_digits::<9>) else { return false };
    let rank = text.bytes().next().filter(u8::is_ascii_uppercase).map(|b| usize::from(b - b'A'));
    let Some(region) = rank.and_then(|rank| REGIONS.get(rank)) else { return false };
    let sum = region / 10 + region % 10 * 9 + weigh(&digits, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(digits.first(), Some(1 | 2 | 8 | 9)) && sum.is_multiple_of(10)
}

/// A Korean resident registration number's date and century alone: numbers issued since October 2020 carry no check.
pub(super) fn is_kr_rrn_shaped(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        is_day(number_at(&d, 4, 6), number_at(&d, 2, 4)) && (1..=8).contains(&number_at(&d, 6, 7))
    })
}

/// Thai identity number: thirteen digits, weighted sum modulo 11 (DOPA).
pub(super) fn is_th_identity_number(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let sum = weigh(&d, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
        matches!(d.first(), Some(1..=8)) && d.last() == Some(&((11 - sum % 11) % 10))
    })
}

/// Indonesian NIK: province, regency, district, date (day + 40 for women), serial (Dukcapil).
pub(super) fn is_id_nik(value: &str) -> bool {
    exact_digits::<16>(value).is_some_and(|d| {
        let day = number_at(&d, 6, 8);
        matches!(number_at(&d, 0, 2), 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81..=82 | 91..=97)
            && is_day(if day > 40 { day - 40 } else { day }, number_at(&d, 8, 10))
            && number_at(&d, 12, 16) != 0
    })
}

/// Malaysian NRIC: a date, place of birth, serial (JPN).
pub(super) fn is_my_nric(value: &str) -> bool {
    exact_digits::<12>(value).is_some_and(|d| {
        is_day(number_at(&d, 4, 6), number_at(&d, 2, 4))
            && matches!(number_at(&d, 6, 8), 1..=16 | 21..=68 | 71..=72 | 74..=79 | 82..=93 | 98..=99)
    })
}

/// Israeli identity number: nine digits, Luhn (Population and Immigration Authority).
pub(super) fn is_il_identity_number(value: &str) -> bool {
    // Zeros in front are often left out, which Luhn does not see.
    digits(value).is_some_and(|d| matches!(d.len(), 8 | 9) && !is_one_digit_repeated(&d) && passes_luhn(&d))
}

/// Emirates id: 784, year of birth, serial, Luhn (ICP).
pub(super) fn is_ae_emirates_id(value: &str) -> bool {
    exact_digits::<15>(value).is_some_and(|d| {
        d.starts_with(&[7, 8, 4]) && (1900..=2100).contains(&number_at(&d, 3, 7)) && passes_luhn(&d)
    })
}

/// Saudi identity number: ten digits, the first 1 for citizens and 2 for residents, Luhn (MOI).
pub(super) fn is_sa_identity_number(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| matches!(d.first(), Some(1 | 2)) && passes_luhn(&d))
}

/// Pakistani CNIC: region, family, sex; no check digit (NADRA).
pub(super) fn is_pk_cnic(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| matches!(d.first(), Some(1..=7)) && !is_one_digit_repeated(&d))
}

/// Iranian national code: nine digits and a check digit modulo 11 (Sabt-e Ahval).
pub(super) fn is_ir_national_code(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        let check = match weigh(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11 {
            rest @ (0 | 1) => rest,
            rest => 11 - rest,
        };
        !is_one_digit_repeated(&d) && d.last() == Some(&check)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_in_aadhaar, "2341 2341 2346", "2341 2341 2347"),
            (is_in_pan, "ABCPE1234F", "ABCXE1234F"),
            (is_in_gstin, "27AAPFU0939F1ZV", "27AAPFU0939F1ZW"),
            (is_sg_nric, "S1234567D", "S1234567E"),
            (is_kr_rrn, "820701-2409181", "820701-2409182"),
            (is_kr_rrn_shaped, "820701-2409182", "821301-2409182"),
            (is_jp_my_number, "123456789018", "123456789019"),
            (is_cn_resident_id, "11010519491231002X", "110105194912310021"),
            (is_hk_identity_card, "A123456(3)", "A123456(4)"),
            (is_tw_national_id, "A123456789", "A123456788"),
            (is_th_identity_number, "1-2345-45678-78-1", "1-2345-45678-78-2"),
            (is_id_nik, "3171011708450001", "0171011708450001"),
            (is_my_nric, "770305-02-1234", "771305-02-1234"),
            (is_il_identity_number, "039337423", "039337424"),
            (is_ae_emirates_id, "784-1979-1234567-1", "784-1979-1234567-2"),
            (is_sa_identity_number, "1000000008", "3000000008"),
            (is_pk_cnic, "34201-0891231-8", "94201-0891231-8"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
