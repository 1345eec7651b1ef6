//! National identifiers of Australia, New Zealand and Africa, each with its published check.

use super::scheme::{
    alphanumerics, digits, exact_digits, is_day, is_one_digit_repeated, number_at, passes_luhn, weigh,
};

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

/// South African id: a date, citizenship digit, Luhn (Department of Home Affairs).
pub(super) fn is_za_id(value: &str) -> bool {
    exact_digits::<13>(value).is_some_and(|d| {
        let part = |from, to| number_at(&d, from, to);
        is_day(part(4, 6), part(2, 4)) && part(10, 11) <= 2 && passes_luhn(&d)
    })
}

/// Australian company number: weights 8 to 1, modulo 10 (ASIC).
pub(super) fn is_au_acn(value: &str) -> bool {
    exact_digits::<9>(value).is_some_and(|d| {
        let check = (10 - weigh(&d, &[8, 7, 6, 5, 4, 3, 2, 1]) % 10) % 10;
        !is_one_digit_repeated(&d) && d.last() == Some(&check)
    })
}

/// New Zealand IRD number: weighted sum modulo 11, with a second row of weights where the first gives ten (IR).
pub(super) fn is_nz_ird(value: &str) -> bool {
    let Some(all) = digits(value).filter(|d| matches!(d.len(), 8 | 9)) else { return false };
    let Some((check, body)) = all.split_last() else { return false };
    let body: Vec<u32> = if body.len() == 7 { [&[0], body].concat() } else { body.to_vec() };
    let by = |weights: &[u32]| (11 - weigh(&body, weights) % 11) % 11;
    let expected = match by(&[3, 2, 7, 6, 5, 4, 3, 2]) {
        10 => by(&[7, 4, 3, 2, 5, 2, 7, 6]),
        check => check,
    };
    let whole: u32 = number_at(&all, 0, all.len());
    (10_000_000..150_000_000).contains(&whole) && *check == expected
}

/// New Zealand NHI number: three letters without I and O, then four digits whose last checks the others modulo 11, or
/// two digits and two letters whose last checks modulo 23 (HISO 10046).
pub(super) fn is_nz_nhi(value: &str) -> bool {
    const LETTERS: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 7) else { return false };
    let rank = |c: char| match c.to_digit(10) {
        Some(digit) => Some(digit),
        None => LETTERS.find(c).and_then(|at| u32::try_from(at + 1).ok()),
    };
    let ranks: Vec<u32> = text.chars().filter_map(rank).collect();
    let sum = weigh(&ranks, &[7, 6, 5, 4, 3, 2]);
    let kinds: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { 'A' }).collect();
    ranks.len() == 7
        && match kinds.as_str() {
            "AAA9999" => !sum.is_multiple_of(11) && ranks.last() == Some(&((11 - sum % 11) % 10)),
            "AAA99AA" => ranks.last() == Some(&(24 - sum % 24)),
            _ => false,
        }
}

/// Kenyan PIN: kind of taxpayer, nine digits, a letter (KRA).
pub(super) fn is_ke_pin(value: &str) -> bool {
    alphanumerics(value).is_some_and(|text| {
        text.len() == 11
            && text.starts_with(['A', 'P'])
            && text.get(1..10).is_some_and(|body| body.bytes().all(|b| b.is_ascii_digit()))
            && text.ends_with(|c: char| c.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_au_tfn, "123 456 782", "123 456 783"),
            (is_au_medicare, "2123 45670 1", "2123 45671 1"),
            (is_au_abn, "51 824 753 556", "51 824 753 557"),
            (is_au_acn, "004 085 616", "004 085 617"),
            (is_nz_ird, "49-098-576", "49-098-577"),
            (is_nz_ird, "136410132", "136410133"),
            (is_nz_nhi, "JBX3656", "JBX3657"),
            (is_nz_nhi, "ZZZ00AX", "ZZZ00AY"),
            (is_ke_pin, "P051365947M", "Q051365947M"),
            (is_za_id, "8001015009087", "8001015009088"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
