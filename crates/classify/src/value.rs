//! Where the value lies in a match, told from the pattern itself.
//!
//! Most patterns are a value between two edges, `(?:^|[^\w])(value)(?:$|[^\w])`. Captures would tell where it lies, but
//! finding them costs several times the search: a quarter of all time in a flood of e-mail addresses, 40 µs for a value of
//! 512 characters. They are not needed where an edge or the value has one length, or where no byte of an edge could begin
//! or end the value. Where the value runs to the end of the match, captures of its opening do.

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use std::ops::Range;

/// How to find the value of a match.
#[derive(Debug)]
pub(crate) enum Value {
    /// The whole match.
    Whole,
    Between {
        start: Edge,
        end: Edge,
    },
    /// Only captures tell.
    Captured,
}

/// What stands between an end of the match and the value.
#[derive(Debug)]
pub(crate) enum Edge {
    /// So many bytes.
    Fixed(usize),
    /// One byte, or at the very start of the text perhaps none; only at the start.
    ByteUnlessFirst,
    /// Whatever comes before the first of these bytes, or after the last.
    UpTo(Box<Bytes>),
    /// Whatever comes before so many bytes of value; only at the start.
    BeforeLast(usize),
}

type Bytes = [bool; 256];

impl Value {
    /// The value of a pattern is its first group, or all of it if there is none.
    pub(crate) fn of(pattern: &Hir) -> Self {
        if pattern.properties().explicit_captures_len() == 0 {
            return Self::Whole;
        }
        let parts = match pattern.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(pattern),
        };
        let first = parts.iter().position(|part| part.properties().explicit_captures_len() > 0);
        let Some((before, [part, after @ ..])) = first.and_then(|at| parts.split_at_checked(at)) else {
            return Self::Captured;
        };
        let HirKind::Capture(group) = part.kind() else { return Self::Captured };
        let start =
            length_of(&group.sub).map(Edge::BeforeLast).or_else(|| Edge::of(before, &group.sub, Side::Start));
        let end = Edge::of(after, &group.sub, Side::End);
        start.zip(end).map_or(Self::Captured, |(start, end)| Self::Between { start, end })
    }

    /// The value within `whole`, a match in `text`; `None` if only captures tell.
    pub(crate) fn locate(&self, text: &[u8], whole: Range<usize>) -> Option<Range<usize>> {
        let (start, end) = match self {
            Self::Whole => return Some(whole),
            Self::Captured => return None,
            Self::Between { start, end } => (start, end),
        };
        let bytes = text.get(whole.clone())?;
        let is_in = |set: &Bytes, byte: u8| set.get(usize::from(byte)).copied().unwrap_or_default();
        let left = match end {
            Edge::Fixed(len) => *len,
            Edge::UpTo(set) => bytes.iter().rev().position(|byte| is_in(set, *byte))?,
            Edge::BeforeLast(_) | Edge::ByteUnlessFirst => return None,
        };
        let end = whole.end.checked_sub(left)?;
        let start = match start {
            Edge::Fixed(len) => whole.start + len,
            Edge::ByteUnlessFirst if whole.start == 0 => return None,
            Edge::ByteUnlessFirst => whole.start + 1,
            Edge::UpTo(set) => whole.start + bytes.iter().position(|byte| is_in(set, *byte))?,
            Edge::BeforeLast(len) => end.checked_sub(*len)?,
        };
        Some(start..end)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Start,
    End,
}

impl Edge {
    /// The edge that `parts` are of `value`.
    fn of(parts: &[Hir], value: &Hir, side: Side) -> Option<Self> {
        if let Some(len) = parts.iter().map(length_of).sum::<Option<usize>>() {
            return Some(Self::Fixed(len));
        }
        if let [HirKind::Alternation(edges)] = parts.iter().map(Hir::kind).collect::<Vec<_>>().as_slice()
            && let [HirKind::Look(Look::Start), HirKind::Class(_)] =
                edges.iter().map(Hir::kind).collect::<Vec<_>>().as_slice()
            && edges.iter().all(|edge| edge.properties().maximum_len() <= Some(1))
            && side == Side::Start
        {
            return Some(Self::ByteUnlessFirst);
        }
        let (mut of_edge, mut of_value) = ([false; 256], [false; 256]);
        parts.iter().for_each(|part| add_bytes(part, &mut of_edge));
        let may_be_empty = add_outer_bytes(value, side, &mut of_value);
        let are_apart = of_edge.iter().zip(&of_value).all(|(edge, value)| !(*edge && *value));
        (!may_be_empty && are_apart).then(|| Self::UpTo(Box::new(of_value)))
    }
}

