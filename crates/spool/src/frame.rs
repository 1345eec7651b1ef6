//! Batches in the file: a marker, a length, a checksum, the sealed entries. One batch is one write and one sync.
//!
//! What a crash leaves half-written can only be the last batch, and nobody was answered for it. A broken batch with a whole
//! one behind it is something else: damage, which is not passed over.

const MARKER: [u8; 4] = *b"IVSB";
pub(crate) const HEADER_LEN: usize = 12;

/// A batch as it is written.
pub(crate) fn framed(sealed: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(sealed.len()).ok()?;
    let mut frame = Vec::with_capacity(HEADER_LEN + sealed.len());
    frame.extend(MARKER);
    frame.extend(length.to_le_bytes());
    frame.extend(checksum(length, sealed).to_le_bytes());
    frame.extend(sealed);
    Some(frame)
}

/// CRC-32 over length and content: zeros, as a file system leaves them in place of what it lost, are no batch.
fn checksum(length: u32, sealed: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length.to_le_bytes());
    hasher.update(sealed);
    hasher.finalize()
}

/// What the first bytes of a batch say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHeader {
    length: u32,
    checksum: u32,
}

impl FrameHeader {
    pub(crate) fn read(bytes: &[u8; HEADER_LEN]) -> Option<Self> {
        let (marker, rest) = bytes.split_first_chunk::<4>()?;
        let (length, checksum) = rest.split_first_chunk::<4>()?;
        let header = Self {
            length: u32::from_le_bytes(*length),
            checksum: u32::from_le_bytes(*checksum.first_chunk()?),
        };
        (*marker == MARKER).then_some(header)
    }

    /// Bytes of the sealed entries.
    pub(crate) fn length(self) -> usize {
        self.length as usize
    }

    pub(crate) fn is_of(self, sealed: &[u8]) -> bool {
        sealed.len() == self.length() && checksum(self.length, sealed) == self.checksum
    }
}

/// Whether a whole batch begins anywhere behind the first byte.
pub(crate) fn holds_a_later_frame(bytes: &[u8]) -> bool {
    (1..bytes.len()).any(|start| bytes.get(start..).is_some_and(begins_with_a_frame))
}

fn begins_with_a_frame(bytes: &[u8]) -> bool {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return false };
    FrameHeader::read(header)
        .is_some_and(|header| rest.get(..header.length()).is_some_and(|sealed| header.is_of(sealed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_whole_or_none() {
        let frame = framed(b"sealed entries").unwrap();
        assert!(begins_with_a_frame(&frame));
        for index in 0..frame.len() {
            let mut changed = frame.clone();
            changed[index] ^= 1;
            assert!(!begins_with_a_frame(&changed), "byte {index}");
            assert!(!begins_with_a_frame(&frame[..index]), "cut at {index}");
        }
        assert!(!begins_with_a_frame(&[0; 64]));
    }

    #[test]
    fn damage_is_told_from_a_torn_end_by_what_follows() {
        let (one, two) = (framed(b"one").unwrap(), framed(b"two").unwrap());
        let mut broken = one.clone();
        broken[HEADER_LEN] ^= 1;
        assert!(!holds_a_later_frame(&broken));
        assert!(!holds_a_later_frame(&[broken.clone(), two[..two.len() - 1].to_vec()].concat()));
        assert!(holds_a_later_frame(&[broken, two].concat()));
    }
}
