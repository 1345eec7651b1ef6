//! National identifiers of countries outside Europe and the United States, each with its published check.

use super::scheme::{
    alphanumerics, exact_digits, is_day, is_one_digit_repeated, number, passes_luhn, passes_verhoeff, weigh,
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

/// Australian tax file number: weighted sum modulo 11 (ATO).
pub(super) fn is_au_tfn(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| {
        !is_one_digit_repeated(&d) && weigh(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
    })
}

/// Australian Medicare card: first digit 2–6, check digit modulo 10 at position nine (Services Australia).
pub(super) fn is_au_medicare(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        let check = weigh(&d, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10;
        d.first().is_some_and(|f| (2..=6).contains(f)) && d.get(8) == Some(&check) && d.get(9) != Some(&0)
    })
}

/// Australian business number: one less at the front, weighted sum modulo 89 (ABR).
pub(super) fn is_au_abn(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let sum = weigh(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
        d.first().is_some_and(|f| *f > 0) && sum.checked_sub(10).is_some_and(|s| s % 89 == 0)
    })
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

/// Brazilian CPF: two check digits modulo 11 (Receita Federal).
pub(super) fn is_br_cpf(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let first = weigh(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        let second = weigh(&d, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        !is_one_digit_repeated(&d) && d.ends_with(&[first, second])
    })
}

/// Brazilian CNPJ: two check digits modulo 11 (Receita Federal).
pub(super) fn is_br_cnpj(value: &str) -> bool {
    exact_digits::<14>(value).is_some_and(|d| {
        let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
        let first = check(weigh(&d, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
        let second = check(weigh(&d, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
        !is_one_digit_repeated(&d) && d.ends_with(&[first, second])
    })
}

/// Korean resident registration number: a date, a century digit, a check digit modulo 11 (Resident Registration Act).
/// Numbers issued since October 2020 have random digits after the century, so only the older check can be made.
pub(super) fn is_kr_rrn(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let part =
            |from: usize, to: usize| u32::try_from(number(d.get(from..to).unwrap_or_default())).unwrap_or(0);
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
    let part =
        |from: usize, to: usize| u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(0);
    let rest = weigh(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    let expected = b"10X98765432".get(rest as usize).copied();
    (11..=91).contains(&part(0, 2))
        && (1900..=2100).contains(&part(6, 10))
        && is_day(part(12, 14), part(10, 12))
        && check.to_ascii_uppercase().as_bytes() == expected.as_slice()
}

/// South African id: a date, citizenship digit, Luhn (Department of Home Affairs).
pub(super) fn is_za_id(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let part =
            |from: usize, to: usize| u32::try_from(number(d.get(from..to).unwrap_or_default())).unwrap_or(0);
        is_day(part(4, 6), part(2, 4)) && part(10, 11) <= 2 && passes_luhn(&d)
    })
}

/// Canadian SIN: Luhn; no number starts with 0 or 8 (ESDC).
pub(super) fn is_ca_sin(value: &str) -> bool {
    exact_digits::<9>(value)
        .is_some_and(|d| !matches!(d.first(), Some(0 | 8)) && !is_one_digit_repeated(&d) && passes_luhn(&d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_in_aadhaar, "2341 2341 2346", "2341 2341 2347"),
            (is_in_pan, "ABCPE1234F", "ABCXE1234F"),
            (is_au_tfn, "123 456 782", "123 456 783"),
            (is_au_medicare, "2123 45670 1", "2123 45671 1"),
            (is_au_abn, "51 824 753 556", "51 824 753 557"),
            (is_sg_nric, "S1234567D", "S1234567E"),
            (is_br_cpf, "529.982.247-25", "529.982.247-24"),
            (is_br_cnpj, "11.222.333/0001-81", "11.222.333/0001-82"),
            (is_kr_rrn, "820701-2409181", "820701-2409182"),
            (is_jp_my_number, "123456789018", "123456789019"),
            (is_cn_resident_id, "11010519491231002X", "110105194912310021"),
            (is_za_id, "8001015009087", "8001015009088"),
            (is_ca_sin, "130 692 544", "130 692 545"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
