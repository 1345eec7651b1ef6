//! What two texts have in common, told without either: keyed marks of their passages and of the values found in them.
//!
//! A text is read as its letters and digits alone, in lower case. Of the shingles (stretches of [`SHINGLE`] of those) the
//! one with the least secret hash in each window is kept ("winnowing", Schleimer, Wilkerson and Aiken, SIGMOD 2003), so
//! that a passage of 35 letters and digits that stands in both texts is always marked in both. A mark is a keyed hash: without
//! the key of the server nobody can tell whether a guessed text is behind it.

use interven_types::TenantId;
use interven_vault::keyed_hash;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

/// Letters and digits of a shingle.
const SHINGLE: usize = 20;
/// Shingles of which one is kept.
const WINDOW: usize = 16;
/// Most marks of passages, and of values. Of a longer text the marks with the least hashes stay, which are the same ones in
/// every text that holds the passage.
const MOST: usize = 1024;
/// Shortest value that is marked: fewer letters and digits stand in too many texts.
const SHORTEST_VALUE: usize = 6;

/// The secret behind one tenant's marks.
pub struct FingerprintKey {
    key: [u8; 32],
    multiplier: u64,
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

impl FingerprintKey {
    /// Derived from a key of the server; marks of different tenants never meet.
    pub fn derive(key: &[u8; 32], tenant: TenantId) -> Self {
        let key = keyed_hash(key, "content fingerprint", &[tenant.0.as_bytes()]);
        let [a, b, c, d, e, f, g, h, ..] = keyed_hash(&key, "rolling hash", &[]);
        // Odd, so that multiplying loses nothing.
        Self { key, multiplier: u64::from_be_bytes([a, b, c, d, e, f, g, h]) | 1 }
    }

    fn mark(&self, kind: &str, text: &[u8]) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = keyed_hash(&self.key, kind, &[text]);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// The marks of one content, and nothing of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Rising, without repetition.
    values: Vec<u64>,
    /// Rising, without repetition.
    passages: Vec<u64>,
    /// Greatest secret hash of a shingle that could leave a mark.
    ceiling: u64,
}

/// How much of one content stands in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Overlap {
    /// Values found in both.
    pub values: usize,
    /// Marked passages of the one that are marked in the other as well.
    pub passages: usize,
    /// `passages` as a share of the marks that could be shared, 0–1.
    pub share: f64,
}

impl Fingerprint {
    /// Marks `texts` (strings as sent and as decoded) and the sensitive `values` that were found in them.
    pub fn of<'a>(
        key: &FingerprintKey,
        texts: impl IntoIterator<Item = &'a str>,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut kept = BTreeMap::<u64, u64>::new();
        for text in texts {
            let letters = simplify(text);
            for (hash, shingle) in winnow(&letters, key.multiplier) {
                if kept.len() >= MOST && kept.last_key_value().is_none_or(|(greatest, _)| hash >= *greatest) {
                    continue;
                }
                kept.entry(hash).or_insert_with(|| key.mark("passage", shingle));
                if kept.len() > MOST {
                    kept.pop_last();
                }
            }
        }
        let is_full = kept.len() == MOST;
        let ceiling = kept.last_key_value().filter(|_| is_full).map_or(u64::MAX, |(greatest, _)| *greatest);
        let mut passages: Vec<u64> = kept.into_values().collect();
        let letters = values.into_iter().map(simplify).filter(|value| value.len() >= SHORTEST_VALUE);
        let mut values: Vec<u64> = letters.map(|value| key.mark("value", &value)).collect();
        for marks in [&mut passages, &mut values] {
            marks.sort_unstable();
            marks.dedup();
        }
        values.truncate(MOST);
        Self { values, passages, ceiling }
    }

    /// What of `self` stands in `other`, both of one tenant.
    pub fn overlap(&self, other: &Self) -> Overlap {
        let shared = |a: &[u64], b: &[u64]| a.iter().filter(|mark| b.binary_search(mark).is_ok()).count();
        let passages = shared(&self.passages, &other.passages);
        // The fuller text kept a smaller part of its marks: only as many of the other's can meet them.
        let ceiling = self.ceiling.min(other.ceiling);
        let kept = ceiling as f64 / self.ceiling as f64;
        let comparable = (self.passages.len() as f64 * kept).max(1.0);
        Overlap {
            values: shared(&self.values, &other.values),
            passages,
            share: (passages as f64 / comparable).min(1.0),
        }
    }

    /// Big-endian: ceiling, number of values, values, passages.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = self.values.len() as u64;
        [self.ceiling, count]
            .iter()
            .chain(&self.values)
            .chain(&self.passages)
            .flat_map(|number| number.to_be_bytes())
            .collect()
    }

    /// Reads what [`Self::to_bytes`] wrote; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|number| u64::from_be_bytes(*number));
        let (ceiling, count) = (numbers.next()?, usize::try_from(numbers.next()?).ok()?);
        let marks: Vec<u64> = numbers.collect();
        let (values, passages) = marks.split_at_checked(count)?;
        let rises = |marks: &[u64]| marks.is_sorted_by(|a, b| a < b);
        (rest.is_empty() && rises(values) && rises(passages)).then(|| Self {
            values: values.to_vec(),
            passages: passages.to_vec(),
            ceiling,
        })
    }
}

