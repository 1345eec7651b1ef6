//! National identifiers of the Americas outside the United States, each with its published check.

use super::scheme::{
    alphanumerics, digits, exact_digits, is_day, is_one_digit_repeated, number_at, passes_luhn, weigh,
};

/// Brazilian CPF: two check digits modulo 11 (Receita Federal).
pub(super) fn is_br_cpf(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let first = weigh(&d, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        let second = weigh(&d, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10;
        !is_one_digit_repeated(&d) && d.ends_with(&[first, second])
    })
}

/// Brazilian CNPJ: twelve digits or, since July 2026, letters, and two check digits modulo 11 (Receita Federal, IN 2.229/2024).
pub(super) fn is_br_cnpj(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 14) else { return false };
    // A letter counts as its ASCII code less that of `0`.
    let values: Vec<u32> = text.bytes().map(|b| u32::from(b - b'0')).collect();
    let check = |weights: &[u32]| match weigh(&values, weights) % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let first = check(&[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    let second = check(&[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]);
    !is_one_digit_repeated(&values) && values.ends_with(&[first, second])
}

/// Canadian SIN: Luhn; no number starts with 0 or 8 (ESDC).
pub(super) fn is_ca_sin(value: &str) -> bool {
    exact_digits::<9>(value)
        .is_some_and(|d| !matches!(d.first(), Some(0 | 8)) && !is_one_digit_repeated(&d) && passes_luhn(&d))
}

/// Mexican CURP: name, date, sex, state, consonants, and a check digit over a base of 37 (RENAPO).
pub(super) fn is_mx_curp(value: &str) -> bool {
    // The alphabet has Ñ after N, which no code holds; letters behind it count one more.
    let rank = |c: char| c.to_digit(36).map(|v| if c > 'N' { v + 1 } else { v });
    let text = value.to_ascii_uppercase();
    let is_shaped = text.len() == 18
        && text.chars().zip("LLLLNNNNNNSLLLLLXN".chars()).all(|(c, kind)| match kind {
            'L' => c.is_ascii_uppercase(),
            'N' => c.is_ascii_digit(),
            'S' => matches!(c, 'H' | 'M' | 'X'),
            _ => c.is_ascii_alphanumeric(),
        });
    let sum: u32 =
        text.chars().take(17).zip((2..=18).rev()).map(|(c, weight)| rank(c).unwrap_or(0) * weight).sum();
    is_shaped
        && has_date(&text, 4)
        && text.chars().last().and_then(|c| c.to_digit(10)) == Some((10 - sum % 10) % 10)
}

/// Mexican RFC: letters, date, and two characters and a check digit modulo 11 (SAT).
pub(super) fn is_mx_rfc(value: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";
    let Some(text) = alphanumerics(value).filter(|t| matches!(t.len(), 12 | 13)) else { return false };
    let letters = text.len() - 9;
    let is_shaped = text.char_indices().all(|(i, c)| match i {
        i if i < letters => c.is_ascii_uppercase(),
        i if i < letters + 6 => c.is_ascii_digit(),
        _ => true,
    });
    let rank =
        |c: char| ALPHABET.chars().position(|a| a == c).and_then(|at| u32::try_from(at).ok()).unwrap_or(0);
    let padded = format!("{:>13}", &*text);
    let sum: u32 = padded.chars().take(12).zip((2..=13).rev()).map(|(c, weight)| rank(c) * weight).sum();
    let check = char::from_digit((11 - sum % 11) % 11, 11).map(|c| c.to_ascii_uppercase());
    is_shaped && has_date(&text, letters) && text.chars().last() == check
}

/// Brazilian health card: fifteen digits, weighted sum modulo 11 (DATASUS).
pub(super) fn is_br_health_card(value: &str) -> bool {
    exact_digits::<15>(value).is_some_and(|d| {
        let sum: u32 = d.iter().zip((1..=15).rev()).map(|(digit, weight)| digit * weight).sum();
        !is_one_digit_repeated(&d) && sum.is_multiple_of(11)
    })
}

/// Whether `text` has YYMMDD at byte `at`.
fn has_date(text: &str, at: usize) -> bool {
    text.get(at..at + 6)
        .and_then(exact_digits::<6>)
        .is_some_and(|d| is_day(number_at(&d, 4, 6), number_at(&d, 2, 4)))
}

/// Argentine CUIT and CUIL: kind, number, check digit modulo 11 (AFIP).
pub(super) fn is_ar_cuit(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let check = match weigh(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            0 => 0,
            1 => 9,
            rest => 11 - rest,
        };
        matches!(number_at(&d, 0, 2), 20 | 23..=27 | 30 | 33 | 34) && d.last() == Some(&check)
    })
}

/// Chilean RUT: seven or eight digits, check digit modulo 11, K for ten (Registro Civil).
pub(super) fn is_cl_rut(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| matches!(t.len(), 8 | 9)) else { return false };
    let Some((body, check)) = text.split_at_checked(text.len() - 1) else { return false };
    let Some(all) = digits(body).filter(|d| d.len() == body.len() && !is_one_digit_repeated(d)) else {
        return false;
    };
    let sum: u32 = all.iter().rev().zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
    let expected = match 11 - sum % 11 {
        11 => Some('0'),
        10 => Some('K'),
        digit => char::from_digit(digit, 10),
    };
    all.first() != Some(&0) && check.chars().next() == expected
}

