//! Where detectors without keywords need to look: cheap passes over the bytes, most of them many bytes at a time.

use crate::{
    checksum::mnemonic::{FEWEST_WORDS, is_seed_word},
    detectors::Prefilter,
};
use std::ops::{Range, RangeInclusive};

/// Regions to look at, each list in rising order and without overlaps.
#[derive(Default)]
pub(crate) struct Regions {
    digits: Vec<Range<usize>>,
    postcodes: Vec<Range<usize>>,
    at_signs: Vec<Range<usize>>,
    colons: Vec<Range<usize>>,
    runs: Vec<Range<usize>>,
    seed_words: Vec<Range<usize>>,
}

/// How far round a trigger a match may reach.
const DIGITS_REACH: usize = 40;
/// A postal address ends with its postcode, or with the place after it.
const POSTCODE_BEFORE: usize = 128;
const POSTCODE_AFTER: usize = 40;
const AT_SIGN_BEFORE: usize = 80;
const AT_SIGN_AFTER: usize = 260;
const COLON_REACH: usize = 48;
const RUN_BEFORE: usize = 4;
const RUN_AFTER: usize = 48;
/// Fewer digits than this in a region are no identifier.
const FEWEST_DIGITS: usize = 4;
/// An IPv6 address has two colons in a row, or six at least: seven, or six before a dotted quad.
const FEWEST_COLONS: usize = 6;
/// Hexadecimal digits between two colons of an address.
const LONGEST_GROUP: usize = 4;
const SHORTEST_RUN: usize = 20;
/// Bytes within which the next group of digits mostly starts.
const NEXT_GROUP: usize = 8;
/// Bytes that are tested for a digit at once.
const STRIDE: usize = 32;

impl Regions {
    /// The regions that `is_wanted` selects; the others stay empty.
    pub(crate) fn find(text: &str, is_wanted: impl Fn(Prefilter) -> bool) -> Self {
        let bytes = text.as_bytes();
        let look = |prefilter, find: fn(&[u8]) -> Vec<Range<usize>>| {
            if is_wanted(prefilter) { find(bytes) } else { Vec::new() }
        };
        let has_digits = is_wanted(Prefilter::Digits) || is_wanted(Prefilter::Postcodes);
        let (digits, postcodes) = if has_digits { find_digits(bytes) } else { Default::default() };
        let mut found = Self {
            digits,
            postcodes,
            at_signs: look(Prefilter::AtSign, find_at_signs),
            colons: look(Prefilter::Colons, find_colons),
            runs: look(Prefilter::Runs, find_runs),
            seed_words: look(Prefilter::SeedWords, find_seed_words),
        };
        let lists = [
            &mut found.digits,
            &mut found.postcodes,
            &mut found.at_signs,
            &mut found.colons,
            &mut found.runs,
            &mut found.seed_words,
        ];
        for list in lists {
            for region in list {
                region.start = floor_boundary(text, region.start);
                region.end = ceil_boundary(text, region.end);
            }
        }
        found
    }

    pub(crate) fn of(&self, prefilter: Prefilter) -> &[Range<usize>] {
        match prefilter {
            Prefilter::Digits => &self.digits,
            Prefilter::Postcodes => &self.postcodes,
            Prefilter::AtSign => &self.at_signs,
            Prefilter::Colons => &self.colons,
            Prefilter::Runs => &self.runs,
            Prefilter::SeedWords => &self.seed_words,
        }
    }
}

/// Where digits are close together, and where some of them may be a postcode.
fn find_digits(bytes: &[u8]) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let mut regions = Vec::new();
    let mut postcodes = Vec::new();
    let mut region = DigitRegion::default();
    // Times and UUIDs are the most frequent digits, and no detector's: nothing is looked for inside.
    let mut at = 0;
    while let Some(found) = find_digit(bytes, at) {
        if let Some(len) = measure_time(bytes, found).or_else(|| measure_uuid(bytes, found)) {
            at = found + len;
            continue;
        }
        // Neither begins inside a number.
        let digits = bytes.get(found..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        let last = found + digits - 1;
        region.see(found..=last, &mut regions);
        if ends_postcode(bytes, last) {
            grow(&mut postcodes, last, last, POSTCODE_BEFORE, POSTCODE_AFTER);
        }
        at = last + 1;
    }
    region.close(&mut regions);
    (regions, postcodes)
}