/// The length of every match of `pattern`, if they have one.
fn length_of(pattern: &Hir) -> Option<usize> {
    let (least, most) = (pattern.properties().minimum_len()?, pattern.properties().maximum_len()?);
    (least == most).then_some(least)
}

/// A pattern whose value is a repetition that ends the match, with the fewest repetitions that will do, and their length
/// in bytes. What stands before the value is chosen alike by both; the value itself then runs to the end of the match.
pub(crate) fn shorten(pattern: &Hir) -> Option<(Hir, usize)> {
    let HirKind::Concat(parts) = pattern.kind() else { return None };
    let (last, before) = parts.split_last()?;
    let HirKind::Capture(group) = last.kind() else { return None };
    let HirKind::Repetition(value) = group.sub.kind() else { return None };
    let is_of_classes = matches!(value.sub.kind(), HirKind::Class(_));
    let has_groups = before.iter().any(|part| part.properties().explicit_captures_len() > 0);
    if has_groups || !is_of_classes || value.min == 0 || !value.greedy {
        return None;
    }
    let shortest = Hir::repetition(Repetition { max: Some(value.min), ..value.clone() });
    let len = length_of(&shortest)?;
    Some((Hir::concat(before.iter().cloned().chain([shortest]).collect()), len))
}

/// Adds every byte that a match of `pattern` may hold.
fn add_bytes(pattern: &Hir, into: &mut Bytes) {
    let mut add = |start: u8, end: u8| {
        into.iter_mut().take(usize::from(end) + 1).skip(usize::from(start)).for_each(|is_in| *is_in = true);
    };
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| add(*byte, *byte)),
        HirKind::Class(Class::Bytes(class)) => class.iter().for_each(|range| add(range.start(), range.end())),
        // Any byte beyond ASCII may be part of a character beyond it.
        HirKind::Class(Class::Unicode(class)) => class.iter().for_each(|range| {
            let last_ascii = |c: char| u8::try_from(c).unwrap_or(u8::MAX);
            add(if range.start().is_ascii() { last_ascii(range.start()) } else { 0x80 }, {
                if range.end().is_ascii() { last_ascii(range.end()) } else { u8::MAX }
            });
        }),
        HirKind::Repetition(repetition) => add_bytes(&repetition.sub, into),
        HirKind::Capture(group) => add_bytes(&group.sub, into),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().for_each(|part| add_bytes(part, into));
        }
    }
}

/// Adds the bytes that a match of `pattern` may begin or end with; tells whether the match may be empty.
fn add_outer_bytes(pattern: &Hir, side: Side, into: &mut Bytes) -> bool {
    match pattern.kind() {
        HirKind::Literal(literal) => {
            let outer = if side == Side::Start { literal.0.first() } else { literal.0.last() };
            if let Some(is_in) = outer.and_then(|byte| into.get_mut(usize::from(*byte))) {
                *is_in = true;
            }
        }
        HirKind::Repetition(repetition) => {
            return add_outer_bytes(&repetition.sub, side, into) || repetition.min == 0;
        }
        HirKind::Capture(group) => return add_outer_bytes(&group.sub, side, into),
        HirKind::Concat(parts) if side == Side::Start => {
            return parts.iter().all(|part| add_outer_bytes(part, side, into));
        }
        HirKind::Concat(parts) => return parts.iter().rev().all(|part| add_outer_bytes(part, side, into)),
        HirKind::Alternation(parts) => {
            // Every alternative counts, also after one that may be empty.
            return parts.iter().filter(|part| add_outer_bytes(part, side, into)).count() > 0;
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => add_bytes(pattern, into),
    }
    pattern.properties().minimum_len() == Some(0)
}