/// Colombian NIT: weighted sum modulo 11 (DIAN).
pub(super) fn is_co_nit(value: &str) -> bool {
    const WEIGHTS: [u32; 14] = [3, 7, 13, 17, 19, 23, 29, 37, 41, 43, 47, 53, 59, 67];
    let Some(all) = digits(value).filter(|d| (8..=11).contains(&d.len()) && !is_one_digit_repeated(d)) else {
        return false;
    };
    let Some((check, body)) = all.split_last() else { return false };
    let sum: u32 = body.iter().rev().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let expected = match sum % 11 {
        rest @ (0 | 1) => rest,
        rest => 11 - rest,
    };
    *check == expected
}

/// Guatemalan NIT: weighted sum modulo 11, K for ten (SAT).
pub(super) fn is_gt_nit(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| (5..=12).contains(&t.len())) else { return false };
    let Some((body, check)) = text.split_at_checked(text.len() - 1) else { return false };
    let Some(all) = digits(body).filter(|d| d.len() == body.len()) else { return false };
    let sum: u32 = all.iter().rev().zip(2..).map(|(digit, weight)| digit * weight).sum();
    let expected = match (11 - sum % 11) % 11 {
        10 => Some('K'),
        digit => char::from_digit(digit, 10),
    };
    check.chars().next() == expected
}

/// Uruguayan cédula: weighted sum modulo 10 (DNIC).
pub(super) fn is_uy_cedula(value: &str) -> bool {
    exact_digits::<8>(value).is_some_and(|d| {
        !is_one_digit_repeated(&d) && weigh(&d, &[2, 9, 8, 7, 6, 3, 4, 1]).is_multiple_of(10)
    })
}

/// Ecuadorian cédula: province, a third digit below six, Luhn (Registro Civil).
pub(super) fn is_ec_cedula(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        matches!(number_at(&d, 0, 2), 1..=24 | 30) && number_at(&d, 2, 3) < 6 && passes_luhn(&d)
    })
}

/// An Ecuadorian tax number of a person is the cédula and 001.
pub(super) fn is_ec_cedula_or_ruc(value: &str) -> bool {
    let Some(text) = alphanumerics(value) else { return false };
    is_ec_cedula(text.strip_suffix("001").filter(|cedula| cedula.len() == 10).unwrap_or(&text))
}

/// Peruvian RUC: kind of holder, check digit modulo 11 (SUNAT).
pub(super) fn is_pe_ruc(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| {
        let check = (11 - weigh(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 10;
        matches!(number_at(&d, 0, 2), 10 | 15..=17 | 20) && d.last() == Some(&check)
    })
}

/// Dominican cédula: eleven digits, Luhn (JCE).
pub(super) fn is_do_cedula(value: &str) -> bool {
    exact_digits::<11>(value).is_some_and(|d| !is_one_digit_repeated(&d) && passes_luhn(&d))
}

/// Venezuelan RIF: kind of holder, eight digits, check digit modulo 11 (SENIAT).
pub(super) fn is_ve_rif(value: &str) -> bool {
    let Some(text) = alphanumerics(value).filter(|t| t.len() == 10) else { return false };
    let kind = match text.chars().next() {
        Some('V') => 4,
        Some('E') => 8,
        Some('J' | 'C') => 12,
        Some('P') => 16,
        Some('G') => 20,
        _ => return false,
    };
    text.get(1..).and_then(exact_digits::<9>).is_some_and(|d| {
        let check = match 11 - (weigh(&d, &[3, 2, 7, 6, 5, 4, 3, 2]) + kind) % 11 {
            10 | 11 => 0,
            check => check,
        };
        d.last() == Some(&check)
    })
}

/// British Columbia's personal health number: 9, weighted sum modulo 11 (BC Ministry of Health).
pub(super) fn is_ca_bc_health_number(value: &str) -> bool {
    exact_digits::<10>(value).is_some_and(|d| {
        let check = (11 - weigh(d.get(1..).unwrap_or_default(), &[2, 4, 8, 5, 10, 9, 7, 3]) % 11) % 11;
        d.first() == Some(&9) && d.last() == Some(&check)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_examples_pass_and_a_changed_digit_fails() {
        let cases: &[(super::super::Check, &str, &str)] = &[
            (is_br_cpf, "529.982.247-25", "529.982.247-24"),
            (is_br_cnpj, "11.222.333/0001-81", "11.222.333/0001-82"),
            (is_br_cnpj, "12.ABC.345/01DE-35", "12.ABC.345/01DE-36"),
            (is_ca_sin, "130 692 544", "130 692 545"),
            (is_mx_curp, "BOXW310820HNERXN09", "BOXW310820HNERXN08"),
            (is_mx_rfc, "GODE561231GR8", "GODE561231GR9"),
            (is_ar_cuit, "20-05536168-2", "20-05536168-3"),
            (is_cl_rut, "12.531.909-2", "12.531.909-3"),
            (is_co_nit, "213.123.432-1", "213.123.432-2"),
            (is_gt_nit, "576937-K", "576937-1"),
            (is_uy_cedula, "1.234.567-2", "1.234.567-3"),
            (is_ec_cedula, "1714307103", "1714307104"),
            (is_pe_ruc, "20512333797", "20512333798"),
            (is_do_cedula, "00113918205", "00113918206"),
            (is_ve_rif, "V-11470283-4", "V-11470283-5"),
            (is_ca_bc_health_number, "9698 658 215", "9698 658 216"),
        ];
        for (check, good, bad) in cases {
            assert!(check(good), "{good}");
            assert!(!check(bad), "{bad}");
        }
    }
}