/// Whether the digit at `at` may be the last of a postcode: `SW1A 2AA`, `R1J 6A3`, `NY 10118`, `10115 Berlin`.
fn ends_postcode(bytes: &[u8], at: usize) -> bool {
    let byte = |index: Option<usize>| index.and_then(|index| bytes.get(index)).copied().unwrap_or(b'\n');
    let (next, second) = (byte(Some(at + 1)), byte(Some(at + 2)));
    let before = |back: usize| byte(at.checked_sub(back));
    if next.is_ascii_digit() {
        return false;
    }
    if next.is_ascii_uppercase() {
        return second.is_ascii_uppercase() && !byte(Some(at + 3)).is_ascii_alphanumeric();
    }
    let is_canadian = || before(1).is_ascii_uppercase() && before(2).is_ascii_digit();
    let is_of_state =
        || before(5) == b' ' && before(6).is_ascii_uppercase() && before(7).is_ascii_uppercase();
    // Of a longer number with a hyphen, the end of the first part has been seen.
    let is_before_place = || {
        let place = if next == b',' { byte(Some(at + 3)) } else { second };
        matches!(next, b' ' | b',' | b'\n')
            && before(1).is_ascii_digit()
            && (place.is_ascii_uppercase() || place >= 0xC3)
    };
    is_canadian() || is_of_state() || is_before_place()
}

/// The first digit at `from` or after it.
fn find_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    // Digits come in groups: one of the next bytes is the likeliest.
    if let Some(near) = rest.iter().take(NEXT_GROUP).position(u8::is_ascii_digit) {
        return Some(from + near);
    }
    let (chunks, _) = rest.as_chunks::<STRIDE>();
    let has_digit = |chunk: &&[u8; STRIDE]| chunk.iter().fold(false, |any, byte| any | byte.is_ascii_digit());
    let clean = chunks.iter().take_while(|chunk| !has_digit(chunk)).count() * STRIDE;
    rest.get(clean..)?.iter().position(u8::is_ascii_digit).map(|at| from + clean + at)
}

/// Length of an RFC 3339 date and time whose first digit is at `at`, up to its seconds.
pub(crate) fn measure_time(bytes: &[u8], at: usize) -> Option<usize> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd";
    let rest = bytes.get(at..)?;
    if rest.get(4) != Some(&b'-') {
        return None;
    }
    let is_start = at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|b| !is_token_byte(*b));
    let is_time = is_start
        && rest.len() >= SHAPE.len()
        && rest.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    is_time.then(|| {
        let tail = rest.iter().skip(SHAPE.len()).take(16);
        SHAPE.len() + tail.take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'.')).count()
    })
}

/// What is left of a UUID from its first digit, at `at`, to its end.
fn measure_uuid(bytes: &[u8], at: usize) -> Option<usize> {
    const LEN: usize = 36;
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let is_hex = |b: &&u8| b.is_ascii_hexdigit();
    let after = bytes.get(at..)?.iter().take(8).take_while(is_hex).count();
    if bytes.get(at + after) != Some(&b'-') {
        return None;
    }
    let before = bytes.get(..at)?.iter().rev().take(8).take_while(is_hex).count();
    if before + after != 8 {
        return None;
    }
    let start = at - before;
    let uuid = bytes.get(start..start + LEN)?;
    let edge = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_none_or(|b| !is_token_byte(*b));
    let is_uuid = uuid.iter().enumerate().all(|(index, byte)| match HYPHENS.contains(&index) {
        true => *byte == b'-',
        false => byte.is_ascii_hexdigit(),
    });
    (is_uuid && edge(start.checked_sub(1)) && edge(Some(start + LEN))).then_some(LEN - before)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.')
}

fn find_at_signs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut regions = Vec::new();
    for at in memchr::memchr_iter(b'@', bytes) {
        grow(&mut regions, at, at, AT_SIGN_BEFORE, AT_SIGN_AFTER);
    }
    regions
}

fn find_colons(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut regions = Vec::new();
    let (mut first, mut previous, mut count) = (0, 0, 0);
    for at in memchr::memchr_iter(b':', bytes) {
        let is_next = count > 0 && at - previous <= LONGEST_GROUP + 1;
        (first, count) = if is_next { (first, count + 1) } else { (at, 1) };
        let is_double = is_next && at == previous + 1;
        if is_double || count >= FEWEST_COLONS {
            grow(&mut regions, first, at, COLON_REACH, COLON_REACH);
        }
        previous = at;
    }
    regions
}

