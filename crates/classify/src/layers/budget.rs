//! How much may be decoded for one call, and what stood in the way.

use super::pieces::Assembly;
use std::fmt;

/// Layers below the text as it was sent.
pub(crate) const MAX_LAYERS: usize = 4;
/// Output of all opaque layers of one call, in bytes.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

/// Why something was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Obstacle {
    TooDeep,
    TooLarge,
    Bomb,
    Corrupt,
    Binary,
    TooManyPieces,
}

impl Obstacle {
    /// Runs that decode to less binary data are hashes and ids, not layers.
    pub(crate) const WORTH_TELLING_BYTES: usize = 512;
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooDeep => "nested deeper than 4 layers",
            Self::TooLarge => "decoded output exceeds 1 MiB",
            Self::Bomb => "inflates beyond 100 times its size or 1 MiB: a decompression bomb",
            Self::Corrupt => "the compressed stream is broken",
            Self::TooManyPieces => {
                "pieces that may be parts of one value make more text than is put together"
            }
            Self::Binary => "decodes to binary data, not text",
        })
    }
}

/// Text that is put together from pieces of one call: so much, or a third of what was sent if that is more. It is
/// searched like what was sent, and mostly holds nothing new.
pub(super) const MOST_PIECED: usize = 32 << 10;

#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
    /// What is left of [`MOST_PIECED`].
    pieced: usize,
    obstacles: Vec<Obstacle>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of_size(0)
    }
}

impl Budget {
    /// For a call of `size` bytes.
    pub(crate) fn of_size(size: usize) -> Self {
        Self { left: MAX_OUTPUT, pieced: MOST_PIECED.max(size / 3), obstacles: Vec::new() }
    }

    /// Cuts what was put together to what is left for it, with a note when that is less.
    pub(crate) fn spend_on(&mut self, assembly: &mut Assembly) {
        if assembly.cut(self.pieced) {
            self.note(Obstacle::TooManyPieces);
        }
        self.pieced -= assembly.text.len().min(self.pieced);
    }

    pub(crate) fn left(&self) -> usize {
        self.left
    }

    /// Takes `bytes` from what is left; `false`, and a note, when there is not enough.
    pub(crate) fn spend(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.note(Obstacle::TooLarge);
                false
            }
        }
    }

    pub(crate) fn note(&mut self, obstacle: Obstacle) {
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }

    pub(crate) fn take_obstacles(&mut self) -> Vec<Obstacle> {
        std::mem::take(&mut self.obstacles)
    }
}
