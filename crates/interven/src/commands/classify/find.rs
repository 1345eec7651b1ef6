//! Findings in a text of any size, each with its line and column.

use interven_classify::Classifier;
use interven_types::{Confidence, DataClass};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// A piece that is classified at once: small enough that what is decoded of it stays within the classifier's budget.
const PIECE_BYTES: usize = 512 << 10;
/// What is read on both sides of a piece: a private key that begins at its end, a label before its start.
const MARGIN_BYTES: usize = 16 << 10;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) class: DataClass,
    pub(super) detector: String,
    pub(super) confidence: Confidence,
    /// Bytes of the text.
    pub(super) span: Range<usize>,
    /// The same in code points.
    pub(super) points: Range<usize>,
    /// From 1.
    pub(super) line: usize,
    /// From 1, in code points.
    pub(super) column: usize,
}

/// Everything in `text`, in order, and why layers of it were not opened.
pub(super) fn find(classifier: &Classifier, text: &str) -> (Vec<Finding>, Vec<String>) {
    let mut findings = Vec::new();
    let mut unopened = BTreeSet::new();
    for piece in pieces(text) {
        let Some(read) = text.get(piece.read.clone()) else { continue };
        let found = classifier.classify_text(read);
        unopened.extend(found.skipped.into_iter().map(|skipped| skipped.why));
        let points = found.hits.iter().flat_map(|hit| [hit.start, hit.end]).collect();
        let bytes = bytes_of(read, points);
        let byte_of = |point: usize| piece.read.start + bytes.get(&point).copied().unwrap_or(read.len());
        findings.extend(found.hits.iter().filter_map(|hit| {
            let span = byte_of(hit.start)..byte_of(hit.end);
            piece.owned.contains(&span.start).then(|| Finding {
                class: hit.class,
                detector: hit.detector.clone(),
                confidence: hit.confidence,
                span,
                points: 0..0,
                line: 0,
                column: 0,
            })
        }));
    }
    findings.sort_by(|a, b| {
        (a.span.start, a.span.end, &a.detector).cmp(&(b.span.start, b.span.end, &b.detector))
    });
    locate(text, &mut findings);
    (findings, unopened.into_iter().collect())
}

/// A part of a text, and what is read to judge it.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    read: Range<usize>,
    owned: Range<usize>,
}

/// Pieces end at line ends, where there are any.
fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start >= text.len() {
            return None;
        }
        let owned = start..line_end_before(text, start, start + PIECE_BYTES);
        let from = owned.start.saturating_sub(MARGIN_BYTES);
        let to = line_end_before(text, owned.end, owned.end + MARGIN_BYTES);
        start = owned.end;
        Some(Piece { read: text.floor_char_boundary(from)..to, owned })
    })
}

/// The last line end after `from` and up to `to`; without one, `to`, or the end.
fn line_end_before(text: &str, from: usize, to: usize) -> usize {
    if to >= text.len() {
        return text.len();
    }
    let to = text.floor_char_boundary(to);
    let line_end = text.get(from..to).and_then(|part| part.rfind('\n'));
    line_end.map_or(to, |at| from + at + 1)
}

/// Where each of these code points begins, in bytes.
fn bytes_of(text: &str, mut points: Vec<usize>) -> BTreeMap<usize, usize> {
    points.sort_unstable();
    points.dedup();
    let mut starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let mut next = 0;
    let mut bytes = BTreeMap::new();
    for point in points {
        let Some(at) = starts.nth(point - next) else { break };
        bytes.insert(point, at);
        next = point + 1;
    }
    bytes
}

/// Lines and columns of findings that come in the order of their starts: each byte is looked at once.
fn locate(text: &str, findings: &mut [Finding]) {
    let (mut at, mut points, mut line, mut line_start) = (0, 0, 1, 0);
    for finding in findings {
        let passed = text.get(at..finding.span.start).unwrap_or_default();
        line += passed.matches('\n').count();
        if let Some((before, _)) = passed.rsplit_once('\n') {
            line_start = points + before.chars().count() + 1;
        }
        points += passed.chars().count();
        at = finding.span.start;
        let length = text.get(finding.span.clone()).map_or(0, |value| value.chars().count());
        finding.points = points..points + length;
        finding.line = line;
        finding.column = points - line_start + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> String {
        ["AK", "IA", "Q3EGZKXW", "2TNLYB7H"].concat()
    }

    #[test]
    fn lines_columns_and_spans_are_those_of_a_person() {
        let text = format!("ü\nkey: {0}\r\n\n  ü {0}\n", secret());
        let (findings, _) = find(&Classifier::builtin(), &text);
        let places: Vec<_> = findings.iter().map(|f| (f.line, f.column, f.points.clone())).collect();
        assert_eq!(places, [(2, 6, 7..27), (4, 5, 34..54)]);
        assert!(findings.iter().all(|f| text.get(f.span.clone()) == Some(&secret())), "{findings:?}");
    }

    #[test]
    fn a_text_of_many_pieces_is_read_as_one() {
        let filler = "nothing to see here, just words\n".repeat(PIECE_BYTES / 32 - 1);
        let key = format!(
            "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwgg\n".repeat(8)
        );
        let text = format!("{filler}{key}{filler}aws {}\n{}", secret(), "x".repeat(3 * PIECE_BYTES));
        let owned: Vec<_> = pieces(&text).map(|piece| piece.owned).collect();
        assert!(owned.len() > 4 && owned.windows(2).all(|pair| pair[0].end == pair[1].start), "{owned:?}");
        assert_eq!((owned[0].start, owned[owned.len() - 1].end), (0, text.len()));
        let (findings, _) = find(&Classifier::builtin(), &text);
        let lines: Vec<_> = findings.iter().map(|f| (f.line, f.span.len() > 20)).collect();
        let filler_lines = filler.lines().count();
        assert_eq!(lines, [(filler_lines + 1, true), (2 * filler_lines + 11, false)], "{findings:?}");
    }
}
