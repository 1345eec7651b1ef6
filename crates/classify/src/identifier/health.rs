//! Identifiers and codes of health care in the United States.

use super::scheme::{alphanumerics, exact_digits, is_one_digit_repeated, passes_luhn, weigh};

/// National Provider Identifier: ten digits, the first 1 or 2, Luhn after the prefix 80840 (45 CFR 162.406; CMS).
pub(super) fn is_npi(value: &str) -> bool {
    let Some(digits) = exact_digits::<10>(value) else { return false };
    let mut prefixed = vec![8, 0, 8, 4, 0];
    prefixed.extend(digits);
    matches!(digits.first(), Some(1 | 2))
        && !is_one_digit_repeated(digits.get(..9).unwrap_or_default())
        && passes_luhn(&prefixed)
}

/// DEA registration number: registrant letter, letter or 9, six digits, check digit (21 CFR 1301; DEA Diversion Control).
pub(super) fn is_dea_number(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    let Some(text) = alphanumerics(&upper) else { return false };
    let Some((letters, number)) = text.split_at_checked(2) else { return false };
    let Some([a, b, c, d, e, f, check]) = exact_digits::<7>(number) else { return false };
    let is_registrant = letters.starts_with(|l: char| "ABCDEFGHJKLMPRSTUX".contains(l));
    let has_name = letters.ends_with(|l: char| l.is_ascii_uppercase() || l == '9');
    number.len() == 7 && is_registrant && has_name && (a + c + e + 2 * (b + d + f)) % 10 == check
}

/// German physician number: six digits, their check digit modulo 10, and two of the specialty (KBV, "Arztnummern").
pub(super) fn is_de_physician_number(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| {
        let sum = weigh(&d, &[4, 9, 4, 9, 4, 9]);
        !is_one_digit_repeated(&d) && d.get(6) == Some(&((10 - sum % 10) % 10))
    })
}

/// German health insurance number: a letter, which counts as its place in the alphabet with two digits, eight digits, and
/// their check digit: every second digit doubled, digit sums, modulo 10 (GKV, "Prüfzifferberechnung").
pub(super) fn is_de_health_insurance_number(value: &str) -> bool {
    let Some(text) = alphanumerics(value) else { return false };
    let Some((letter, number)) = text.split_at_checked(1) else { return false };
    let Some(rank) = letter.chars().next().and_then(|c| c.to_digit(36)).filter(|r| *r >= 10) else {
        return false;
    };
    let Some(digits) = exact_digits::<9>(number) else { return false };
    let place = rank - 9;
    let all = [place / 10, place % 10].into_iter().chain(digits.into_iter().take(8));
    let sum: u32 = all
        .zip([1, 2].into_iter().cycle())
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    !is_one_digit_repeated(&digits) && digits.last() == Some(&(sum % 10))
}

/// Medicare Beneficiary Identifier: eleven positions, each with its alphabet; no S, L, O, I, B, Z (CMS, "MBI format").
pub(super) fn is_mbi(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 11) else { return false };
    let is_letter = |c: char| c.is_ascii_uppercase() && !"SLOIBZ".contains(c);
    let is_digit = |c: char| c.is_ascii_digit();
    text.chars().zip("CAXNAXNAANN".chars()).all(|(c, kind)| match kind {
        'C' => matches!(c, '1'..='9'),
        'A' => is_letter(c),
        'N' => is_digit(c),
        _ => is_letter(c) || is_digit(c),
    })
}

/// ICD-10-CM code: a chapter letter, digit, alphanumeric, then up to four more after the point (CDC/NCHS guidelines).
pub(super) fn is_icd10(value: &str) -> bool {
    let (category, rest) = value.split_once('.').unwrap_or((value, ""));
    let mut chars = category.chars();
    let is_category = matches!(
        (chars.next(), chars.next(), chars.next(), chars.next()),
        (Some('A'..='T' | 'V'..='Z' | 'U'), Some('0'..='9'), Some('0'..='9' | 'A' | 'B'), None)
    );
    is_category && rest.len() <= 4 && rest.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
}

/// An ICD-10-CM code that may lack its point, as claims have it.
pub(super) fn is_compact_icd10(value: &str) -> bool {
    match value.split_at_checked(3) {
        Some((category, rest)) if !rest.is_empty() => {
            is_icd10(&format!("{category}.{}", rest.trim_start_matches('.')))
        }
        _ => is_icd10(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_their_grammar() {
        for npi in ["1234567893", "1245319599", "1003000126", "1234-567-893"] {
            assert!(is_npi(npi), "{npi}");
        }
        for other in ["1234567890", "3234567893", "1111111112", "123456789"] {
            assert!(!is_npi(other), "{other}");
        }
        assert!(is_dea_number("AB1234563") && !is_dea_number("AB1234564") && !is_dea_number("WB1234563"));
        assert!(is_mbi("1EG4-TE5-MK73") && is_mbi("1eg4te5mk73"));
        for other in ["1SG4-TE5-MK73", "1EG4-LE5-MK73", "AEG4-TE5-MK73", "12G4-TE5-MK73", "1EG4TE5MK7"] {
            assert!(!is_mbi(other), "{other}");
        }
        assert!(is_compact_icd10("I10") && is_compact_icd10("E119") && !is_compact_icd10("E1"));
        assert!(is_icd10("E11.9") && is_icd10("S72.001A") && !is_icd10("1E1.9") && !is_icd10("E1"));
    }
}
