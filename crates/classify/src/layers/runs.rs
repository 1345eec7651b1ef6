//! Runs of characters that may be base64, hexadecimal or base32.

use crate::bytes::ByteSet;
use std::ops::Range;

/// Fewest characters of a run: 12 bytes of base64, 8 bytes of hexadecimal.
const SHORTEST: usize = 16;
/// Padding of base32; base64 has two at most.
const MOST_PADDING: usize = 6;
/// A run goes on over a line break only after a line at least this long (RFC 2045 wraps at 76, PEM at 64).
const SHORTEST_WRAPPED_LINE: usize = 40;

/// An unbroken stretch of the base64 and base64url alphabets, with its padding; line breaks may be inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    /// Length of the lines and what ends them, when the run is wrapped.
    pub(crate) wrap: Option<(usize, &'static str)>,
}

static BASE64: ByteSet = ByteSet::alphanumeric_and(b"+/-_");

pub(crate) fn is_base64_byte(byte: u8) -> bool {
    BASE64.has(byte)
}

/// A byte of a run at `from` or after it. A run holds a byte of every stride as long as the shortest: only those are
/// looked at, and what stands round them.
pub(crate) fn find_long(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + SHORTEST - 1;
    loop {
        if !is_base64_byte(*bytes.get(at)?) {
            at += SHORTEST;
            continue;
        }
        // No further back than the run must reach: a run goes on being one however long it is.
        let window = bytes.get((at + 1).saturating_sub(SHORTEST).max(from)..at + 1)?;
        let before = window.iter().rev().take_while(|b| is_base64_byte(**b)).count();
        let after =
            bytes.get(at + 1..)?.iter().take(SHORTEST - before).take_while(|b| is_base64_byte(**b)).count();
        if before + after >= SHORTEST {
            return Some(at);
        }
        at += after + 1 + SHORTEST;
    }
}

/// Every run of `source`, in rising order, in one pass.
pub(crate) fn find_runs(source: &str) -> Vec<Run> {
    let bytes = source.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(inside) = find_long(bytes, at) {
        let start = inside - BASE64.run_before(bytes, at, inside);
        let end = end_of_line(bytes, inside);
        let mut stop = end;
        let mut wrap = None;
        if end - start >= SHORTEST_WRAPPED_LINE {
            let mut line = start..end;
            while line.len() >= SHORTEST_WRAPPED_LINE
                && let Some((next, eol)) = next_line(bytes, line.end)
            {
                line = next..end_of_line(bytes, next);
                if line.is_empty() {
                    break;
                }
                wrap = wrap.or(Some((end - start, eol)));
                stop = line.end;
            }
        }
        let padding = bytes
            .get(stop..)
            .unwrap_or_default()
            .iter()
            .take(MOST_PADDING)
            .take_while(|b| **b == b'=')
            .count();
        stop += padding;
        runs.push(Run { range: start..stop, wrap });
        at = stop + 1;
    }
    runs
}

fn end_of_line(bytes: &[u8], start: usize) -> usize {
    start + BASE64.run(bytes, start, usize::MAX)
}

/// Where the text of the next line starts, when a line break stands at `at`.
fn next_line(bytes: &[u8], at: usize) -> Option<(usize, &'static str)> {
    let rest = bytes.get(at..)?;
    let (len, eol) = match rest {
        [b'\r', b'\n', ..] => (2, "\r\n"),
        [b'\n', ..] => (1, "\n"),
        _ => return None,
    };
    let indent = rest.iter().skip(len).take(16).take_while(|b| matches!(b, b' ' | b'\t')).count();
    Some((at + len + indent, eol))
}

/// Parts of a run between separators that are themselves in the alphabet: segments of a path, words of a name.
pub(crate) fn split_run(source: &str, range: &Range<usize>) -> Vec<Range<usize>> {
    let text = source.get(range.clone()).unwrap_or_default();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte) in text.bytes().chain(std::iter::once(b'/')).enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'=' {
            continue;
        }
        if at - start >= SHORTEST && at - start < text.len() {
            parts.push(range.start + start..range.start + at);
        }
        start = at + 1;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<&str> {
        find_runs(source).into_iter().map(|r| source.get(r.range).unwrap()).collect()
    }

    #[test]
    fn runs_are_long_keep_padding_and_cross_line_breaks() {
        assert_eq!(shown("short words only, nothing else"), Vec::<&str>::new());
        assert_eq!(shown("a=QVBTX0tFWT1za19-_w==; b"), ["QVBTX0tFWT1za19-_w=="]);
        let line = "QUJD".repeat(19);
        let wrapped = format!("x: {line}\r\n  {line}\r\nQUI=\r\nend of text");
        let runs = find_runs(&wrapped);
        assert_eq!(runs.len(), 1);
        assert_eq!(runs[0].wrap, Some((76, "\r\n")));
        assert!(wrapped.get(runs[0].range.clone()).unwrap().ends_with("QUI="));
    }

    #[test]
    fn long_runs_are_seen_wherever_they_start() {
        for start in 0..40 {
            let source = format!("{}{} end", " ".repeat(start), "a".repeat(SHORTEST));
            assert!(find_long(source.as_bytes(), 0).is_some_and(|at| at >= start), "{start}");
            let short = format!("{}{} end", " ".repeat(start), "a".repeat(SHORTEST - 1));
            assert_eq!(find_long(short.as_bytes(), 0), None, "{start}");
        }
    }

    #[test]
    fn paths_split_into_segments() {
        let source = "/api/v1/QVBTX0tFWT1za190ZXN0/x";
        let run = find_runs(source).remove(0);
        let parts: Vec<&str> =
            split_run(source, &run.range).into_iter().map(|r| source.get(r).unwrap()).collect();
        assert_eq!(parts, ["QVBTX0tFWT1za190ZXN0"]);
    }
}