/// Unbroken letters and digits. Every run of the length holds a byte of each stride: only those are looked at.
fn find_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut regions = Vec::new();
    let mut at = SHORTEST_RUN - 1;
    while let Some(byte) = bytes.get(at) {
        if !byte.is_ascii_alphanumeric() {
            at += SHORTEST_RUN;
            continue;
        }
        let run = stretch(bytes, at, |b| b.is_ascii_alphanumeric());
        if run.len() >= SHORTEST_RUN {
            grow(&mut regions, run.start, run.end, RUN_BEFORE, RUN_AFTER);
        }
        at = run.end + SHORTEST_RUN;
    }
    regions
}

/// Words of the seed phrase list, twelve or more with nothing but numbers and punctuation between. Such a row holds a
/// byte of each stride; prose hardly ever has two of its words in the list where one looks.
fn find_seed_words(bytes: &[u8]) -> Vec<Range<usize>> {
    /// Twelve words of three letters with a space between.
    const SHORTEST_ROW: usize = 47;
    /// Bytes between two words: `", "`, ` 12. `.
    const LONGEST_GAP: usize = 8;
    const LONGEST_WORD: usize = 8;
    // Where a key or a string of the flat text ends, so does the row: some names of members are words of the list.
    let is_border = |gap: &[u8]| gap.contains(&b'"') && (gap.contains(&b':') || gap.contains(&b'\n'));
    let is_edge = |gap: &[u8]| gap.len() <= LONGEST_GAP && gap.is_ascii() && !is_border(gap);
    let mut regions = Vec::new();
    let mut at = SHORTEST_ROW - 1;
    while at < bytes.len() {
        // Forwards from the word at or after the probe, then backwards from the one before it.
        let letters = bytes.get(..at).unwrap_or_default().iter().rev().take(LONGEST_WORD + 1);
        let mut start = match bytes.get(at) {
            Some(b) if b.is_ascii_alphabetic() => {
                at - letters.take_while(|b| b.is_ascii_alphabetic()).count()
            }
            _ => next_word(bytes, at).map_or(at, |word| word.start),
        };
        let (mut end, mut count) = (start, 0);
        while let Some(word) = next_word(bytes, end)
            && bytes.get(end..word.start).is_some_and(is_edge)
            && bytes.get(word.clone()).is_some_and(is_seed_word)
        {
            (end, count) = (word.end, count + 1);
        }
        while count > 0
            && let Some(word) = previous_word(bytes, start)
            && bytes.get(word.end..start).is_some_and(is_edge)
            && bytes.get(word.clone()).is_some_and(is_seed_word)
        {
            (start, count) = (word.start, count + 1);
        }
        if count >= FEWEST_WORDS {
            regions.push(start..end);
        }
        at = at.max(end) + SHORTEST_ROW - 1;
    }
    regions
}

fn next_word(bytes: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = bytes.get(from..)?;
    let start = from + rest.iter().take(16).position(u8::is_ascii_alphabetic)?;
    let len = bytes.get(start..)?.iter().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
    Some(start..start + len)
}

fn previous_word(bytes: &[u8], to: usize) -> Option<Range<usize>> {
    let rest = bytes.get(..to)?;
    let end = to - rest.iter().rev().take(16).position(u8::is_ascii_alphabetic)?;
    let len = bytes.get(..end)?.iter().rev().take(16).take_while(|b| b.is_ascii_alphabetic()).count();
    Some(end - len..end)
}

