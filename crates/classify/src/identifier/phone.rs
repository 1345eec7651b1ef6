//! Telephone numbers by numbering plan (ITU-T E.164 and the national plans).

use super::scheme::{digits, is_one_digit_repeated, number};
use std::ops::RangeInclusive;

/// A country code, how many digits follow it, and which digits they may start with.
struct Plan {
    code: &'static str,
    lengths: RangeInclusive<usize>,
    first: &'static str,
}

const fn plan(code: &'static str, lengths: RangeInclusive<usize>, first: &'static str) -> Plan {
    Plan { code, lengths, first }
}

/// National significant numbers (ITU Operational Bulletin, national numbering plans).
const PLANS: &[Plan] = &[
    plan("1", 10..=10, "23456789"),
    plan("20", 8..=10, "123456789"),
    plan("27", 9..=9, "12345678"),
    plan("30", 10..=10, "26789"),
    plan("31", 9..=9, "12345678"),
    plan("32", 8..=9, "123456789"),
    plan("33", 9..=9, "12345679"),
    plan("34", 9..=9, "6789"),
    plan("36", 8..=9, "123456789"),
    plan("39", 6..=11, "03"),
    plan("40", 9..=9, "2367"),
    plan("41", 9..=9, "23456789"),
    plan("420", 9..=9, "234567"),
    plan("421", 9..=9, "2345679"),
    plan("43", 7..=13, "123456789"),
    plan("44", 9..=10, "1237"),
    plan("45", 8..=8, "23456789"),
    plan("46", 7..=10, "123456789"),
    plan("47", 8..=8, "23456789"),
    plan("48", 9..=9, "123456789"),
    plan("49", 7..=12, "123456789"),
    plan("351", 9..=9, "239"),
    plan("352", 6..=9, "23456789"),
    plan("353", 7..=9, "1245678"),
    plan("354", 7..=7, "45678"),
    plan("355", 8..=9, "24568"),
    plan("358", 6..=11, "123456789"),
    plan("359", 8..=9, "23456789"),
    plan("370", 8..=8, "34567"),
    plan("371", 8..=8, "26"),
    plan("372", 7..=8, "34567"),
    plan("380", 9..=9, "34569"),
    plan("381", 8..=9, "123456"),
    plan("385", 8..=9, "1234579"),
    plan("386", 8..=8, "1234567"),
    plan("387", 8..=9, "356"),
    plan("51", 8..=9, "14567890"),
    plan("52", 10..=10, "2345678"),
    plan("54", 10..=11, "123679"),
    plan("55", 10..=11, "123456789"),
    plan("56", 9..=9, "2345679"),
    plan("57", 10..=10, "36"),
    plan("58", 10..=10, "24"),
    plan("60", 8..=10, "13456789"),
    plan("61", 9..=9, "23478"),
    plan("62", 8..=12, "2345678"),
    plan("63", 9..=10, "2345679"),
    plan("64", 8..=10, "234679"),
    plan("65", 8..=8, "3689"),
    plan("66", 8..=9, "234567896"),
    plan("7", 10..=10, "3456789"),
    plan("81", 9..=10, "123456789"),
    plan("82", 8..=10, "1234567"),
    plan("84", 9..=10, "235789"),
    plan("86", 10..=11, "123456789"),
    plan("852", 8..=8, "235679"),
    plan("886", 8..=9, "2345678 9"),
    plan("90", 10..=10, "2345"),
    plan("91", 10..=10, "123456789"),
    plan("92", 9..=10, "23456789"),
    plan("94", 9..=9, "123456789"),
    plan("966", 8..=9, "15"),
    plan("971", 8..=9, "2345679"),
    plan("972", 8..=9, "234578 9"),
    plan("212", 9..=9, "5678"),
    plan("213", 8..=9, "234567"),
    plan("216", 8..=8, "234579"),
    plan("234", 8..=10, "123456789"),
    plan("254", 9..=9, "1247"),
    plan("233", 9..=9, "235"),
    plan("880", 8..=10, "123456789"),
    plan("977", 8..=10, "19"),
];

