//! National identifiers of western and southern Europe, each with its published check.

use super::scheme::{
    alphanumerics, exact_digits, is_day, is_one_digit_repeated, luhn_digit, number, number_at, passes_luhn,
    passes_mod_11_10, passes_travel_document_check, passes_verhoeff, weigh,
};

/// German tax id: eleven digits, MOD 11,10; among the first ten, one digit stands two or three times (§ 139b AO; BZSt).
pub(super) fn is_de_tax_id(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let body = digits.get(..10).unwrap_or_default();
    let mut counts: Vec<usize> = (0..10).map(|d| body.iter().filter(|x| **x == d).count()).collect();
    counts.sort_unstable();
    let repeats = counts.iter().rev().take(2).copied().collect::<Vec<_>>();
    let is_shaped = matches!(repeats.as_slice(), [2 | 3, 1]);
    digits.first() != Some(&0) && is_shaped && passes_mod_11_10(&digits)
}

/// Austrian insurance number: serial, check digit modulo 11, date of birth (Sozialversicherung).
pub(super) fn is_at_svnr(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let check = weigh(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    digits.first() != Some(&0) && part(6, 8) <= 15 && part(4, 6) <= 31 && digits.get(3) == Some(&check)
}

/// Swiss AHV number: EAN-13 under the prefix 756 (ZAS).
pub(super) fn is_ch_ahv(value: &str) -> bool {
    let Some(digits) = exact_digits::<13>(value) else { return false };
    digits.starts_with(&[7, 5, 6])
        && weigh(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// French NIR: sex, year, month, department, commune, order, key = 97 − n mod 97 (INSEE). Corsica's 2A and 2B count as 19 and 18.
pub(super) fn is_fr_nir(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 15) else { return false };
    let text = text.replacen("2A", "19", 1).replacen("2B", "18", 1);
    let Some(digits) = exact_digits::<15>(&text) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let is_month = matches!(part(3, 5), 1..=12 | 20..=42 | 50..=99);
    matches!(part(0, 1), 1 | 2 | 3 | 4 | 7 | 8)
        && is_month
        && 97 - number(digits.get(..13).unwrap_or_default()) % 97 == u64::from(part(13, 15))
}

/// Belgian national number: 97 − n mod 97, with a 2 before n for births from 2000 (IBZ).
pub(super) fn is_be_national_number(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let (body, key) = (part(0, 9), part(9, 11));
    let has_month = matches!(part(2, 4), 0..=12 | 20..=32 | 40..=52);
    has_month
        && part(4, 6) <= 31
        && body != 0
        && (97 - body % 97 == key || 97 - (2_000_000_000 + body) % 97 == key)
}

/// Dutch BSN: the eleven test with a last weight of −1 (RvIG).
pub(super) fn is_nl_bsn(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    // −1 is 10 modulo 11.
    !is_one_digit_repeated(&digits) && weigh(&digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
}

/// UK National Insurance number: prefix rules and suffix A–D (HMRC NIM39110).
pub(super) fn is_gb_nino(value: &str) -> bool {
    const NEVER_ISSUED: [&str; 7] = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
    let (Some(prefix), Some(body), Some(suffix)) = (text.get(..2), text.get(2..8), text.get(8..)) else {
        return false;
    };
    let mut letters = prefix.chars();
    let is_prefix = letters.next().is_some_and(|c| c.is_ascii_uppercase() && !"DFIQUV".contains(c))
        && letters.next().is_some_and(|c| c.is_ascii_uppercase() && !"DFIQUVO".contains(c));
    is_prefix
        && !NEVER_ISSUED.contains(&prefix)
        && body.bytes().all(|b| b.is_ascii_digit())
        && matches!(suffix, "A" | "B" | "C" | "D")
}

/// NHS number: ten digits, weights 10 to 2, modulo 11 (NHS Data Dictionary).
pub(super) fn is_gb_nhs(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let check = (11 - weigh(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    check != 10 && digits.last() == Some(&check) && !is_one_digit_repeated(&digits)
}

/// Austrian tax number: office, serial, Luhn over nine digits (BMF).
pub(super) fn is_at_tax_number(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| !is_one_digit_repeated(&d) && passes_luhn(&d))
}

/// Irish PPS number: weighted sum modulo 23 gives the letter; a second letter weighs 9 (gov.ie).
pub(super) fn is_ie_pps(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| matches!(t.len(), 8 | 9)) else { return false };
    let (Some(body), Some(letters)) = (text.get(..7).and_then(exact_digits::<7>), text.get(7..)) else {
        return false;
    };
    let mut letters = letters.bytes().map(u32::from);
    let check = letters.next().unwrap_or(0);
    let second =
        letters.next().map_or(0, |b| if b == u32::from(b'W') { 0 } else { b.saturating_sub(64) * 9 });
    let sum = (weigh(&body, &[8, 7, 6, 5, 4, 3, 2]) + second) % 23;
    text.get(7..).is_some_and(|l| l.bytes().all(|b| b.is_ascii_uppercase()))
        && check == if sum == 0 { u32::from(b'W') } else { 64 + sum }
}

/// Spanish DNI and NIE: letter of n mod 23 (Ministerio del Interior); X, Y, Z stand for 0, 1, 2.
pub(super) fn is_es_dni(value: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
    let Some((body, letter)) = text.split_at_checked(8) else { return false };
    let body = match body.split_at_checked(1) {
        Some(("X", rest)) => format!("0{rest}"),
        Some(("Y", rest)) => format!("1{rest}"),
        Some(("Z", rest)) => format!("2{rest}"),
        _ => body.to_owned(),
    };
    let expected = body.parse::<usize>().ok().and_then(|n| LETTERS.get(n % 23));
    body != "00000000" && letter.bytes().next() == expected.copied()
}

/// Portuguese NIF: check digit modulo 11 (Autoridade Tributária).
pub(super) fn is_pt_nif(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let rest = weigh(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    matches!(digits.first(), Some(1 | 2 | 3 | 5 | 6 | 8 | 9))
        && digits.last() == Some(&check)
        && !is_one_digit_repeated(&digits)
}

/// Italian codice fiscale: grammar of name, date, place, and the check letter (DM 23/12/1976).
pub(super) fn is_it_codice_fiscale(value: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 16) else { return false };
    let is_shaped = text.chars().zip("LLLLLLNNMNNLNNNL".chars()).all(|(c, kind)| match kind {
        'L' => c.is_ascii_uppercase(),
        'M' => "ABCDEHLMPRST".contains(c),
        // Digits are replaced by letters where two people would share a code.
        _ => c.is_ascii_digit() || "LMNPQRSTUV".contains(c),
    });
    let sum: u32 = text
        .bytes()
        .take(15)
        .enumerate()
        .map(|(i, b)| {
            let rank =
                if b.is_ascii_digit() { u32::from(b - b'0') } else { u32::from(b.saturating_sub(b'A')) };
            if i % 2 == 0 { ODD.get(rank as usize).copied().unwrap_or(0) } else { rank }
        })
        .sum();
    is_shaped && text.bytes().last().map(u32::from) == Some(u32::from(b'A') + sum % 26)
}

/// German Rentenversicherungsnummer: area, date of birth, initial, serial, check digit (DRV; VKVV § 4).
pub(super) fn is_de_pension_number(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 12) else { return false };
    let (Some(head), Some(letter), Some(tail)) = (text.get(..8), text.get(8..9), text.get(9..)) else {
        return false;
    };
    let rank = letter.bytes().next().filter(u8::is_ascii_uppercase).map(|b| b - b'A' + 1);
    let Some(rank) = rank else { return false };
    let Some(digits) = exact_digits::<13>(&format!("{head}{rank:02}{tail}")) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let sum: u32 = digits
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(digit, weight)| digit * weight / 10 + digit * weight % 10)
        .sum();
    // Days from 51 on tell two people of one date apart.
    (2..=89).contains(&part(0, 2))
        && part(2, 4) % 50 <= 31
        && (1..=12).contains(&part(4, 6))
        && sum % 10 == part(12, 13)
}

/// German identity card and passport: nine characters of a reduced alphabet and a check digit with weights 7-3-1
/// (ICAO 9303, PAuswV).
pub(super) fn is_de_card_number(value: &str) -> bool {
    let is_own = |c: char| c.is_ascii_digit() || "CFGHJKLMNPRTVWXYZ".contains(c);
    let text = value.to_ascii_uppercase();
    text.starts_with(|c: char| "CFGHJKLMNPRTVWXYZ".contains(c))
        && text.chars().all(is_own)
        && text.chars().filter(char::is_ascii_digit).count() >= 3
        && match text.len() {
            9 => true,
            10 => passes_travel_document_check(&text),
            _ => false,
        }
}

/// French tax number (SPI): thirteen digits, the last three are the first ten modulo 511 (DGFiP).
pub(super) fn is_fr_tax_number(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let body = number(d.get(..10).unwrap_or_default());
        matches!(d.first(), Some(0..=3)) && body != 0 && body % 511 == u64::from(number_at(&d, 10, 13))
    })
}

