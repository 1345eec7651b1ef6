//! National identifiers of the Nordic and Baltic countries, each with its published check.

use super::scheme::{digits, exact_digits, is_day, number_at, passes_luhn, weigh};

/// Swedish personnummer and samordningsnummer: a date (day + 60 for the latter), Luhn over ten digits (Skatteverket).
pub(super) fn is_se_personnummer(value: &str) -> bool {
    let Some(digits) = digits(value).filter(|d| matches!(d.len(), 10 | 12)) else { return false };
    let Some(ten) = digits.get(digits.len() - 10..) else { return false };
    let part = |from, to| number_at(ten, from, to);
    let day = part(4, 6);
    is_day(if day > 60 { day - 60 } else { day }, part(2, 4)) && passes_luhn(ten)
}

/// Norwegian fødselsnummer: a date (day + 40 for a D-number) and two check digits modulo 11 (Skatteetaten).
pub(super) fn is_no_national_id(value: &str) -> bool {
    let Some(digits) = exact_digits::<11>(value) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    let day = part(0, 2);
    is_day(if day > 40 { day - 40 } else { day }, part(2, 4))
        && weigh(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weigh(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Danish CPR: a date and a serial; numbers issued since 2007 carry no check digit (CPR-kontoret).
pub(super) fn is_dk_cpr(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let part = |from, to| number_at(&digits, from, to);
    // The seventh digit tells the century; years that end in 00 are leap years in 2000 alone.
    let (year, seventh) = (part(4, 6), part(6, 7));
    let is_in_two_thousands = matches!((seventh, year), (4 | 9, 0..=36) | (5..=8, 0..=57));
    let is_leap = year.is_multiple_of(4) && (year != 0 || is_in_two_thousands);
    is_day(part(0, 2), part(2, 4)) && (part(0, 4) != 2902 || is_leap) && part(6, 10) != 0
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

/// Icelandic kennitala: a date (day + 40 for organisations), check digit modulo 11, century (Þjóðskrá).
pub(super) fn is_is_kennitala(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        is_day(number_at(&d, 0, 2) % 40, number_at(&d, 2, 4))
            && weigh(&d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
            && matches!(d.last(), Some(0 | 8 | 9))
    })
}

/// Estonian isikukood and Lithuanian asmens kodas: sex and century, date, serial, check digit modulo 11 with a second
/// row of weights (RIK; Registrų centras).
pub(super) fn is_baltic_personal_code(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let first = weigh(&d, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
        let second = weigh(&d, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11 % 10;
        let check = if first == 10 { second } else { first };
        matches!(d.first(), Some(1..=8))
            && is_day(number_at(&d, 5, 7), number_at(&d, 3, 5))
            && d.last() == Some(&check)
    })
}

/// Latvian personas kods: a date and a check digit, or, since July 2017, 32 and ten digits that say nothing (PMLP).
pub(super) fn is_lv_personal_code(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let check = (1101 - weigh(&d, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2])) % 11;
        number_at(&d, 0, 2) == 32
            || (is_day(number_at(&d, 0, 2), number_at(&d, 2, 4))
                && number_at(&d, 6, 7) <= 2
                && d.last() == Some(&check))
    })
}

/// A Latvian code of the older kind, with its date and check digit.
pub(super) fn is_lv_dated_code(value: &str) -> bool {
    !value.starts_with("32") && is_lv_personal_code(value)
}

/// A Danish CPR of those that carry the check digit, modulo 11.
pub(super) fn is_dk_checked_cpr(value: &str) -> bool {
    is_dk_cpr(value)
        && exact_digits::<10>(value)
            .is_some_and(|d| weigh(&d, &[4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_se_personnummer, "811228-9874", "811228-9873"),
            (is_fi_hetu, "131052-308T", "131052-308U"),
            (is_dk_cpr, "070761-4285", "320761-4285"),
            (is_dk_checked_cpr, "070761-4285", "070761-4286"),
            (is_no_national_id, "15076500565", "15076500564"),
            (is_is_kennitala, "120174-3399", "120174-3389"),
            (is_baltic_personal_code, "36805280109", "36805280108"),
            (is_lv_personal_code, "161175-19997", "161175-19998"),
            (is_lv_dated_code, "161175-19997", "320010-10002"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
