//! National identifiers of eastern Europe, each with its published check.

use super::scheme::{
    alphanumerics, digits, exact_digits, is_day, is_one_digit_repeated, number_at, passes_luhn,
    passes_mod_11_10, weigh,
};

/// Polish PESEL: weights 1-3-7-9 (gov.pl); the century is in the month.
pub(super) fn is_pl_pesel(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    is_day(part(4, 6), part(2, 4) % 20)
        && weigh(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Polish NIP: weighted sum modulo 11 (Ministerstwo Finansów).
pub(super) fn is_pl_nip(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        !is_one_digit_repeated(&d)
            && number_at(&d, 0, 3) >= 100
            && d.last() == Some(&(weigh(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11))
    })
}

/// Polish identity card: three letters, check digit, five digits, weights 7-3-1 (MSWiA).
pub(super) fn is_pl_identity_card(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
    let is_shaped =
        text.char_indices().all(|(i, c)| if i < 3 { c.is_ascii_uppercase() } else { c.is_ascii_digit() });
    let sum: u32 = text
        .chars()
        .filter_map(|c| c.to_digit(36))
        .zip([7, 3, 1, 9, 7, 3, 1, 7, 3])
        .map(|(value, weight)| value * weight)
        .sum();
    is_shaped && sum.is_multiple_of(10)
}

/// Polish passport: two letters, check digit, six digits, weights 7-3-1 (MSWiA); or an identity card.
pub(super) fn is_pl_document(value: &str) -> bool {
    let is_passport = || {
        let Some(text) = alphanumerics(value).filter(|t| t.len() == 9) else { return false };
        let is_shaped =
            text.char_indices().all(|(i, c)| if i < 2 { c.is_ascii_uppercase() } else { c.is_ascii_digit() });
        let sum: u32 = text
            .chars()
            .filter_map(|c| c.to_digit(36))
            .zip([7, 3, 9, 1, 7, 3, 1, 7, 3])
            .map(|(value, weight)| value * weight)
            .sum();
        is_shaped && sum.is_multiple_of(10)
    };
    is_pl_identity_card(value) || is_passport()
}

/// Czech and Slovak rodné číslo: a date (month + 50 for women, + 20 where serials ran out), divisible by 11 since 1954
/// (zákon č. 133/2000 Sb.).
pub(super) fn is_cz_birth_number(value: &str) -> bool {
    let Some(all) = digits(value).filter(|d| matches!(d.len(), 9 | 10)) else { return false };
    let month = match number_at(&all, 2, 4) % 50 {
        late @ 21..=32 => late - 20,
        month => month,
    };
    // Where the remainder was 10, the check digit is 0.
    let has_check = || {
        let body = u64::from(number_at(&all, 0, 9)) % 11 % 10;
        body == u64::from(number_at(&all, 9, 10))
    };
    is_day(number_at(&all, 4, 6), month)
        && if all.len() == 9 { number_at(&all, 0, 2) <= 53 } else { has_check() }
}

/// A Czech or Slovak number of ten digits, so that it carries its check.
pub(super) fn is_cz_checked_birth_number(value: &str) -> bool {
    digits(value).is_some_and(|d| d.len() == 10) && is_cz_birth_number(value)
}

/// Hungarian TAJ number: weights 3 and 7, modulo 10 (NEAK).
pub(super) fn is_hu_taj(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| {
        !is_one_digit_repeated(&d) && d.last() == Some(&(weigh(&d, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10))
    })
}

/// Hungarian tax number of a person: 8, days since 1867, serial, check digit modulo 11 (NAV).
pub(super) fn is_hu_tax_id(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        d.first() == Some(&8) && d.last() == Some(&(weigh(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11))
    })
}

/// Romanian CNP: sex and century, date, county, serial, check digit modulo 11 (MAI).
pub(super) fn is_ro_cnp(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let check = match weigh(&d, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            check => check,
        };
        matches!(d.first(), Some(1..=9))
            && is_day(number_at(&d, 5, 7), number_at(&d, 3, 5))
            && matches!(number_at(&d, 7, 9), 1..=52 | 70 | 80..=83 | 99)
            && d.last() == Some(&check)
    })
}

/// Bulgarian EGN: a date (month + 20 before 1900, + 40 from 2000), check digit modulo 11 (GRAO).
pub(super) fn is_bg_egn(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        is_day(number_at(&d, 4, 6), number_at(&d, 2, 4) % 20)
            && d.last() == Some(&(weigh(&d, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10))
    })
}

