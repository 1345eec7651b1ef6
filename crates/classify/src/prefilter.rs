//! One cheap pass over the bytes that finds where detectors without keywords need to look.

use crate::detectors::Prefilter;
use std::ops::Range;

/// Regions to look at, each list in rising order and without overlaps.
#[derive(Default)]
pub(crate) struct Regions {
    digits: Vec<Range<usize>>,
    at_signs: Vec<Range<usize>>,
    colons: Vec<Range<usize>>,
    hex: Vec<Range<usize>>,
}

/// How far round a trigger a match may reach.
const DIGITS_REACH: usize = 40;
const AT_SIGN_BEFORE: usize = 80;
const AT_SIGN_AFTER: usize = 260;
const COLON_REACH: usize = 48;
/// Fewer digits than this in a region are no identifier.
const FEWEST_DIGITS: usize = 4;
const SHORTEST_HEX: usize = 20;

const OTHER: u8 = 0;
const DIGIT: u8 = 1;
const LETTER: u8 = 2;
const AT: u8 = 3;
const COLON: u8 = 4;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time over the table's own length")]
        {
            table[byte] = match b {
                b'0'..=b'9' => DIGIT,
                b'a'..=b'z' | b'A'..=b'Z' => LETTER,
                b'@' => AT,
                b':' => COLON,
                _ => OTHER,
            };
        }
        byte += 1;
    }
    table
}

impl Regions {
    pub(crate) fn find(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut found = Self::default();
        let mut digits = DigitRegion::default();
        let mut run_start = 0;
        let mut in_run = false;
        for (at, byte) in bytes.iter().enumerate() {
            let class = CLASSES.get(usize::from(*byte)).copied().unwrap_or(OTHER);
            if class == LETTER || class == DIGIT {
                if !in_run {
                    (in_run, run_start) = (true, at);
                }
                if class == DIGIT {
                    digits.see(at, &mut found.digits);
                }
                continue;
            }
            if in_run && at - run_start >= SHORTEST_HEX {
                grow(&mut found.hex, run_start, at, 4, 48);
            }
            in_run = false;
            match class {
                AT => grow(&mut found.at_signs, at, at, AT_SIGN_BEFORE, AT_SIGN_AFTER),
                COLON => {
                    let next = bytes.get(at + 1);
                    let is_address = next.is_some_and(|b| b.is_ascii_hexdigit() || *b == b':');
                    if is_address {
                        grow(&mut found.colons, at, at, COLON_REACH, COLON_REACH);
                    }
                }
                _ => {}
            }
        }
        if in_run && bytes.len() - run_start >= SHORTEST_HEX {
            grow(&mut found.hex, run_start, bytes.len(), 4, 48);
        }
        digits.close(&mut found.digits);
        for list in [&mut found.digits, &mut found.at_signs, &mut found.colons, &mut found.hex] {
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
            Prefilter::AtSign => &self.at_signs,
            Prefilter::Colons => &self.colons,
            Prefilter::Hex => &self.hex,
        }
    }
}

/// Digits close together, being collected.
#[derive(Default)]
struct DigitRegion {
    first: usize,
    last: usize,
    count: usize,
}

impl DigitRegion {
    fn see(&mut self, at: usize, into: &mut Vec<Range<usize>>) {
        if self.count > 0 && at - self.last > DIGITS_REACH {
            self.close(into);
        }
        if self.count == 0 {
            self.first = at;
        }
        self.count += 1;
        self.last = at;
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
        let regions = Regions::find(&text);
        let shown = |p| regions.of(p).iter().map(|r| text.get(r.clone()).unwrap().len()).collect::<Vec<_>>();
        assert_eq!(regions.of(Prefilter::Digits).len(), 1);
        assert!(text.get(regions.of(Prefilter::Digits)[0].clone()).unwrap().contains("4111 1111"));
        assert_eq!(shown(Prefilter::AtSign).len(), 1);
        assert_eq!(shown(Prefilter::Colons).len(), 1);
        assert!(Regions::find("only words, no numbers").of(Prefilter::Digits).is_empty());
    }
}
