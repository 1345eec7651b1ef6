//! A value put together from pieces of one text: by code, by markup, by a shell, by labels, by spaces, by codes of characters.
//!
//! Each finder is one bounded, linear pass that collects what could be one value; what is found only there counts when a
//! detector is certain of it.

mod backwards;
mod columns;
mod groups;
mod host;
mod labels;
mod numbers;
mod seams;
mod variables;

use super::{join::LONGEST_PART, pieces::Assembly, signs::Signs};
use crate::bytes::ByteSet;
use std::ops::Range;

pub(crate) use host::{join_labels, measure_labels};
pub(crate) use numbers::read_code;

/// The text that pieces are looked for in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'t> {
    pub(crate) segment: usize,
    pub(crate) text: &'t str,
}

impl Source<'_> {
    /// Appends `range` of the text.
    fn add(&self, range: Range<usize>, to: &mut Assembly) {
        to.add(self.segment, self.text.get(range.clone()).unwrap_or_default(), range.start);
    }
}

/// Every text that pieces of `source` make together; each text once, whoever finds it.
pub(crate) fn stitch(source: Source<'_>, signs: Signs) -> Vec<Assembly> {
    let mut found: Vec<Assembly> = Vec::new();
    if signs.has_glue || signs.is_dense {
        found.push(seams::join_at_seams(source, signs.is_dense));
    }
    if signs.has_hosts {
        found.push(host::join_hosts(source));
    }
    if signs.has_glue {
        found.push(columns::join_columns(source));
        found.push(variables::expand_variables(source));
    }
    if signs.is_dense {
        found.extend(numbers::read_numbers(source));
    }
    if signs.is_dense || signs.is_spaced {
        found.push(groups::join_groups(source));
    }
    found.push(backwards::turn_round(source));
    let mut different: Vec<Assembly> = Vec::new();
    for assembly in found {
        if !assembly.text.is_empty()
            && different.iter().all(|other| other.text.trim_end() != assembly.text.trim_end())
        {
            different.push(assembly);
        }
    }
    different
}

/// Bytes that a piece of a credential is made of.
static PIECE: ByteSet = ByteSet::alphanumeric_and(b"_-+/=.:@%~!#");

fn is_piece_byte(byte: u8) -> bool {
    PIECE.has(byte)
}

/// Where the piece that ends at `end` starts.
fn piece_before(bytes: &[u8], end: usize, floor: usize) -> usize {
    end - PIECE.run_before(bytes, floor.max(end.saturating_sub(LONGEST_PART)), end)
}

/// Where the piece that starts at `start` ends.
fn piece_after(bytes: &[u8], start: usize) -> usize {
    start + PIECE.run(bytes, start, LONGEST_PART)
}

/// How many bytes from `at` are blanks or line breaks.
fn measure_space(bytes: &[u8], at: usize) -> usize {
    const LONGEST: usize = 64;
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take(LONGEST).take_while(|b| b.is_ascii_whitespace()).count()
}