/// Croatian OIB: eleven digits, MOD 11,10 (Porezna uprava).
pub(super) fn is_hr_oib(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| !is_one_digit_repeated(&d) && passes_mod_11_10(&d))
}

/// JMBG and EMŠO of the countries of former Yugoslavia: a date with three digits of the year, region, serial, check
/// digit modulo 11.
pub(super) fn is_jmbg(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let rest = weigh(&d, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
        let check = if rest < 2 { 0 } else { 11 - rest };
        is_day(number_at(&d, 0, 2), number_at(&d, 2, 4))
            && matches!(number_at(&d, 4, 7), 850..=999 | 0..=100)
            && d.last() == Some(&check)
    })
}

/// Greek AMKA: a date and Luhn over eleven digits (IDIKA).
pub(super) fn is_gr_amka(value: &str) -> bool {
    exact_digits::<11>(value)
        .is_some_and(|d| is_day(number_at(&d, 0, 2), number_at(&d, 2, 4)) && passes_luhn(&d))
}

/// Greek AFM: nine digits, powers of two, modulo 11 (AADE).
pub(super) fn is_gr_afm(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| {
        !is_one_digit_repeated(&d)
            && d.last() == Some(&(weigh(&d, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10))
    })
}

/// Ukrainian RNOKPP: weighted sum modulo 11 (DPS).
pub(super) fn is_ua_tax_number(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        // −1 is 10 modulo 11.
        let check = weigh(&d, &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10;
        !is_one_digit_repeated(&d) && d.last() == Some(&check)
    })
}

/// Russian INN: ten digits with one check digit, or twelve with two (FNS).
pub(super) fn is_ru_inn(value: &str) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let Some(all) = digits(value).filter(|d| !is_one_digit_repeated(d)) else { return false };
    let check = |len: usize| {
        let weights = WEIGHTS.get(WEIGHTS.len() - len..).unwrap_or_default();
        weigh(all.get(..len).unwrap_or_default(), weights) % 11 % 10
    };
    match all.len() {
        10 => all.last() == Some(&check(9)),
        12 => all.ends_with(&[check(10), check(11)]),
        _ => false,
    }
}

/// Russian SNILS: nine digits and their weighted sum modulo 101 (SFR).
pub(super) fn is_ru_snils(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let sum = weigh(&d, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
        !is_one_digit_repeated(d.get(..9).unwrap_or_default()) && number_at(&d, 9, 11) == sum
    })
}

/// Turkish identity number: two check digits over ten and eleven (NVİ).
pub(super) fn is_tr_identity_number(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let odd = weigh(&d, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
        let even = weigh(&d, &[0, 1, 0, 1, 0, 1, 0, 1]);
        let tenth = (odd * 7 + 90 - even) % 10;
        d.first() != Some(&0) && d.ends_with(&[tenth, (odd + even + tenth) % 10])
    })
}

/// Slovenian tax number: seven digits and a check digit modulo 11 (FURS).
pub(super) fn is_si_tax_number(value: &str) -> bool {
    exact_digits::<8>(value.trim_start_matches(['S', 'I', ' '])).is_some_and(|d| {
        let check = match 11 - weigh(&d, &[8, 7, 6, 5, 4, 3, 2]) % 11 {
            10 => Some(0),
            11 => None,
            digit => Some(digit),
        };
        d.last().copied() == check
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_pl_pesel, "44051401359", "44051401358"),
            (is_pl_nip, "856-734-62-15", "856-734-62-16"),
            (is_pl_identity_card, "ABA300000", "ABA300001"),
            (is_cz_birth_number, "710319/2745", "710319/2746"),
            (is_cz_checked_birth_number, "710319/2745", "531231/123"),
            (is_hu_taj, "111 111 110", "111 111 111"),
            (is_hu_tax_id, "8071592153", "8071592154"),
            (is_ro_cnp, "1630615123457", "1630615123458"),
            (is_bg_egn, "752316926 3", "752316926 4"),
            (is_hr_oib, "33392005961", "33392005962"),
            (is_jmbg, "0101006500006", "0101006500007"),
            (is_gr_amka, "01013099997", "01013099998"),
            (is_gr_afm, "094259216", "094259217"),
            (is_ua_tax_number, "1759013776", "1759013777"),
            (is_ru_inn, "500100732259", "500100732258"),
            (is_ru_inn, "7707083893", "7707083894"),
            (is_ru_snils, "112-233-445 95", "112-233-445 96"),
            (is_tr_identity_number, "17291716060", "17291716061"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
