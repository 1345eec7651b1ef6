//! Kinds of values with the shape and check digits that their issuers document, made fresh from a seed.

mod digits;
mod people;
mod secrets;

use bench::Random;
use interven_types::DataClass;

/// One kind of value. `sentence` says what stands round it; `{}` is its place.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) class: DataClass,
    pub(crate) sentence: &'static str,
    pub(crate) make: fn(&mut Random) -> String,
}

/// Every kind, by class.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    [secrets::KINDS, people::KINDS, people::HEALTH, INTERNAL].into_iter().flatten()
}

const INTERNAL: &[Kind] = &[
    Kind {
        name: "mark of a document",
        class: DataClass::Internal,
        sentence: "{} Roadmap for the next quarter",
        make: mark,
    },
    Kind {
        name: "request not to share",
        class: DataClass::Internal,
        sentence: "Draft of the plan, {}. Thanks!",
        make: request,
    },
];

fn mark(random: &mut Random) -> String {
    pick(
        random,
        &[
            "CONFIDENTIAL - INTERNAL ONLY",
            "[INTERNAL USE ONLY]",
            "Company Confidential:",
            "TLP:AMBER",
            "TLP:RED",
            "TLP:AMBER+STRICT",
            "STRICTLY CONFIDENTIAL",
            "Privileged and Confidential.",
            "ATTORNEY-CLIENT PRIVILEGED.",
            "NOT FOR DISTRIBUTION.",
            "Attorney Work Product.",
            "NDA REQUIRED.",
            "PROPRIETARY AND CONFIDENTIAL.",
        ],
    )
}

fn request(random: &mut Random) -> String {
    pick(
        random,
        &[
            "for internal use only",
            "please do not share",
            "not for distribution",
            "do not forward",
            "this document is confidential",
            "shared under NDA",
            "a trade secret",
            "under embargo",
            "strictly confidential",
            "proprietary and confidential",
        ],
    )
}

pub(crate) const DIGITS: &[u8] = b"0123456789";
pub(crate) const NOT_ZERO: &[u8] = b"123456789";
pub(crate) const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(crate) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
pub(crate) const HEX: &[u8] = b"0123456789abcdef";
pub(crate) const BASE_32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
pub(crate) const BASE_62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(crate) const BASE_64_URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// `count` characters of `alphabet`.
fn any(random: &mut Random, alphabet: &[u8], count: usize) -> String {
    (0..count).filter_map(|_| random.pick(alphabet).copied().map(char::from)).collect()
}

fn pick(random: &mut Random, words: &[&str]) -> String {
    random.pick(words).copied().unwrap_or_default().to_owned()
}

fn between(random: &mut Random, least: u64, most: u64) -> u64 {
    least + random.below(most - least + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_makes_different_values_and_the_same_again() {
        let values = |seed| {
            let mut random = Random::from_seed(seed);
            kinds()
                .map(|kind| (0..40).map(|_| (kind.make)(&mut random)).collect())
                .collect::<Vec<Vec<String>>>()
        };
        let all = values(1);
        assert_eq!(all, values(1));
        for (kind, values) in kinds().zip(&all) {
            let distinct: std::collections::BTreeSet<_> = values.iter().collect();
            assert!(distinct.len() > 4, "{} repeats itself", kind.name);
            assert!(kind.sentence.contains("{}"), "{} has no place", kind.name);
        }
    }
}
