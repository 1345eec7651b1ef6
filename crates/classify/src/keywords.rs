//! One pass that finds every keyword, whatever its ASCII case.
//!
//! Each keyword is known by its rarest three bytes, folded to five bits each. A bitmap of 4 KiB tells for every
//! position whether such a trigram ends there; only then, and if the bytes on both sides of it fit too, are the keywords
//! behind it compared. Unlike an automaton, no step waits for the memory of the one before, and nothing has to be built
//! but the table.

use std::ops::Range;

/// Fewest bytes of a keyword.
pub(crate) const SHORTEST: usize = 3;
const CLASS_BITS: u32 = 5;
const CLASSES_LEN: usize = 1 << CLASS_BITS;
const CODES: usize = 1 << (3 * CLASS_BITS);
const MASK: usize = CODES - 1;
/// No bucket.
const NONE: u16 = u16::MAX;

/// Letters from rare to common in English, for choosing a keyword's trigram.
const BY_RARITY: &[u8; 26] = b"zqxjkvbpygfwmucldrhsnioate";

const DIGIT: u8 = 26;
const JOINER: u8 = 27;
const POINT: u8 = 28;
const SPACE: u8 = 29;
/// Apart from other punctuation, so that `://` is not every end of a JSON string.
const COLON_OR_SLASH: u8 = 30;
const OTHER: u8 = 31;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time over the table's own length")]
        {
            table[byte] = match b {
                b'a'..=b'z' => b - b'a',
                b'A'..=b'Z' => b - b'A',
                b'0'..=b'9' => DIGIT,
                b'_' | b'-' => JOINER,
                b'.' => POINT,
                b' ' => SPACE,
                b':' | b'/' => COLON_OR_SLASH,
                // With letters that are as rare: `<<<` is not every end of a string, an object and a line.
                b'<' | b'>' => b'q' - b'a',
                b'(' | b')' => b'z' - b'a',
                b'{' | b'}' => b'x' - b'a',
                b'$' | b'%' => b'j' - b'a',
                // Spread over the classes: keywords of other scripts would all be one trigram, compared at every byte of
                // such text (10 KB of Japanese prose took 4.3 ms).
                0x80.. => b & (CLASSES_LEN as u8 - 1),
                _ => OTHER,
            };
        }
        byte += 1;
    }
    table
}

fn class_of(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// How often a class occurs, on no particular scale.
fn commonness(class: u8) -> usize {
    match class {
        DIGIT => 22,
        JOINER => 10,
        POINT => 16,
        SPACE => 26,
        COLON_OR_SLASH => 20,
        OTHER => 24,
        letter => BY_RARITY.iter().position(|b| b - b'a' == letter).unwrap_or_default(),
    }
}

/// A keyword of one bucket, and where in it the bucket's trigram ends.
#[derive(Clone, Copy, Debug)]
struct Entry {
    keyword: usize,
    trigram_end: usize,
    head: Chunk,
}

/// Up to eight bytes of a keyword, and the bits of them that count: of a letter all but its case.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    bytes: u64,
    mask: u64,
}

impl Chunk {
    const LEN: usize = 8;

    fn new(word: &[u8]) -> Self {
        /// The bit that tells a small letter of ASCII from a capital.
        const CASE: u8 = 0x20;
        let bits = |byte: &u8| if byte.is_ascii_alphabetic() { !CASE } else { u8::MAX };
        let mut mask = [0; Self::LEN];
        mask.iter_mut().zip(word).for_each(|(mask, byte)| *mask = bits(byte));
        Self { bytes: Self::read(word, 0), mask: u64::from_le_bytes(mask) }
    }

    /// The bytes at `start`; zeros behind the end.
    fn read(bytes: &[u8], start: usize) -> u64 {
        let rest = bytes.get(start..).unwrap_or_default();
        u64::from_le_bytes(rest.first_chunk().copied().unwrap_or_else(|| {
            let mut padded = [0; Self::LEN];
            padded.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            padded
        }))
    }

    fn is_at(self, bytes: &[u8], start: usize) -> bool {
        (Self::read(bytes, start) ^ self.bytes) & self.mask == 0
    }
}

/// A keyword, but for its head.
struct Word {
    len: usize,
    tail: Vec<Chunk>,
}

/// The keywords that share a trigram.
#[derive(Debug, Default)]
struct Bucket {
    entries: Vec<Entry>,
    /// A bit per class that may stand right before the trigram, and right after it.
    before: u32,
    after: u32,
}

/// The index of a list of keywords.
pub(crate) struct Keywords {
    /// Bit per trigram code.
    bitmap: Box<[u64; CODES / 64]>,
    /// Bucket per trigram code, looked at only where the bit is set.
    buckets_of: Vec<u16>,
    buckets: Vec<Bucket>,
    words: Vec<Word>,
}

impl std::fmt::Debug for Keywords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keywords", self.words.len())
    }
}

