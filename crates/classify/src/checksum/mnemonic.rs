//! Seed phrases of wallets: 12 to 24 words of a fixed list that end in a checksum.
//! Source: <https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>.

use sha2::{Digest, Sha256};

/// The English list of BIP-39: 2,048 words, sorted, one a line.
const WORDS: &str = include_str!("../../data/bip39-english.txt");
const LENGTHS: [usize; 5] = [24, 21, 18, 15, 12];
const MAX_WORDS: usize = 256;

/// Whether some run of words in `text` is a valid phrase. Numbers and punctuation between the words do not matter.
pub(super) fn has_seed_phrase(text: &str) -> bool {
    let indices: Vec<Option<u16>> = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(|word| index_of(&word.to_ascii_lowercase()))
        .collect();
    LENGTHS.iter().any(|length| {
        indices.windows(*length).any(|run| {
            run.iter().copied().collect::<Option<Vec<u16>>>().is_some_and(|run| has_valid_checksum(&run))
        })
    })
}

fn index_of(word: &str) -> Option<u16> {
    static LIST: std::sync::OnceLock<Vec<&str>> = std::sync::OnceLock::new();
    let list = LIST.get_or_init(|| WORDS.lines().collect());
    list.binary_search(&word).ok().and_then(|index| u16::try_from(index).ok())
}

/// Each word gives 11 bits: entropy, then one checksum bit per 32 of entropy, the first bits of its SHA-256.
fn has_valid_checksum(indices: &[u16]) -> bool {
    let bits: Vec<bool> =
        indices.iter().flat_map(|index| (0..11).rev().map(move |bit| (index >> bit) & 1 == 1)).collect();
    let Some((entropy, sum)) = bits.split_at_checked(bits.len() / 33 * 32) else { return false };
    let bytes: Vec<u8> = entropy
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |value, bit| (value << 1) | u8::from(*bit)))
        .collect();
    // At most 8 bits of checksum: 24 words carry 256 bits of entropy.
    let hash = Sha256::digest(&bytes).first().copied().unwrap_or_default();
    sum.iter().enumerate().all(|(at, bit)| ((hash >> (7 - at)) & 1 == 1) == *bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_standard_one() {
        assert_eq!(WORDS.lines().count(), 2048);
        assert!(WORDS.lines().is_sorted());
        let hash: String = Sha256::digest(WORDS.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hash, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda");
    }

    #[test]
    fn phrases_of_the_standard_pass_however_they_are_written() {
        let zeros = "abandon ".repeat(11) + "about";
        let long = "zoo ".repeat(23) + "vote";
        let mixed = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        let numbered: String = mixed
            .split(' ')
            .enumerate()
            .map(|(at, word)| format!("{}. {}\n", at + 1, word.to_uppercase()))
            .collect();
        for phrase in [zeros.as_str(), long.as_str(), mixed, &numbered, &format!("it is {mixed} and more")] {
            assert!(has_seed_phrase(phrase), "{phrase}");
        }
    }

    #[test]
    fn prose_and_phrases_without_their_checksum_fail() {
        let wrong = "abandon ".repeat(12);
        let prose =
            "the quick brown fox jumps over the lazy dog while seven wizards watch from afar in silence";
        for text in [wrong.as_str(), prose, "abandon about"] {
            assert!(!has_seed_phrase(text), "{text}");
        }
    }
}
