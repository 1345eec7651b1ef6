//! A file as text: UTF-8, UTF-16 with its mark, and whatever else is not binary.

use super::walk::Found;
use std::{
    fs::File,
    io::{self, Read, stdin},
};

/// Most that is read of one file; what stands behind it is told as not looked at.
pub(super) const MOST_BYTES: u64 = 256 << 20;
/// Where a NUL byte makes a file binary, as for git and grep.
const PROBE_BYTES: usize = 8 << 10;

#[derive(Debug)]
pub(super) enum Source {
    Text {
        text: String,
        bytes: usize,
        is_cut: bool,
    },
    /// Met in a directory and not looked at.
    Binary,
}

/// # Errors
/// Why it cannot be read, for people.
pub(super) fn read(file: &Found) -> Result<Source, String> {
    let content = match file {
        Found::StandardInput => read_bounded(stdin().lock()),
        Found::Named(path) | Found::Below(path) => File::open(path).and_then(read_bounded),
    };
    let (bytes, is_cut) = content.map_err(|error| format!("`{}` cannot be read: {error}", file.name()))?;
    let length = bytes.len();
    let is_text = utf16_of(&bytes).is_some() || !bytes.iter().take(PROBE_BYTES).any(|byte| *byte == 0);
    if !is_text && matches!(file, Found::Below(_)) {
        return Ok(Source::Binary);
    }
    Ok(Source::Text { text: decode(bytes), bytes: length, is_cut })
}

/// The content, and whether there is more of it.
fn read_bounded(source: impl Read) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    let is_cut = bytes.len() as u64 > MOST_BYTES;
    if is_cut {
        bytes.pop();
    }
    Ok((bytes, is_cut))
}

/// What is no character becomes one U+FFFD per broken sequence, as in an editor: lines and columns stay those of a person.
fn decode(bytes: Vec<u8>) -> String {
    match utf16_of(&bytes) {
        Some(units) => String::from_utf16_lossy(&units),
        None => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The units of UTF-16 that opens with its byte order mark (RFC 2781 §3.2), as Windows writes it.
fn utf16_of(bytes: &[u8]) -> Option<Vec<u16>> {
    let (read, rest): (fn([u8; 2]) -> u16, _) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (u16::from_le_bytes, rest),
        [0xFE, 0xFF, rest @ ..] => (u16::from_be_bytes, rest),
        _ => return None,
    };
    Some(rest.as_chunks().0.iter().map(|unit| read(*unit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_the_text_that_an_editor_shows() {
        for (bytes, text) in [
            (&b"a\xc3\xbc"[..], "aü"),
            (b"a\xff\xfe b\xe2\x82", "a\u{fffd}\u{fffd} b\u{fffd}"),
            (b"\xff\xfea\0\xfc\0", "aü"),
            (b"\xfe\xff\0a\0\xfc", "aü"),
            (b"", ""),
        ] {
            assert_eq!(decode(bytes.to_vec()), text, "{bytes:?}");
        }
    }
}
