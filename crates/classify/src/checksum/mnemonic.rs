//! Seed phrases of wallets: 12 to 24 words of a fixed list that end in a checksum.
//! Source: <https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>.

use sha2::{Digest, Sha256};

/// The English list of BIP-39: 2,048 words, sorted, one a line.
const WORDS: &str = include_str!("../../data/bip39-english.txt");
const LENGTHS: [usize; 5] = [24, 21, 18, 15, 12];
pub(crate) const FEWEST_WORDS: usize = 12;
const MAX_WORDS: usize = 256;
/// Bytes of entropy of the longest phrase.
const MAX_ENTROPY: usize = 32;

/// Whether some run of words in `text` is a valid phrase. Numbers and punctuation between the words do not matter.
pub(super) fn has_seed_phrase(text: &str) -> bool {
    has_phrase_that(text, has_valid_checksum)
}

/// A phrase that no word names: one chance list of words in sixteen has a valid checksum, but lists that are no phrase,
/// such as the properties of a style sheet, repeat their words.
pub(super) fn has_varied_seed_phrase(text: &str) -> bool {
    has_phrase_that(text, |phrase| count_distinct(phrase) * 2 > phrase.len() && has_valid_checksum(phrase))
}

fn has_phrase_that(text: &str, is_valid: impl Fn(&[u16]) -> bool) -> bool {
    let indices = indices_of(text);
    indices.split(Option::is_none).any(|run| {
        let run: Vec<u16> = run.iter().copied().flatten().collect();
        LENGTHS.iter().any(|length| run.windows(*length).any(&is_valid))
    })
}

fn count_distinct(phrase: &[u16]) -> usize {
    let is_first = |(at, word): &(usize, &u16)| !phrase.iter().take(*at).any(|earlier| earlier == *word);
    phrase.iter().enumerate().filter(is_first).count()
}

/// Whether a word that published test phrases repeat stands twelve times in a row: the first and the last of the list, and
/// that of SLIP 14. Prose and lists of samples repeat others.
/// Source: <https://github.com/satoshilabs/slips/blob/master/slip-0014.md>.
pub(super) fn repeats_one_word(text: &str) -> bool {
    let repeated = ["abandon", "all", "zoo"].map(|word| index_of(word.as_bytes()));
    let indices = indices_of(text);
    indices
        .chunk_by(|a, b| a == b)
        .any(|run| run.len() >= FEWEST_WORDS && run.first().is_some_and(|word| repeated.contains(word)))
}

/// Each word's place in the list; `None` for other words.
fn indices_of(text: &str) -> Vec<Option<u16>> {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .take(MAX_WORDS)
        .map(|word| index_of(word.as_bytes()))
        .collect()
}

/// Slots of the table: four for each word, so that a search ends at once.
const SLOTS: usize = 1 << 13;

/// The list as a table: packed words with their places, each at its hash or in the next free slot.
fn table() -> &'static [(u64, u16)] {
    static TABLE: std::sync::OnceLock<Vec<(u64, u16)>> = std::sync::OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = vec![(0, 0); SLOTS];
        for (index, word) in (0..).zip(WORDS.lines()) {
            let packed = pack(word.as_bytes());
            let free = slots_of(packed).find(|slot| table.get(*slot).is_some_and(|(word, _)| *word == 0));
            if let Some(entry) = free.and_then(|slot| table.get_mut(slot)) {
                *entry = (packed, index);
            }
        }
        table
    })
}

/// The place of a word, in any case, in the list.
fn index_of(word: &[u8]) -> Option<u16> {
    if !(3..=8).contains(&word.len()) {
        return None;
    }
    let packed = pack(word);
    let mut entries = slots_of(packed).filter_map(|slot| table().get(slot));
    let (found, index) = entries.find(|(word, _)| *word == packed || *word == 0)?;
    (*found == packed).then_some(*index)
}

/// Up to eight letters, in lower case, as a number.
fn pack(word: &[u8]) -> u64 {
    word.iter().fold(0, |packed, byte| packed << 8 | u64::from(byte | 0x20))
}

fn slots_of(packed: u64) -> impl Iterator<Item = usize> {
    // Fibonacci hashing: the upper bits of a product with 2^64 over the golden ratio.
    let hash = packed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.trailing_zeros());
    let first = usize::try_from(hash).unwrap_or_default();
    (0..SLOTS).map(move |step| (first + step) % SLOTS)
}

/// Whether a word, in any case, is one of the list.
pub(crate) fn is_seed_word(word: &[u8]) -> bool {
    index_of(word).is_some()
}

/// Each word gives 11 bits: entropy, then one checksum bit per 32 of entropy, the first bits of its SHA-256.
fn has_valid_checksum(indices: &[u16]) -> bool {
    let checksum_bits = indices.len() * 11 / 33;
    let mut entropy = [0_u8; MAX_ENTROPY + 1];
    let mut bytes = entropy.iter_mut();
    let (mut buffer, mut bits) = (0_u32, 0);
    for index in indices {
        buffer = buffer << 11 | u32::from(*index);
        bits += 11;
        while bits >= 8 {
            bits -= 8;
            if let Some(byte) = bytes.next() {
                *byte = u8::try_from(buffer >> bits & 0xFF).unwrap_or_default();
            }
        }
    }
    // At most 8 bits of checksum: 24 words carry 256 bits of entropy, and the checksum is their whole last byte.
    let sum = buffer & ((1 << checksum_bits) - 1);
    let Some(entropy) = entropy.get(..checksum_bits * 4) else { return false };
    let hash = Sha256::digest(entropy).first().copied().unwrap_or_default();
    u32::from(hash) >> (8 - checksum_bits) == sum
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
