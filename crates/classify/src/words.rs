//! Words near a match, placeholders, and entropy: what raises or lowers a confidence.

use aho_corasick::{AhoCorasick, MatchKind};
use std::{
    ops::Range,
    sync::{LazyLock, OnceLock},
};

/// How far from a match a word still counts, in bytes; text with a label is nearly always ASCII.
pub(crate) const NEAR: usize = 200;

/// Words to look for near matches, whatever their case; indexed on first use.
#[derive(Debug)]
pub(crate) struct Words {
    list: Vec<String>,
    index: OnceLock<Option<AhoCorasick>>,
}

impl Words {
    /// `None` where there is nothing to look for.
    pub(crate) fn new(list: &[String]) -> Option<Self> {
        (!list.is_empty()).then(|| Self::of(list))
    }

    pub(crate) fn of(list: &[impl ToString]) -> Self {
        Self { list: list.iter().map(ToString::to_string).collect(), index: OnceLock::new() }
    }

    /// Whether one of the words stands in `text`, as a word or inside of one.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.find_in(text, 0).is_some()
    }

    /// The first of the words at `from` in `text`, or after it.
    pub(crate) fn find_in(&self, text: &str, from: usize) -> Option<Range<usize>> {
        self.find(aho_corasick::Input::new(text).span(from..text.len()))
    }

    fn find(&self, input: aho_corasick::Input<'_>) -> Option<Range<usize>> {
        let index = self.index.get_or_init(|| {
            // Only more than 2^31 states are refused; the words of a detector are a few.
            let mut builder = AhoCorasick::builder();
            builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(&self.list).ok()
        });
        index.as_ref()?.find(input).map(|found| found.range())
    }
}

/// Looks for words near matches that come in rising order. Each byte is searched at most once per word list.
pub(crate) struct WordCursor<'m, 't> {
    words: &'m Words,
    text: &'t str,
    latest: Option<usize>,
    searched_to: usize,
}

impl<'m, 't> WordCursor<'m, 't> {
    pub(crate) fn new(words: &'m Words, text: &'t str) -> Self {
        Self { words, text, latest: None, searched_to: 0 }
    }

    /// Whether one of the words stands within [`NEAR`] of `span`. Spans must come in rising order of their start.
    pub(crate) fn is_near(&mut self, span: &Range<usize>) -> bool {
        let from = span.start.saturating_sub(NEAR);
        let to = (span.end + NEAR).min(self.text.len());
        while self.latest.is_none_or(|at| at < from) {
            let start = self.searched_to.max(from);
            if start >= to {
                return false;
            }
            let input = aho_corasick::Input::new(self.text).span(start..to);
            let Some(found) = self.words.find(input) else {
                // A word that straddles the edge may still be found by a later window.
                self.searched_to = to.saturating_sub(32).max(start);
                return false;
            };
            self.searched_to = found.start + 1;
            if is_word_at(self.text, found.clone()) {
                self.latest = Some(found.start);
            }
        }
        self.latest.is_some_and(|at| at < to)
    }
}

/// Whether the letters of `range` are a word of their own: `ssn` in `user_ssn` and `userSsn`, not in `lessn`.
pub(crate) fn is_word_at(text: &str, range: Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let at = |index: usize| bytes.get(index).copied().unwrap_or(b' ');
    let before = range.start.checked_sub(1).map_or(b' ', at);
    let (first, last, after) = (at(range.start), at(range.end.saturating_sub(1)), at(range.end));
    let starts = !before.is_ascii_alphabetic()
        || !first.is_ascii_alphabetic()
        || (before.is_ascii_lowercase() && first.is_ascii_uppercase());
    let ends = !after.is_ascii_alphabetic()
        || !last.is_ascii_alphabetic()
        || (last.is_ascii_lowercase() && after.is_ascii_uppercase())
        // Plurals: `passports`.
        || (after.eq_ignore_ascii_case(&b's') && !at(range.end + 1).is_ascii_alphabetic());
    starts && ends
}

/// Substrings (lower case) that say a value is an example and no secret.
const PLACEHOLDER_PARTS: &[&str] = &[
    "example",
    "xxxx",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "your_",
    "your-",
    "yourpass",
    "yourtoken",
    "yourkey",
    "yoursecret",
    "yourapi",
    "insert_",
    "insert-",
    "dummy",
    "redacted",
    "replace_me",
    "replace-me",
    "replaceme",
    "replace_with",
    "replace-with",
    "replace with",
    "notreal",
    "not_real",
    "not-real",
    "fake_",
    "fake-",
    "lorem",
    "todo",
    "fixme",
    "00000000",
    "*****",
    "......",
    "deadbeefdeadbeef",
];