/// The bytes round `at` that `belongs` accepts.
pub(crate) fn stretch(bytes: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> Range<usize> {
    let before = bytes.get(..at).unwrap_or_default();
    let after = bytes.get(at..).unwrap_or_default();
    let start = before.iter().rposition(|b| !belongs(*b)).map_or(0, |edge| edge + 1);
    let end = at + after.iter().position(|b| !belongs(*b)).unwrap_or(after.len());
    start..end
}

/// Digits close together, being collected.
#[derive(Default)]
struct DigitRegion {
    first: usize,
    last: usize,
    count: usize,
}

impl DigitRegion {
    fn see(&mut self, digits: RangeInclusive<usize>, into: &mut Vec<Range<usize>>) {
        let (first, last) = digits.into_inner();
        if self.count > 0 && first - self.last > DIGITS_REACH {
            self.close(into);
        }
        if self.count == 0 {
            self.first = first;
        }
        self.count += last + 1 - first;
        self.last = last;
    }

    fn close(&mut self, into: &mut Vec<Range<usize>>) {
        if self.count >= FEWEST_DIGITS {
            grow(into, self.first, self.last + 1, DIGITS_REACH, DIGITS_REACH);
        }
        self.count = 0;
    }
}

/// Adds `start..end` widened by `before` and `after`, merged with the region before it where they touch.
fn grow(list: &mut Vec<Range<usize>>, start: usize, end: usize, before: usize, after: usize) {
    let (start, end) = (start.saturating_sub(before), end + after);
    match list.last_mut() {
        Some(last) if start <= last.end => last.end = last.end.max(end),
        _ => list.push(start..end),
    }
}

pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

pub(crate) fn ceil_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_surround_their_triggers_and_stay_inside_the_text() {
        let text = format!("{}4111 1111{} a@b.c {} fe80::1", "ü".repeat(60), "ü".repeat(60), "-".repeat(400));
        let regions = Regions::find(&text, |_| true);
        let shown = |p| regions.of(p).iter().map(|r| text.get(r.clone()).unwrap().len()).collect::<Vec<_>>();
        assert_eq!(regions.of(Prefilter::Digits).len(), 1);
        assert!(text.get(regions.of(Prefilter::Digits)[0].clone()).unwrap().contains("4111 1111"));
        assert_eq!(shown(Prefilter::AtSign).len(), 1);
        assert_eq!(shown(Prefilter::Colons).len(), 1);
        assert!(Regions::find("only words, no numbers", |_| true).of(Prefilter::Digits).is_empty());
    }

    #[test]
    fn times_and_uuids_are_no_digits_but_what_only_begins_like_them_is() {
        let count = |text: &str| Regions::find(text, |_| true).of(Prefilter::Digits).len();
        for text in [
            "at 2026-03-01T10:00:00.123Z!",
            "x 3a5f0c1e-89ab-4cde-8f01-23456789abcd y",
            "\"2026-03-01T10:00\"",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
        for text in [
            "2026-03-01T10",
            "+2026-03-01T10:00:00Z",
            "x3a5f0c1e-89ab-4cde-8f01-23456789abcd",
            "3a5f0c1e-89ab-4cde-8f01-23456789abcd-5555",
            "2026-03-01T10:00:00Z 4111",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn postcodes_are_seen_with_what_stands_before_them() {
        let count = |text: &str| Regions::find(text, |_| true).of(Prefilter::Postcodes).len();
        for text in [
            "SW1A 2AA",
            "PE R1J 6A3",
            "York, NY 10118",
            "10115 Berlin",
            "9915 NS Beek",
            "111 22 \u{c5}by",
            "3539, Ulm",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in ["no number", "room 12", "2024-05-01", "5 of them", "v1.2.3"] {
            assert_eq!(count(text), 0, "{text}");
        }
    }

    #[test]
    fn only_colons_of_addresses_count() {
        let count = |text: &str| Regions::find(text, |_| true).of(Prefilter::Colons).len();
        for text in ["::1", "2001:db8:1:2:3:4:5:6", "::ffff:10.0.0.1", "1:2:3:4:5:6:10.0.0.1"] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in
            ["10:00:00", "first: second: third: fourth: fifth: sixth: seventh", "\"k\": 1", "00:1a:2b"]
        {
            assert_eq!(count(text), 0, "{text}");
        }
    }

    #[test]
    fn rows_of_seed_words_end_at_other_words_and_at_strings() {
        let row = "legal winner thank year wave sausage worth useful legal winner thank yellow";
        for start in 0..50 {
            let text = format!("{}\"text\": \"{row}\"\n\"note\": 1", " ".repeat(start));
            let regions = Regions::find(&text, |_| true);
            let found: Vec<&str> =
                regions.of(Prefilter::SeedWords).iter().map(|r| text.get(r.clone()).unwrap()).collect();
            assert_eq!(found, [row], "{start}");
        }
        let short = row.rsplit_once(' ').unwrap().0;
        for text in [short.to_owned(), format!("{short} and {short}"), "a".repeat(500)] {
            assert!(Regions::find(&text, |_| true).of(Prefilter::SeedWords).is_empty(), "{text}");
        }
    }

    #[test]
    fn runs_are_found_wherever_they_start() {
        for start in 0..45 {
            let text = format!("{}{} end", " ".repeat(start), "a".repeat(SHORTEST_RUN));
            assert_eq!(Regions::find(&text, |_| true).of(Prefilter::Runs).len(), 1, "{start}");
            let short = format!("{}{} end", " ".repeat(start), "a".repeat(SHORTEST_RUN - 1));
            assert!(Regions::find(&short, |_| true).of(Prefilter::Runs).is_empty(), "{start}");
        }
    }
}
