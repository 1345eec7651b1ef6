//! Personal and health data with the digits that their registers demand.

use bench::Random;
use interven_types::DataClass;

use super::digits::{grouped, iban, luhn_number, weigh, with_luhn};
use super::{DIGITS, Kind, NOT_ZERO, UPPER, any, between, pick};

const fn kind(name: &'static str, sentence: &'static str, make: fn(&mut Random) -> String) -> Kind {
    Kind { name, class: DataClass::Pii, sentence, make }
}

pub(super) const KINDS: &[Kind] = &[
    kind("Visa card", "please charge card {} today", |r| luhn_number(r, "4", 16)),
    kind("Mastercard in groups", "please charge card {} today", |r| {
        grouped(&luhn_number(r, "52", 16), 4, " ")
    }),
    kind("American Express card", "amex card {} expires soon", |r| luhn_number(r, "37", 15)),
    kind("German IBAN", "transfer to {} please", |r| iban("DE", &any(r, DIGITS, 18))),
    kind("British IBAN", "transfer to {} please", |r| {
        iban("GB", &format!("{}{}", any(r, UPPER, 4), any(r, DIGITS, 14)))
    }),
    kind("French IBAN in groups", "IBAN {} of the tenant", |r| {
        grouped(&iban("FR", &any(r, DIGITS, 23)), 4, " ")
    }),
    kind("US Social Security number", "her SSN is {} by the way", |r| {
        let area = match between(r, 1, 899) {
            666 => 665,
            area => area,
        };
        format!("{area:03}-{:02}-{:04}", between(r, 1, 99), between(r, 1, 9999))
    }),
    kind("US taxpayer number (ITIN)", "ITIN {} on the form", |r| {
        format!("9{:02}-{}-{:04}", between(r, 0, 99), between(r, 70, 88), between(r, 0, 9999))
    }),
    kind("e-mail address", "write to {} instead", |r| {
        let (given, family) = (pick(r, GIVEN).to_lowercase(), pick(r, FAMILY).to_lowercase());
        format!(
            "{given}.{family}{}@{}.{}",
            between(r, 1, 99),
            pick(r, &["posteo", "mailbox", "fastline"]),
            pick(r, &["de", "com", "co.uk"])
        )
    }),
    kind("US phone number", "call me at {} tonight", |r| {
        format!(
            "+1 {}{:02}-{}{:02}-{:04}",
            between(r, 2, 9),
            between(r, 12, 89),
            between(r, 2, 9),
            between(r, 12, 89),
            between(r, 0, 9999)
        )
    }),
    kind("German phone number", "call me at {} tonight", |r| {
        format!("+49 30 {}", between(r, 2_000_000, 89_999_999))
    }),
    kind("British mobile number", "phone: {} at work", |r| {
        format!("+44 7{} {}", between(r, 400, 999), between(r, 100_000, 999_999))
    }),
    kind("IP address", "the client IP address {} signed in", |r| {
        format!(
            "{}.{}.{}.{}",
            pick(r, &["24", "73", "81", "93"]),
            between(r, 0, 255),
            between(r, 0, 255),
            between(r, 1, 254)
        )
    }),
    kind("British National Insurance number", "National Insurance number {} of the employee", |r| {
        format!(
            "{}{:06}{}",
            pick(r, &["AB", "CE", "JK", "LM", "PR", "WX"]),
            between(r, 0, 999_999),
            pick(r, &["A", "B", "C", "D"])
        )
    }),
    kind("Spanish identity number", "DNI {} del cliente", |r| {
        let number = between(r, 10_000_000, 99_999_999);
        let letter = "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(usize::try_from(number % 23).unwrap_or_default());
        format!("{number}{}", letter.unwrap_or_default())
    }),
    kind("Brazilian taxpayer number", "CPF {} do cliente", |r| {
        let digits = any(r, DIGITS, 9);
        let check = |sum: u64| (sum * 10 % 11) % 10;
        let first = check(weigh(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
        let second = check(weigh(&format!("{digits}{first}"), &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
        format!("{}-{first}{second}", grouped(&digits, 3, "."))
    }),
    kind("Polish identity number", "PESEL {} klienta", |r| {
        let digits = format!(
            "{:02}{:02}{:02}{}",
            between(r, 50, 99),
            between(r, 1, 12),
            between(r, 1, 28),
            any(r, DIGITS, 4)
        );
        let sum = weigh(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
        format!("{digits}{}", (10 - sum % 10) % 10)
    }),
    kind("Canadian insurance number", "social insurance number {} of the employee", |r| {
        let region = pick(r, &["1", "4", "7"]);
        grouped(&luhn_number(r, &region, 9), 3, " ")
    }),
    kind("passport number", "passport number {} of the traveller", |r| {
        format!("{}{}", pick(r, &["C", "X", "A"]), any(r, DIGITS, 8))
    }),
    kind("date of birth", "date of birth: {} of the guest", |r| {
        format!("{}-{:02}-{:02}", between(r, 1940, 2006), between(r, 1, 12), between(r, 1, 28))
    }),
    kind("name near a label", "Customer name: {}, ships tomorrow", |r| {
        format!("{} {}", pick(r, GIVEN), pick(r, FAMILY))
    }),
    kind("US postal address", "ship it to {} please", |r| {
        let street = pick(r, &["Maple Avenue", "Oak Street", "Park Lane", "Cedar Drive"]);
        let city = pick(r, &["Springfield, IL 62704", "Portland, OR 97205", "Austin, TX 78701"]);
        format!("{} {street}, {city}", between(r, 11, 9899))
    }),
];

const fn health(name: &'static str, sentence: &'static str, make: fn(&mut Random) -> String) -> Kind {
    Kind { name, class: DataClass::Phi, sentence, make }
}

pub(super) const HEALTH: &[Kind] = &[
    health("national provider (NPI)", "NPI {} of the physician", |r| {
        let digits = format!("1{}", any(r, DIGITS, 8));
        with_luhn("80840", &digits)
    }),
    health("DEA number", "DEA number {} of the prescriber", |r| {
        let digits = any(r, DIGITS, 6);
        let sum = weigh(&digits, &[1, 2, 1, 2, 1, 2]);
        format!("{}{}{digits}{}", pick(r, &["A", "B", "F", "M"]), any(r, UPPER, 1), sum % 10)
    }),
    health("Medicare beneficiary (MBI)", "Medicare number {} of the patient", |r| {
        // Letters without S, L, O, I, B and Z: https://www.cms.gov/medicare/new-medicare-card/understanding-the-mbi.pdf
        let letters = b"ACDEFGHJKMNPQRTUVWXY";
        let mixed = b"ACDEFGHJKMNPQRTUVWXY0123456789";
        let mut value = any(r, NOT_ZERO, 1);
        for alphabet in
            [letters, mixed.as_slice(), DIGITS, letters, mixed, DIGITS, letters, letters, DIGITS, DIGITS]
        {
            value.push_str(&any(r, alphabet, 1));
        }
        value
    }),
    health("medical record number", "MRN: {} was admitted", |r| any(r, DIGITS, 8)),
    health("ICD-10-CM code", "diagnosis code {} for the patient", |r| {
        pick(r, &["E11.9", "I10.0", "J45.909", "F32.1", "M54.50", "K21.9", "N18.30", "C50.911"])
    }),
    health("birth of a patient", "the patient, DOB {}, was discharged", |r| {
        format!("{:02}/{:02}/{}", between(r, 1, 12), between(r, 1, 28), between(r, 1930, 2015))
    }),
];

const GIVEN: &[&str] = &["Maria", "James", "Aisha", "Lukas", "Elena", "David", "Priya", "Thomas"];
const FAMILY: &[&str] = &["Gonzalez", "Miller", "Schneider", "Okafor", "Rossi", "Novak", "Sharma", "Bennett"];