/// Spanish company tax number: type letter, province, serial, control digit or letter (Orden EHA/451/2008).
pub(super) fn is_es_cif(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
    let (Some(kind), Some(body), Some(control)) =
        (text.chars().next(), text.get(1..8).and_then(exact_digits::<7>), text.chars().last())
    else {
        return false;
    };
    // A zero in front makes the count of digits even, so that Luhn doubles the same places.
    let check = luhn_digit(&body);
    let letter = "JABCDEFGHI".chars().nth(check as usize);
    let is_digit = control.to_digit(10) == Some(check);
    match kind {
        'A' | 'B' | 'E' | 'H' => is_digit,
        'P' | 'Q' | 'R' | 'S' | 'N' | 'W' => Some(control) == letter,
        'C' | 'D' | 'F' | 'G' | 'J' | 'U' | 'V' => is_digit || Some(control) == letter,
        _ => false,
    }
}

/// Portuguese citizen card: eight digits and their check digit, two characters, check digit in base 36 (AMA).
pub(super) fn is_pt_citizen_card(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 12) else { return false };
    let is_shaped = text.chars().enumerate().all(|(i, c)| c.is_ascii_digit() || matches!(i, 9 | 10));
    let sum: u32 = text
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(36))
        .enumerate()
        .map(|(i, v)| match (i % 2, v * 2) {
            (0, _) => v,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    is_shaped && sum.is_multiple_of(10)
}

/// Italian VAT number: office 001–100 or a special one, Luhn over eleven digits (DPR 633/1972).
pub(super) fn is_it_vat(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let office = number_at(&d, 7, 10);
        number_at(&d, 0, 7) != 0 && matches!(office, 1..=100 | 120 | 121 | 888 | 999) && passes_luhn(&d)
    })
}

