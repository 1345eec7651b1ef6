//! Sets of bytes, looked up rather than compared: most passes over a text ask of every byte whether it belongs.

use std::ops::Range;

/// ASCII letters and digits, and some others.
#[derive(Debug)]
pub(crate) struct ByteSet([bool; 256]);

impl ByteSet {
    /// Letters and digits, and `others`.
    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
    pub(crate) const fn alphanumeric_and(others: &[u8]) -> Self {
        let mut set = Self::of(others);
        let mut byte = 0_u8;
        while byte.is_ascii() {
            set.0[byte as usize] |= byte.is_ascii_alphanumeric();
            byte += 1;
        }
        set
    }

    #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
    pub(crate) const fn of(members: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut at = 0;
        while at < members.len() {
            set[members[at] as usize] = true;
            at += 1;
        }
        Self(set)
    }

    #[inline]
    pub(crate) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte)).copied().unwrap_or_default()
    }

    /// How many bytes from `start` on belong, `most` at most.
    #[inline]
    pub(crate) fn run(&self, bytes: &[u8], start: usize, most: usize) -> usize {
        let rest = bytes.get(start..).unwrap_or_default();
        rest.iter().take(most).take_while(|b| self.has(**b)).count()
    }

    /// How many bytes before `end` belong, as far as `floor`.
    #[inline]
    pub(crate) fn run_before(&self, bytes: &[u8], floor: usize, end: usize) -> usize {
        let before = bytes.get(floor..end).unwrap_or_default();
        before.iter().rev().take_while(|b| self.has(**b)).count()
    }

    /// Where the first byte at `from` or after it stands that belongs.
    #[inline]
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        bytes.get(from..)?.iter().position(|b| self.has(*b)).map(|at| from + at)
    }

    /// Where the last byte in `from..to` stands that belongs.
    pub(crate) fn find_last(&self, bytes: &[u8], from: usize, to: usize) -> Option<usize> {
        let part = bytes.get(from..to.min(bytes.len()))?;
        part.iter().rposition(|b| self.has(*b)).map(|at| from + at)
    }

    /// The first `len` bytes or more in a row at `from` or after it that belong. Such a row holds a byte of every stride of that
    /// length: only those are looked at, and what stands round them.
    pub(crate) fn find_row(&self, bytes: &[u8], from: usize, len: usize) -> Option<Range<usize>> {
        let mut done = from;
        let mut at = from + len.checked_sub(1)?;
        loop {
            if !self.has(*bytes.get(at)?) {
                at += len;
                continue;
            }
            let start = at - self.run_before(bytes, done, at);
            let end = at + self.run(bytes, at, usize::MAX);
            if end - start >= len {
                return Some(start..end);
            }
            done = end;
            at = end + len;
        }
    }
}
