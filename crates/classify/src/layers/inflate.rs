//! gzip (RFC 1952) and zlib (RFC 1950) streams, inflated within bounds.

use super::budget::{Budget, Obstacle};
use flate2::{read, write};
use std::io::{Read, Write};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zlib,
}

impl Compression {
    /// The format that `bytes` announce.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            // RFC 1950 §2.2: deflate with a 32 KiB window; the header is a multiple of 31.
            [0x78, flags @ (0x01 | 0x5E | 0x9C | 0xDA), ..] if (0x7800 + u32::from(*flags)) % 31 == 0 => {
                Some(Self::Zlib)
            }
            _ => None,
        }
    }
}

pub(crate) struct Inflated {
    pub(crate) bytes: Vec<u8>,
    pub(crate) compression: Compression,
    /// Whether the end of the stream was reached.
    pub(crate) is_whole: bool,
}

/// Output per input byte beyond which a stream is a bomb.
pub(super) const MAX_RATIO: usize = 100;
/// Streams that inflate to less are never called bombs.
pub(super) const HARMLESS_BYTES: usize = 16 << 10;

/// Inflates a stream; `None` when it is not one after all. What exceeds the bounds is cut off and noted.
pub(crate) fn inflate(bytes: &[u8], budget: &mut Budget) -> Option<Inflated> {
    let compression = Compression::of(bytes)?;
    let ratio_limit = (bytes.len() * MAX_RATIO).max(HARMLESS_BYTES);
    let limit = ratio_limit.min(budget.left());
    let bound = u64::try_from(limit + 1).unwrap_or(u64::MAX);
    let mut out = Vec::new();
    let result = match compression {
        Compression::Gzip => read::MultiGzDecoder::new(bytes).take(bound).read_to_end(&mut out),
        Compression::Zlib => read::ZlibDecoder::new(bytes).take(bound).read_to_end(&mut out),
    };
    let is_cut = out.len() > limit;
    if is_cut {
        out.truncate(limit);
        budget.note(Obstacle::Bomb);
    } else if result.is_err() {
        if compression == Compression::Zlib && out.is_empty() {
            return None;
        }
        budget.note(Obstacle::Corrupt);
    }
    Some(Inflated { bytes: out, compression, is_whole: !is_cut && result.is_ok() })
}

/// Compresses `bytes`; `None` cannot happen for a stream in memory, and means "blank it" to the caller.
pub(crate) fn deflate(bytes: &[u8], compression: Compression) -> Option<Vec<u8>> {
    match compression {
        Compression::Gzip => {
            let mut stream = write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            stream.write_all(bytes).ok()?;
            stream.finish().ok()
        }
        Compression::Zlib => {
            let mut stream = write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            stream.write_all(bytes).ok()?;
            stream.finish().ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_cut_and_noted() {
        let bomb = deflate(&vec![b'a'; 50 << 20], Compression::Gzip).unwrap();
        let mut budget = Budget::default();
        let inflated = inflate(&bomb, &mut budget).unwrap();
        assert!(!inflated.is_whole && inflated.bytes.len() <= 1 << 20);
        assert_eq!(budget.take_obstacles(), [Obstacle::Bomb]);

        let small = deflate(&vec![b'a'; 1 << 20], Compression::Zlib).unwrap();
        let mut budget = Budget::default();
        assert!(inflate(&small, &mut budget).unwrap().bytes.len() <= small.len() * MAX_RATIO);
        assert_eq!(budget.take_obstacles(), [Obstacle::Bomb]);
    }

    #[test]
    fn a_broken_stream_gives_what_it_has() {
        let mut stream = deflate(b"some text that is long enough to survive", Compression::Gzip).unwrap();
        stream.truncate(stream.len() - 4);
        let mut budget = Budget::default();
        let inflated = inflate(&stream, &mut budget).unwrap();
        assert!(!inflated.is_whole);
        assert_eq!(budget.take_obstacles(), [Obstacle::Corrupt]);
    }
}