/// Openings of references to a value that stands elsewhere.
const REFERENCE_OPENINGS: &[&str] =
    &["${", "$(", "{{", "<%", "%(", "#{", "<your", "process.env", "os.environ", "env."];

/// Whether a secret's value is a placeholder, a reference, or an advertised example.
pub(crate) fn is_placeholder(value: &str) -> bool {
    static PARTS: LazyLock<Words> = LazyLock::new(|| Words::of(PLACEHOLDER_PARTS));
    const LONGEST: usize = 512;
    let head = value.as_bytes().get(..LONGEST).unwrap_or(value.as_bytes());
    let opens_with = |opening: &&str| {
        head.get(..opening.len()).is_some_and(|start| start.eq_ignore_ascii_case(opening.as_bytes()))
    };
    PARTS.find(aho_corasick::Input::new(head)).is_some()
        || REFERENCE_OPENINGS.iter().any(opens_with)
        || (head.starts_with(b"<") && head.ends_with(b">"))
        // Documentation cuts values short.
        || head.ends_with(b"...")
        || head.ends_with("…".as_bytes())
        || is_monotonous(head)
}

/// Whether the last 12 characters are the same, as in `ghp_aaaaaaaaaaaa`.
fn is_monotonous(value: &[u8]) -> bool {
    let mut tail = value.iter().map(u8::to_ascii_lowercase).rev().take(12);
    let Some(last) = tail.next() else { return true };
    value.len() >= 12 && tail.all(|b| b == last)
}

/// Bytes whose entropy is measured.
const MEASURED: usize = 512;

/// Shannon entropy in bits per byte of the first [`MEASURED`] bytes.
pub(crate) fn measure_entropy(value: &str) -> f64 {
    /// By how often a byte occurred before, what one more occurrence adds to the sum of n·log2 n.
    static STEPS: LazyLock<[f64; MEASURED]> = LazyLock::new(|| {
        let weigh = |count: usize| count as f64 * (count.max(1) as f64).log2();
        std::array::from_fn(|count| weigh(count + 1) - weigh(count))
    });
    /// So that eight bytes, three times each, measure three bits and not a hair less.
    const ROUNDING: f64 = 1e-9;
    let steps = &*STEPS;
    let mut counts = [0_u16; 256];
    let mut sum = 0.0;
    for byte in value.bytes().take(MEASURED) {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            sum += steps.get(usize::from(*count)).copied().unwrap_or_default();
            *count += 1;
        }
    }
    let total = value.len().clamp(1, MEASURED) as f64;
    (total.log2() - sum / total + ROUNDING).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_also_inside_names() {
        let is_word = |text: &str, word: &str| {
            let start = text.to_lowercase().find(word).unwrap();
            is_word_at(text, start..start + word.len())
        };
        for (text, word) in [
            ("user_ssn", "ssn"),
            ("userSsn", "ssn"),
            ("SSN:", "ssn"),
            ("dob=", "dob"),
            ("passports", "passport"),
        ] {
            assert!(is_word(text, word), "{text}");
        }
        for (text, word) in [("adobe", "dob"), ("running", "nin"), ("cabarets", "aba")] {
            assert!(!is_word(text, word), "{text}");
        }
    }

    #[test]
    fn words_count_on_both_sides_and_only_near() {
        let words = Words::new(&["ssn".to_owned()]).unwrap();
        let text = format!("123 SSN{}456{}ssn 789", " ".repeat(300), " ".repeat(300));
        let mut cursor = WordCursor::new(&words, &text);
        let spans = [0..3, 307..310, text.len() - 3..text.len()];
        assert_eq!(spans.map(|s| cursor.is_near(&s)), [true, false, true]);
    }

    #[test]
    fn examples_and_references_are_placeholders() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "${DB_PASSWORD}",
            "changeme",
            "<token>",
            "ghp_xxxxxxxxxxxxxxxx",
            "aaaaaaaaaaaaaaa",
            "eyJ2IjoiMSIsInMiOjEsImMiOi...",
            "sk-proj-4f8a…",
            "replace-with-a-long-one",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in ["AKIA2E0A8F3B244C9986", "hunter2", "p@ss<w0rd"] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn entropy_is_in_bits() {
        for (text, bits) in [("aaaa", 0.0), ("abcd", 2.0), ("abcdefghabcdefghabcdefgh", 3.0)] {
            let measured = measure_entropy(text);
            assert!((bits..bits + 1e-6).contains(&measured), "{text}: {measured}");
        }
    }
}