/// `+` and a number of a known plan. A trunk zero in parentheses, `+44 (0)20 …`, is left out.
pub(super) fn is_international(value: &str) -> bool {
    let value = value.replacen("(0)", "", 1);
    let Some(digits) = digits(&value).filter(|d| (8..=15).contains(&d.len())) else { return false };
    let text: String = digits.iter().filter_map(|d| char::from_digit(*d, 10)).collect();
    PLANS.iter().any(|plan| {
        text.strip_prefix(plan.code).is_some_and(|national| {
            let is_shaped = plan.lengths.contains(&national.len())
                && national.starts_with(|first: char| plan.first.contains(first));
            let is_own = plan.code != "1" || is_nanp(digits.get(1..).unwrap_or_default());
            is_shaped && is_own && !is_one_digit_repeated(&digits)
        })
    })
}

/// A number of the North American Numbering Plan, with or without its leading 1.
pub(super) fn is_north_american(value: &str) -> bool {
    let Some(digits) = digits(value) else { return false };
    match digits.as_slice() {
        [1, national @ ..] if national.len() == 10 => is_nanp(national),
        national => national.len() == 10 && is_nanp(national),
    }
}

/// Area code NXX without N11 and N9X, exchange NXX without N11 (NANPA, "Numbering resources").
fn is_nanp(digits: &[u32]) -> bool {
    let [a, b, c, d, e, f, ..] = digits else { return false };
    *a >= 2
        && *d >= 2
        && *b != 9
        && (*b, *c) != (1, 1)
        && (*e, *f) != (1, 1)
        && !is_one_digit_repeated(digits)
}

/// A national form of one of the larger plans; these need a label, being plain digits.
pub(super) fn is_national(value: &str) -> bool {
    /// First digits and lengths, trunk prefix included.
    const FORMS: &[(&str, RangeInclusive<usize>)] = &[
        ("01", 10..=11),
        ("02", 9..=11),
        ("03", 9..=12),
        ("04", 9..=11),
        ("05", 9..=11),
        ("06", 9..=12),
        ("07", 9..=11),
        ("08", 9..=11),
        ("09", 9..=11), // trunk 0: DE, FR, GB, IT, NL, AU, JP, IL, CH, AT, SE, BE
        ("13", 11..=11),
        ("14", 11..=11),
        ("15", 11..=11),
        ("16", 11..=11),
        ("17", 11..=11),
        ("18", 11..=11),
        ("19", 11..=11), // mobiles of CN
        ("6", 9..=10),
        ("7", 9..=10),
        ("8", 9..=10),
        ("9", 9..=11),
        ("5", 9..=9),
        ("4", 9..=9), // ES, PL, IN, BR
    ];
    let Some(all) = digits(value).filter(|d| !is_one_digit_repeated(d)) else { return false };
    if is_north_american(value) || (value.trim_start().starts_with('+') && is_international(value)) {
        return true;
    }
    let text: String = all.iter().filter_map(|d| char::from_digit(*d, 10)).collect();
    let is_counting = number(&all) == 123_456_789 || number(&all) == 1_234_567_890;
    !is_counting
        && FORMS.iter().any(|(first, lengths)| text.starts_with(first) && lengths.contains(&text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_their_plans() {
        for phone in [
            "+1 415 555 0132",
            "+44 (0)20 7123 4567",
            "+49 30 1234567",
            "+33 1 42 68 53 00",
            "+55 11 98456 5666",
            "+91 4155 550132",
            "+39 06 678 4343",
        ] {
            assert!(is_international(phone), "{phone}");
        }
        for other in ["+1 115 555 0132", "+999 12345678", "+33 1 42", "+49", "+1111111111"] {
            assert!(!is_international(other), "{other}");
        }
        assert!(is_north_american("(415) 555-0132") && is_north_american("1-415-555-0132"));
        assert!(!is_north_american("911-555-0132") && !is_north_american("415-155-0132"));
        for phone in ["09-7625400", "090-1234-5678", "13812345678", "030 1234567", "612345678"] {
            assert!(is_national(phone), "{phone}");
        }
        assert!(!is_national("1234567890") && !is_national("12345"));
    }
}
