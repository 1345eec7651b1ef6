//! Telephone numbers by numbering plan (ITU-T E.164 and the national plans).

use super::{
    plans::PLANS,
    scheme::{digits, is_one_digit_repeated, number},
};

/// The value without its extension: `x123`, `ext. 123`, `#123`.
fn without_extension(value: &str) -> &str {
    value.find(['x', 'X', 'e', 'E', '#']).and_then(|at| value.get(..at)).unwrap_or(value)
}

/// `+` or `00` and a number of a known plan. A trunk zero in parentheses, `+44 (0)20 …`, is left out.
pub(super) fn is_international(value: &str) -> bool {
    let value = without_extension(value);
    is_of_a_plan(value) || is_of_a_plan(&value.replacen("(0", "(", 1))
}

fn is_of_a_plan(value: &str) -> bool {
    let Some(digits) = digits(value) else { return false };
    let digits = match &*digits {
        [0, 0, rest @ ..] if !value.contains('+') => rest,
        all => all,
    };
    if !(7..=15).contains(&digits.len()) || is_one_digit_repeated(digits) {
        return false;
    }
    let text: String = digits.iter().filter_map(|d| char::from_digit(*d, 10)).collect();
    let plan = PLANS.iter().find_map(|plan| text.strip_prefix(plan.code).map(|national| (plan, national)));
    plan.is_some_and(|(plan, national)| {
        let is_own = plan.code != "1" || is_nanp(digits.get(1..).unwrap_or_default());
        is_own
            && plan.lengths.contains(&national.len())
            && national.starts_with(|first: char| plan.first.contains(first))
    })
}

/// A number of the North American Numbering Plan, with or without its leading 1.
pub(super) fn is_north_american(value: &str) -> bool {
    let value = without_extension(value);
    let Some(digits) = digits(value) else { return false };
    // `252.227-7013` is a clause of a regulation.
    if value.contains('.') && value.contains('-') {
        return false;
    }
    match &*digits {
        [1, national @ ..] if national.len() == 10 => is_nanp(national),
        national => national.len() == 10 && is_nanp(national),
    }
}

/// Area code NXX without N11 and N9X, exchange NXX without N11 (NANPA, "Numbering resources"). Nobody has the area 555:
/// it stands in for a real one in forms and films, with any exchange.
fn is_nanp(digits: &[u32]) -> bool {
    let [a, b, c, d, e, f, ..] = digits else { return false };
    if digits.starts_with(&[5, 5, 5]) {
        return !is_one_digit_repeated(digits);
    }
    *a >= 2
        && *d >= 2
        && *b != 9
        && (*b, *c) != (1, 1)
        && (*e, *f) != (1, 1)
        && !is_one_digit_repeated(digits)
}

/// A number that is written so that hardly anything but a telephone number is: pairs after a French zero, Brazilian area
/// codes in brackets, the mobile prefixes of Korea, Japan, Australia and the United Kingdom in their usual groups.
pub(super) fn is_grouped(value: &str) -> bool {
    digits(value).is_some_and(|d| !is_one_digit_repeated(d.get(2..).unwrap_or_default()))
}

/// A number as people of some country write it at home. Only a label tells these from other numbers.
pub(super) fn is_national(value: &str) -> bool {
    let value = without_extension(value);
    let Some(all) = digits(value).filter(|d| (7..=15).contains(&d.len()) && !is_one_digit_repeated(d)) else {
        return false;
    };
    // A date, a sum, a counted-up example.
    let is_counting =
        all.first() != Some(&0) && matches!(number(&all), 12_345_678 | 1_234_567_890 | 987_654_321);
    if is_counting || is_date_or_sum(value) {
        return false;
    }
    if value.contains('+') || all.starts_with(&[0, 0]) {
        return is_international(value);
    }
    let groups: Vec<usize> =
        value.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|len| *len > 0).collect();
    match (&*all, groups.as_slice()) {
        // The groups of North America follow its rules; Italian mobiles are written like that as well.
        ([1 | 2 | 4..=9, ..], [3, 3, 4]) if value.contains(['-', '.', '(']) => is_north_american(value),
        ([1, ..], [1, 3, 3, 4]) => is_north_american(value),
        // A trunk prefix, then the shortest and longest national numbers there are.
        ([0, ..], _) => (7..=13).contains(&all.len()),
        // China's mobiles, Russia's trunk 8, North America with its 1.
        ([1, 3..=9, ..], _) if all.len() == 11 => true,
        ([1, ..], _) => matches!(all.len(), 8 | 9) || (all.len() == 11 && is_north_american(value)),
        ([2..=9, ..], [3, 4]) => true,
        // Without a trunk prefix; eleven digits and more begin with a country code.
        ([2..=9, ..], [_]) => (7..=11).contains(&all.len()) || is_international(value),
        ([2..=9, ..], _) => (6..=11).contains(&all.len()) || is_international(value),
        _ => false,
    }
}

/// Whether a value with separators reads as a date, with or without the hour, or an amount: `2024-05-20 15`,
/// `20.05.2024`, `1234.56`.
fn is_date_or_sum(value: &str) -> bool {
    let day = value.split_once(' ').filter(|(_, hour)| hour.len() <= 2).map_or(value, |(day, _)| day);
    let groups: Vec<&str> = day.split(['-', '.', '/']).collect();
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    let is_year = |text: &str| text.starts_with("19") || text.starts_with("20");
    match (lengths.as_slice(), groups.as_slice()) {
        ([4, 2, 2], [year, ..]) | ([2, 2, 4], [.., year]) => is_year(year),
        ([4, 4], [from, to]) if is_year(from) && is_year(to) => true,
        ([_, _], _) => value.contains('.'),
        _ => false,
    }
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
        assert!(is_north_american("555-123-4567"));
        assert!(is_north_american("(415) 555-0132") && is_north_american("1-415-555-0132"));
        assert!(!is_north_american("911-555-0132") && !is_north_american("415-155-0132"));
        for phone in [
            "09-7625400",
            "090-1234-5678",
            "13812345678",
            "030 1234567",
            "612345678",
            "555-0132",
            "971.640.4419x8421",
            "0043 1 2345678",
            "347 123 4567",
        ] {
            assert!(is_national(phone), "{phone}");
        }
        for other in [
            "1234567890",
            "12345",
            "911-555-0132",
            "2024-05-20",
            "2024-05-20 15",
            "1999-2003",
            "12345.67",
            "0099 999 999",
        ] {
            assert!(!is_national(other), "{other}");
        }
    }
}