impl Keywords {
    /// Indexes `words`, lower case and [`SHORTEST`] bytes at least; shorter ones are never found.
    pub(crate) fn new(words: impl IntoIterator<Item = String>) -> Self {
        let mut index = Self {
            bitmap: Box::new([0; CODES / 64]),
            buckets_of: vec![NONE; CODES],
            buckets: Vec::new(),
            words: Vec::new(),
        };
        for (keyword, word) in words.into_iter().enumerate() {
            let tail = word.as_bytes().chunks(Chunk::LEN).skip(1).map(Chunk::new).collect();
            index.words.push(Word { len: word.len(), tail });
            let trigrams = word.as_bytes().windows(SHORTEST).enumerate().map(|(at, trigram)| {
                let code = trigram.iter().fold(0, |code, byte| push(code, *byte)) & MASK;
                let cost: usize = trigram.iter().map(|b| commonness(class_of(*b))).sum();
                // `umb` is rare, but in every `number`: what many keywords share is as good as common.
                (cost + index.bucket_len(code), at, code)
            });
            let Some((_, at, code)) = trigrams.min() else { continue };
            let class_bits = |at: Option<usize>| match at.and_then(|at| word.as_bytes().get(at)) {
                Some(byte) => 1 << class_of(*byte),
                None => u32::MAX,
            };
            let Some(slot) = index.buckets_of.get_mut(code) else { continue };
            if *slot == NONE {
                // There are fewer codes than 2^16.
                *slot = u16::try_from(index.buckets.len()).unwrap_or(NONE);
                index.buckets.push(Bucket::default());
            }
            if let Some(bucket) = index.buckets.get_mut(usize::from(*slot)) {
                bucket.entries.push(Entry {
                    keyword,
                    trigram_end: at + SHORTEST,
                    head: Chunk::new(word.as_bytes()),
                });
                bucket.before |= class_bits(at.checked_sub(1));
                bucket.after |= class_bits(Some(at + SHORTEST));
            }
            if let Some(bits) = index.bitmap.get_mut(code / 64) {
                *bits |= 1 << (code % 64);
            }
        }
        index
    }

    fn bucket_len(&self, code: usize) -> usize {
        let slot = self.buckets_of.get(code).copied().unwrap_or(NONE);
        self.buckets.get(usize::from(slot)).map_or(0, |bucket| bucket.entries.len())
    }

    /// Calls `report` with every occurrence: the keyword's place in the list, and its bytes. Occurrences come nearly in
    /// order: by their trigrams, so that no two are swapped that lie further apart than a keyword is long. One that begins
    /// inside of the last, as `aaa` at every letter of a row, is the same occurrence.
    pub(crate) fn find_all(&self, text: &str, mut report: impl FnMut(usize, Range<usize>)) {
        let bytes = text.as_bytes();
        let mut code = 0;
        let mut latest = (usize::MAX, 0);
        for (at, byte) in bytes.iter().enumerate() {
            code = push(code, *byte);
            let trigram = code & MASK;
            let bits = self.bitmap.get(trigram / 64).copied().unwrap_or_default();
            if bits >> (trigram % 64) & 1 == 1 {
                self.compare(bytes, at + 1, code, &mut latest, &mut report);
            }
        }
    }

    fn compare(
        &self,
        bytes: &[u8],
        trigram_end: usize,
        code: usize,
        latest: &mut (usize, usize),
        report: &mut impl FnMut(usize, Range<usize>),
    ) {
        let slot = self.buckets_of.get(code & MASK).copied().unwrap_or(NONE);
        let Some(bucket) = self.buckets.get(usize::from(slot)) else { return };
        let before = code >> (3 * CLASS_BITS) & (CLASSES_LEN - 1);
        let after = class_of(bytes.get(trigram_end).copied().unwrap_or_default());
        if bucket.before >> before & bucket.after >> after & 1 == 0 {
            return;
        }
        for entry in &bucket.entries {
            let Some(start) = trigram_end.checked_sub(entry.trigram_end) else { continue };
            let is_same = || entry.keyword == latest.0 && start < latest.1;
            if !entry.head.is_at(bytes, start) || is_same() {
                continue;
            }
            let Some(word) = self.words.get(entry.keyword) else { continue };
            let is_all = || {
                let places = (start + Chunk::LEN..).step_by(Chunk::LEN);
                word.tail.iter().zip(places).all(|(chunk, at)| chunk.is_at(bytes, at))
            };
            if start + word.len <= bytes.len() && is_all() {
                *latest = (entry.keyword, start + word.len);
                report(entry.keyword, start..start + word.len);
            }
        }
    }
}

/// The classes of the last bytes, after one more; the lowest bits are the last byte's.
#[inline]
fn push(code: usize, byte: u8) -> usize {
    code << CLASS_BITS | usize::from(class_of(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_occurrence_is_found_whatever_its_case_and_neighbours() {
        let words = ["password", "pass", "://", "sk-", "sk_", "ghp_", "móvil", "0q~"];
        let index = Keywords::new(words.map(str::to_owned));
        let find = |text: &str| {
            let mut found = Vec::new();
            index
                .find_all(text, |word, range| found.push((words[word], text.get(range).unwrap().to_owned())));
            found.sort();
            found
        };
        let expected = |list: &[(&'static str, &str)]| {
            list.iter().map(|(word, text)| (*word, (*text).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(find("x PassWord:"), expected(&[("pass", "Pass"), ("password", "PassWord")]));
        assert_eq!(find("a://b ghp_sk-"), expected(&[("://", "://"), ("ghp_", "ghp_"), ("sk-", "sk-")]));
        assert_eq!(find("móvil 0Q~ 1q~"), expected(&[("0q~", "0Q~"), ("móvil", "móvil")]));
        assert_eq!(find("pas sword s k- gh p_"), []);
        assert_eq!(find(""), []);
        assert_eq!(find("pass").len(), 1);
    }
}
