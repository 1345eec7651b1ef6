//! Identifiers of the United States.

use super::scheme::{exact_digits, is_one_digit_repeated, number, number_at, weigh};

/// Social Security number: issued areas, groups and serials (SSA, "Meaning of the Social Security Number").
/// Numbers advertised on wallets and forms were never issued to anyone.
pub(super) fn is_ssn(value: &str) -> bool {
    const ADVERTISED: [u64; 2] = [78_051_120, 219_099_999];
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let all = number(&digits);
    let (area, group, serial) = (all / 1_000_000, all / 10_000 % 100, all % 10_000);
    let is_issued = !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0;
    is_issued && has_one_separator(value) && !ADVERTISED.contains(&all) && !is_one_digit_repeated(&digits)
}

/// Individual Taxpayer Identification Number: area 9xx, groups 50–65, 70–88, 90–92, 94–99 (IRS Publication 4757).
pub(super) fn is_itin(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let all = number(&digits);
    all / 100_000_000 == 9 && matches!(all / 10_000 % 100, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Employer identification number: a prefix of a campus or of the Internet (IRS, "How EINs are assigned").
pub(super) fn is_ein(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let is_campus = !matches!(number_at(&digits, 0, 2), 0 | 7..=9 | 17..=19 | 28 | 29 | 49 | 69 | 70 | 78 | 79 | 89 | 96 | 97);
    is_campus && !is_one_digit_repeated(digits.get(2..).unwrap_or_default())
}

/// ABA routing number: Federal Reserve prefix, weights 3-7-1 (ABA Routing Number Policy).
pub(super) fn is_aba_routing(value: &str) -> bool {
    let Some(digits) = exact_digits::<9>(value) else { return false };
    let prefix = number(digits.get(..2).unwrap_or_default());
    let is_district = matches!(prefix, 1..=12 | 21..=32 | 61..=72 | 80);
    is_district && weigh(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Whether all separators are the same character.
fn has_one_separator(value: &str) -> bool {
    let mut separators = value.chars().filter(|c| !c.is_ascii_digit());
    let Some(first) = separators.next() else { return true };
    separators.all(|c| c == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_their_ranges() {
        for ssn in ["536-90-4399", "536 90 4399", "536904399"] {
            assert!(is_ssn(ssn), "{ssn}");
        }
        for other in [
            "000-12-3456",
            "666-12-3456",
            "912-12-3456",
            "536-00-4399",
            "536-90-0000",
            "078-05-1120",
            "536-90.4399",
        ] {
            assert!(!is_ssn(other), "{other}");
        }
        assert!(is_itin("911-70-1234") && !is_itin("911-89-1234") && !is_itin("811-70-1234"));
        assert!(is_ein("12-3456789") && !is_ein("07-1144442") && !is_ein("12-0000000"));
        assert!(is_aba_routing("121000358") && is_aba_routing("3222-7162-7"));
        assert!(!is_aba_routing("421042111") && !is_aba_routing("123400000"));
    }
}
