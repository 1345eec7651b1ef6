//! JSON as people write it: with comments, and commas before the end.

use std::ops::Range;

/// The place of a comma before anything but blanks and comments.
pub(crate) fn trailing_comma(text: &str) -> Option<usize> {
    // Comments are blanked first, so that a comma in one is none.
    let plain = blank(text, false);
    plain.find(',')
}

/// `text` with blanks, byte for byte, where comments (`//`, `/* */`), a byte order mark, and commas before `}` or `]` stand,
/// as VS Code reads and people write it.
pub(crate) fn blank_comments(text: &str) -> String {
    blank(text, true)
}

fn blank(text: &str, with_commas: bool) -> String {
    let mut plain: Vec<u8> = text.as_bytes().to_vec();
    let mut erase = |range: Range<usize>| {
        for byte in plain.get_mut(range).into_iter().flatten().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
            *byte = b' ';
        }
    };
    if text.starts_with('\u{feff}') {
        erase(0..3);
    }
    let bytes = text.as_bytes();
    let (mut at, mut comma) = (0, None);
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                comma = None;
                at += 1;
                while let Some(&inner) = bytes.get(at).filter(|inner| **inner != b'"') {
                    at += if inner == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            (b'/', Some(b'/')) => {
                let end = bytes.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\n'));
                let end = end.map_or(bytes.len(), |end| at + end);
                erase(at..end);
                at = end;
            }
            (b'/', Some(b'*')) => {
                let end = text
                    .get(at + 2..)
                    .and_then(|rest| rest.find("*/"))
                    .map_or(bytes.len(), |end| at + end + 4);
                erase(at..end);
                at = end;
            }
            _ => {
                match byte {
                    b',' => comma = Some(at),
                    b'}' | b']' => {
                        if let Some(comma) = comma.take().filter(|_| with_commas) {
                            erase(comma..comma + 1);
                        }
                    }
                    byte if byte.is_ascii_whitespace() => {}
                    _ => comma = None,
                }
                at += 1;
            }
        }
    }
    // Whole characters were blanked.
    String::from_utf8(plain).unwrap_or_default()
}
