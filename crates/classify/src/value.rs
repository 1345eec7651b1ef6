//! Where the value lies in a match, told from the pattern itself.
//!
//! Most patterns are a value between two edges, `(?:^|[^\w])(value)(?:$|[^\w])`. Captures would tell where it lies, but
//! finding them costs several times the search: a quarter of all time in a flood of e-mail addresses, 40 µs for a value of
//! 512 characters. They are not needed where an edge or the value has one length, or where no byte of an edge could begin
//! or end the value. Of the others, most are found part by part. Nor need a search read on where nothing but more of the
//! value can follow.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};
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

fn is_in(set: &Bytes, byte: u8) -> bool {
    set.get(usize::from(byte)).copied().unwrap_or_default()
}

impl Value {
    /// The value of a pattern is its first group, or all of it if there is none.
    pub(crate) fn of(pattern: &Hir) -> Self {
        if pattern.properties().explicit_captures_len() == 0 {
            return Self::Whole;
        }
        let Some([before, value, after]) = cut(pattern) else { return Self::Captured };
        let start =
            length_of(&value).map(Edge::BeforeLast).or_else(|| Edge::of(&before, &value, Side::Start));
        let end = Edge::of(&after, &value, Side::End);
        start.zip(end).map_or(Self::Captured, |(start, end)| Self::Between { start, end })
    }

    /// The value of a match that ends at `end`, if its start is not needed.
    pub(crate) fn locate_from_end(&self, end: usize) -> Option<Range<usize>> {
        match self {
            Self::Between { start: Edge::BeforeLast(len), end: Edge::Fixed(after) } => {
                let end = end.checked_sub(*after)?;
                Some(end.checked_sub(*len)?..end)
            }
            _ => None,
        }
    }

    /// The value within `whole`, a match in `text`; `None` if only captures tell.
    pub(crate) fn locate(&self, text: &[u8], whole: Range<usize>) -> Option<Range<usize>> {
        let (start, end) = match self {
            Self::Whole => return Some(whole),
            Self::Captured => return None,
            Self::Between { start, end } => (start, end),
        };
        let bytes = text.get(whole.clone())?;
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
    /// The edge that `part` is of `value`.
    fn of(part: &Hir, value: &Hir, side: Side) -> Option<Self> {
        if let Some(len) = length_of(part) {
            return Some(Self::Fixed(len));
        }
        if let HirKind::Alternation(edges) = part.kind()
            && let [HirKind::Look(Look::Start), HirKind::Class(_)] =
                edges.iter().map(Hir::kind).collect::<Vec<_>>().as_slice()
            && edges.iter().all(|edge| edge.properties().maximum_len() <= Some(1))
            && side == Side::Start
        {
            return Some(Self::ByteUnlessFirst);
        }
        let (mut of_edge, mut of_value) = ([false; 256], [false; 256]);
        add_bytes(part, &mut of_edge);
        let may_be_empty = add_outer_bytes(value, side, &mut of_value);
        let are_apart = of_edge.iter().zip(&of_value).all(|(edge, value)| !(*edge && *value));
        (!may_be_empty && are_apart).then(|| Self::UpTo(Box::new(of_value)))
    }
}

/// The length of every match of `pattern`, if they have one.
pub(crate) fn length_of(pattern: &Hir) -> Option<usize> {
    let (least, most) = (pattern.properties().minimum_len()?, pattern.properties().maximum_len()?);
    (least == most).then_some(least)
}

/// What stands before the first group of a pattern, what is in it, and what stands after it; `None` where the group is not
/// one of a row.
pub(crate) fn cut(pattern: &Hir) -> Option<[Hir; 3]> {
    let parts = match pattern.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(pattern),
    };
    let first = parts.iter().position(|part| part.properties().explicit_captures_len() > 0)?;
    let (before, [part, after @ ..]) = parts.split_at_checked(first)? else { return None };
    let HirKind::Capture(group) = part.kind() else { return None };
    Some([Hir::concat(before.to_vec()), (*group.sub).clone(), Hir::concat(after.to_vec())])
}

/// A value that is a repetition of bytes, before a fixed number of others.
#[derive(Debug)]
pub(crate) struct Row {
    set: Box<Bytes>,
    least: usize,
    most: usize,
    /// Bytes of the match after the value.
    after: usize,
}

impl Row {
    pub(crate) fn of([_, value, after]: &[Hir; 3]) -> Option<Self> {
        let HirKind::Repetition(repeated) = value.kind() else { return None };
        let set = set_of(&repeated.sub)?;
        let most = repeated.max.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let least = usize::try_from(repeated.min).ok()?;
        Some(Self { set, least, most, after: length_of(after)? })
    }

    /// The value of the match that ends at `end`, if it can start at `start`.
    pub(crate) fn from(&self, start: usize, end: usize, text: &[u8]) -> Option<Range<usize>> {
        let range = start..end.checked_sub(self.after)?;
        let value = text.get(range.clone())?;
        let is_long = (self.least..=self.most).contains(&value.len());
        (is_long && value.iter().all(|byte| is_in(&self.set, *byte))).then_some(range)
    }
}

/// The bytes of a pattern that is one of several bytes.
fn set_of(pattern: &Hir) -> Option<Box<Bytes>> {
    let HirKind::Class(Class::Bytes(_)) = pattern.kind() else { return None };
    let mut set = Box::new([false; 256]);
    add_bytes(pattern, &mut set);
    Some(set)
}

/// The bytes that go on where a match of a shortened pattern ends.
#[derive(Debug)]
pub(crate) struct Tail {
    set: Box<Bytes>,
    most: usize,
}

impl Tail {
    /// How many of `bytes`, which follow the match, belong to it.
    pub(crate) fn measure(&self, bytes: &[u8]) -> usize {
        bytes.iter().take(self.most).take_while(|byte| is_in(&self.set, **byte)).count()
    }
}

/// The pattern with as few repetitions at its end as will do, if it ends in a greedy repetition of bytes: so a search need
/// not look at every byte of a long value, and mostly knows where the value starts.
pub(crate) fn shorten(pattern: &Hir) -> Option<(Hir, Tail)> {
    match pattern.kind() {
        HirKind::Repetition(repeated) => {
            let is_longer = repeated.max.is_none_or(|most| most > repeated.min);
            if !repeated.greedy || !is_longer {
                return None;
            }
            let set = set_of(&repeated.sub)?;
            let most = repeated.max.and_then(|most| usize::try_from(most - repeated.min).ok());
            let shortest = Hir::repetition(Repetition { max: Some(repeated.min), ..repeated.clone() });
            Some((shortest, Tail { set, most: most.unwrap_or(usize::MAX) }))
        }
        HirKind::Capture(group) => {
            let (sub, tail) = shorten(&group.sub)?;
            Some((Hir::capture(Capture { sub: Box::new(sub), ..group.clone() }), tail))
        }
        HirKind::Concat(parts) => {
            let (last, before) = parts.split_last()?;
            // The value has to end where the match ends.
            let has_group = |part: &Hir| part.properties().explicit_captures_len() > 0;
            if before.iter().any(has_group) {
                return None;
            }
            let (last, tail) = shorten(last)?;
            Some((Hir::concat(before.iter().cloned().chain([last]).collect()), tail))
        }
        _ => None,
    }
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
