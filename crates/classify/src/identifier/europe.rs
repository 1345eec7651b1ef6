//! National identifiers of European countries, each with its published check.

use super::scheme::{
    alphanumerics, digits, exact_digits, is_day, is_one_digit_repeated, number, passes_luhn,
    passes_mod_11_10, weigh,
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

/// French NIR: sex, year, month, department, commune, order, key = 97 − n mod 97 (INSEE). Corsica's 2A and 2B count as 19 and 18.
pub(super) fn is_fr_nir(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 15) else { return false };
    let text = text.replacen("2A", "19", 1).replacen("2B", "18", 1);
    let Some(digits) = exact_digits::<15>(&text) else { return false };
    let part = |from: usize, to: usize| number(digits.get(from..to).unwrap_or_default());
    let is_month = matches!(part(3, 5), 1..=12 | 20..=42 | 50..=99);
    matches!(part(0, 1), 1 | 2 | 3 | 4 | 7 | 8) && is_month && 97 - part(0, 13) % 97 == part(13, 15)
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

/// Dutch BSN: the eleven test with a last weight of −1 (RvIG).
pub(super) fn is_nl_bsn(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    // −1 is 10 modulo 11.
    !is_one_digit_repeated(&digits) && weigh(&digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
}

/// Belgian national number: 97 − n mod 97, with a 2 before n for births from 2000 (IBZ).
pub(super) fn is_be_national_number(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part = |from: usize, to: usize| number(digits.get(from..to).unwrap_or_default());
    let (body, key) = (part(0, 9), part(9, 11));
    let has_month = matches!(part(2, 4), 0..=12 | 20..=32 | 40..=52);
    has_month
        && part(4, 6) <= 31
        && body != 0
        && (97 - body % 97 == key || 97 - (2_000_000_000 + body) % 97 == key)
}

/// Polish PESEL: weights 1-3-7-9 (gov.pl); the century is in the month.
pub(super) fn is_pl_pesel(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part =
        |from: usize, to: usize| u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(0);
    is_day(part(4, 6), part(2, 4) % 20)
        && weigh(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Swedish personnummer and samordningsnummer: a date (day + 60 for the latter), Luhn over ten digits (Skatteverket).
pub(super) fn is_se_personnummer(value: &str) -> bool {
    let Some(digits) = digits(value).filter(|d| matches!(d.len(), 10 | 12)) else { return false };
    let Some(ten) = digits.get(digits.len() - 10..) else { return false };
    let part =
        |from: usize, to: usize| u32::try_from(number(ten.get(from..to).unwrap_or_default())).unwrap_or(0);
    let day = part(4, 6);
    is_day(if day > 60 { day - 60 } else { day }, part(2, 4)) && passes_luhn(ten)
}

/// Finnish HETU: date, century sign, serial, check character of n mod 31 (DVV).
pub(super) fn is_fi_hetu(value: &str) -> bool {
    const CHECKS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let upper = value.to_ascii_uppercase();
    let (Some(date), Some(sign), Some(serial), Some(check)) =
        (upper.get(..6), upper.get(6..7), upper.get(7..10), upper.get(10..11))
    else {
        return false;
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let (Some(day), Some(month)) = (date.get(..2).and_then(number), date.get(2..4).and_then(number)) else {
        return false;
    };
    let Ok(all) = format!("{date}{serial}").parse::<usize>() else { return false };
    upper.len() == 11
        && is_day(day, month)
        && "+-ABCDEFUVWXY".contains(sign)
        && check.bytes().next() == CHECKS.get(all % 31).copied()
}

/// Danish CPR: a date and a serial; numbers issued since 2007 carry no check digit (CPR-kontoret).
pub(super) fn is_dk_cpr(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let part =
        |from: usize, to: usize| u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(0);
    is_day(part(0, 2), part(2, 4)) && part(6, 10) != 0
}

/// Norwegian fødselsnummer: a date (day + 40 for a D-number) and two check digits modulo 11 (Skatteetaten).
pub(super) fn is_no_national_id(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part =
        |from: usize, to: usize| u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(0);
    let day = part(0, 2);
    is_day(if day > 40 { day - 40 } else { day }, part(2, 4))
        && weigh(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weigh(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Swiss AHV number: EAN-13 under the prefix 756 (ZAS).
pub(super) fn is_ch_ahv(value: &str) -> bool {
    let Some(digits) = exact_digits::<13>(value) else { return false };
    digits.starts_with(&[7, 5, 6])
        && weigh(&digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Austrian insurance number: serial, check digit modulo 11, date of birth (Sozialversicherung).
pub(super) fn is_at_svnr(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let part =
        |from: usize, to: usize| u32::try_from(number(digits.get(from..to).unwrap_or_default())).unwrap_or(0);
    let check = weigh(&digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    digits.first() != Some(&0) && part(6, 8) <= 15 && part(4, 6) <= 31 && digits.get(3) == Some(&check)
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

/// Portuguese NIF: check digit modulo 11 (Autoridade Tributária).
pub(super) fn is_pt_nif(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let rest = weigh(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    matches!(digits.first(), Some(1 | 2 | 3 | 5 | 6 | 8 | 9))
        && digits.last() == Some(&check)
        && !is_one_digit_repeated(&digits)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_de_tax_id, "86 095 742 719", "86 095 742 718"),
            (is_fr_nir, "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
            (is_es_dni, "12345678Z", "12345678A"),
            (is_es_dni, "X1234567L", "X1234567A"),
            (is_it_codice_fiscale, "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            (is_nl_bsn, "111222333", "111222334"),
            (is_be_national_number, "85.07.30-033.28", "85.07.30-033.29"),
            (is_pl_pesel, "44051401359", "44051401358"),
            (is_se_personnummer, "811228-9874", "811228-9873"),
            (is_fi_hetu, "131052-308T", "131052-308U"),
            (is_dk_cpr, "070761-4285", "320761-4285"),
            (is_no_national_id, "15076500565", "15076500564"),
            (is_ch_ahv, "756.9217.0769.85", "756.9217.0769.84"),
            (is_at_svnr, "1237 010180", "1238 010180"),
            (is_ie_pps, "1234567T", "1234567S"),
            (is_pt_nif, "123456789", "123456788"),
            (is_gb_nino, "AB123456C", "BG123456C"),
            (is_gb_nhs, "943 476 5919", "943 476 5918"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