/// UK unique taxpayer reference: the first digit checks the nine after it, modulo 11 (HMRC).
pub(super) fn is_gb_utr(value: &str) -> bool {
    const CHECKS: [u32; 11] = [2, 1, 9, 8, 7, 6, 5, 4, 3, 2, 1];
    exact_digits::<10>(value).is_some_and(|d| {
        let sum = weigh(d.get(1..).unwrap_or_default(), &[6, 7, 8, 9, 10, 5, 4, 3, 2]);
        !is_one_digit_repeated(&d) && d.first() == CHECKS.get((sum % 11) as usize)
    })
}

/// UK driving licence: five of the surname, decade, month (+50 for women), day, year, initials, three more (DVLA).
pub(super) fn is_gb_driving_licence(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| matches!(t.len(), 16 | 18)) else { return false };
    let is_shaped = text.chars().zip("LLLLLNNNNNNLLXXX".chars()).all(|(c, kind)| match kind {
        'L' => c.is_ascii_uppercase() || c == '9',
        'N' => c.is_ascii_digit(),
        _ => c.is_ascii_alphanumeric(),
    });
    let Some(digits) = text.get(5..11).and_then(exact_digits::<6>) else { return false };
    let month = number_at(&digits, 1, 3);
    is_shaped && text.starts_with(|c: char| c != '9') && is_day(number_at(&digits, 3, 5), month % 50)
}

/// Cypriot tax number: eight digits and a letter for their sum modulo 26, digits at odd places counted by a table (OECD).
pub(super) fn is_cy_tax_number(value: &str) -> bool {
    const ODD: [u32; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    let Some((number, check)) = value.split_at_checked(8) else { return false };
    exact_digits::<8>(number).is_some_and(|d| {
        let worth = |(at, digit): (usize, &u32)| match usize::try_from(*digit) {
            Ok(index) if at % 2 == 0 => ODD.get(index).copied().unwrap_or_default(),
            _ => *digit,
        };
        let sum: u32 = d.iter().enumerate().map(worth).sum();
        check.chars().next().and_then(|c| c.to_digit(36)) == Some(10 + sum % 26)
    })
}

/// Luxembourg matricule: date of birth, serial, Luhn and Verhoeff digits over the first eleven (CTIE).
pub(super) fn is_lu_matricule(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let body = d.get(..11).unwrap_or_default();
        let with = |check: usize| body.iter().chain(d.get(check)).copied().collect::<Vec<_>>();
        (1850..=2100).contains(&number_at(&d, 0, 4))
            && is_day(number_at(&d, 6, 8), number_at(&d, 4, 6))
            && passes_luhn(&with(11))
            && passes_verhoeff(&with(12))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_de_tax_id, "86 095 742 719", "86 095 742 718"),
            (is_de_pension_number, "15 070649 C 103", "15 070649 C 104"),
            (is_de_card_number, "T220001293", "T220001294"),
            (is_fr_nir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
            (is_fr_tax_number, "0701987765493", "0701987765494"),
            (is_es_dni, "12345678Z", "12345678A"),
            (is_es_dni, "X1234567L", "X1234567A"),
            (is_es_cif, "B58818501", "B58818502"),
            (is_it_codice_fiscale, "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            (is_it_vat, "00743110157", "00743110158"),
            (is_nl_bsn, "111222333", "111222334"),
            (is_be_national_number, "85.07.30-033.28", "85.07.30-033.29"),
            (is_ch_ahv, "756.9217.0769.85", "756.9217.0769.84"),
            (is_at_svnr, "1237 010180", "1238 010180"),
            (is_at_tax_number, "59-119/9013", "59-119/9014"),
            (is_ie_pps, "1234567T", "1234567S"),
            (is_pt_nif, "123456789", "123456788"),
            (is_pt_citizen_card, "00000000 0 ZZ4", "00000000 0 ZZ5"),
            (is_gb_nino, "AB123456C", "BG123456C"),
            (is_gb_nhs, "943 476 5919", "943 476 5918"),
            (is_gb_utr, "1955839661", "2955839661"),
            (is_gb_driving_licence, "MORGA657054SM9IJ", "MORGA677054SM9IJ"),
            (is_lu_matricule, "1893120105732", "1893120105733"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