/// Letters and digits in lower case, so that layout, quotes and escapes make no difference.
fn simplify(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            if c.is_ascii_alphanumeric() {
                out.push(c.to_ascii_lowercase() as u8);
            }
        } else if c.is_alphanumeric() {
            let mut utf8 = [0; 4];
            for lower in c.to_lowercase() {
                out.extend_from_slice(lower.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
    out
}

/// The shingle with the least hash of every window, each once.
fn winnow(letters: &[u8], multiplier: u64) -> impl Iterator<Item = (u64, &[u8])> {
    let leading = (1..SHINGLE).fold(1_u64, |power, _| power.wrapping_mul(multiplier));
    let add = move |hash: u64, byte: u8| hash.wrapping_mul(multiplier).wrapping_add(u64::from(byte) + 1);
    let mut hash = letters.iter().take(SHINGLE - 1).fold(0, |hash, byte| add(hash, *byte));
    // Candidates of the window with rising hashes: the first is the least.
    let mut window = VecDeque::<(usize, u64)>::with_capacity(WINDOW);
    let count = (letters.len() + 1).saturating_sub(SHINGLE);
    let mut last = None;
    letters.windows(SHINGLE).enumerate().filter_map(move |(at, shingle)| {
        let (first, newest) = (*shingle.first()?, *shingle.last()?);
        hash = add(hash, newest);
        let mixed = mix(hash);
        hash = hash.wrapping_sub((u64::from(first) + 1).wrapping_mul(leading));
        while window.back().is_some_and(|(_, other)| *other >= mixed) {
            window.pop_back();
        }
        window.push_back((at, mixed));
        if window.front().is_some_and(|(start, _)| start + WINDOW <= at) {
            window.pop_front();
        }
        let is_whole = at + 1 >= WINDOW.min(count);
        let (start, least) = *window.front().filter(|_| is_whole)?;
        (last.replace(start) != Some(start))
            .then(|| letters.get(start..start + SHINGLE).map(|shingle| (least, shingle)))?
    })
}

/// Spreads a polynomial hash over all bits (the finalizer of `SplitMix64`, Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn key(tenant: u128) -> FingerprintKey {
        FingerprintKey::derive(&[7; 32], TenantId(Uuid::from_u128(tenant)))
    }

    fn marks(text: &str) -> Fingerprint {
        Fingerprint::of(&key(1), [text], [])
    }

    /// Text in which no stretch of a shingle's length repeats.
    fn report(seed: u32, words: usize) -> String {
        let mut state = seed;
        let mut word = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("{:x}", state >> 4)
        };
        (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_copied_passage_is_seen_whatever_its_layout() {
        let read = report(1, 400);
        let passage = read.get(700..800).unwrap();
        let written = format!("FYI:\n> {}\nbye", passage.to_uppercase().replace(' ', "\n> "));
        let overlap = marks(&written).overlap(&marks(&read));
        assert!(overlap.passages >= 2 && overlap.share > 0.6, "{overlap:?}");
        assert_eq!(marks(&report(2, 400)).overlap(&marks(&read)).passages, 0);
    }

    #[test]
    fn a_passage_of_a_very_long_text_is_seen_by_a_sample() {
        let read = report(3, 60_000);
        let whole = marks(&read);
        assert!(whole.to_bytes().len() <= 8 * (MOST + 2));
        let half = marks(read.get(..read.len() / 2).unwrap()).overlap(&whole);
        assert!(half.share > 0.9, "{half:?}");
        let tenth = marks(read.get(100_000..150_000).unwrap()).overlap(&whole);
        assert!(tenth.passages > 20 && tenth.share > 0.6, "{tenth:?}");
        assert_eq!(marks(&report(4, 60_000)).overlap(&whole).passages, 0);
    }

    #[test]
    fn values_meet_in_any_writing_and_never_across_tenants() {
        let read = Fingerprint::of(&key(1), [], ["536-90-4399", "jane.doe@example.org", "x"]);
        let written = Fingerprint::of(&key(1), [], ["536904399"]);
        assert_eq!(written.overlap(&read).values, 1);
        assert_eq!(read.values.len(), 2, "too short a value is no mark");
        let foreign = Fingerprint::of(&key(2), ["some longer text that both of them have"], ["536904399"]);
        let own = Fingerprint::of(&key(1), ["some longer text that both of them have"], ["536904399"]);
        assert_eq!(foreign.overlap(&own), Overlap { values: 0, passages: 0, share: 0.0 });
    }

    #[test]
    fn nothing_but_whole_marks_is_read_back() {
        let all = Fingerprint::of(&key(1), [report(5, 50).as_str()], ["536904399"]);
        let bytes = all.to_bytes();
        assert_eq!(Fingerprint::from_bytes(&bytes), Some(all));
        for broken in
            [&bytes[..bytes.len() - 1], &bytes[..8], &[], &[255; 16], &[&bytes[..], &[0; 8]].concat()]
        {
            assert_eq!(Fingerprint::from_bytes(broken), None);
        }
    }

    proptest! {
        #[test]
        fn every_passage_long_enough_is_marked_in_both(
            before in "[a-z ]{0,300}", passage in "[a-z0-9]{35,80}", after in "[a-z ]{0,300}",
        ) {
            let whole = marks(&format!("{before}{passage}{after}"));
            prop_assert!(marks(&passage).overlap(&whole).passages >= 1);
        }

        #[test]
        fn any_text_and_any_bytes_are_safe(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let marks = marks(&text);
            prop_assert_eq!(Fingerprint::from_bytes(&marks.to_bytes()), Some(marks));
            let _ = Fingerprint::from_bytes(&bytes);
        }
    }
}
