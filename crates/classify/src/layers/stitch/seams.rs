//! What stands between two pieces of one value where code, markup, a shell or a line break cuts it.

use super::{Source, is_piece_byte, labels::measure_label, measure_space, piece_after, piece_before};
use crate::{
    bytes::ByteSet,
    layers::pieces::{Assembly, may_hold_value},
};
use std::ops::Range;

/// Bytes that a seam may begin with, or that say what the next one is; and a blank, which is one between dense tokens.
static MARKS: ByteSet = ByteSet::of(b"[({\"'`<$\\\r\n]:=)");
static MARKS_AND_BLANK: ByteSet = ByteSet::of(b"[({\"'`<$\\\r\n]:=) ");

/// What joins two literals: operators and calls of the usual languages.
const OPERATORS: [&[u8]; 16] = [
    b"+",
    b"..",
    b".",
    b"||",
    b"&",
    b"<>",
    b"++",
    b"<<",
    b"\\",
    b").concat(",
    b".concat(",
    b".append(",
    b".push(",
    b") + (",
    b")+(",
    b"~",
];
/// Longest name that text is added to, and longest tag or comment, in bytes.
const LONGEST_NAME: usize = 64;
const LONGEST_TAG: usize = 256;
/// Expansions of a shell that are empty, or blank at most.
const EMPTY_EXPANSIONS: [&[u8]; 6] = [b"${IFS}", b"$IFS", b"$@", b"$*", b"$()", b"${}"];

/// Joins the pieces on both sides of each seam; pieces that lie between two seams make a chain.
pub(crate) fn join_at_seams(source: Source<'_>, is_dense: bool) -> Assembly {
    let bytes = source.text.as_bytes();
    let mut out = Assembly::default();
    let mut chain = Chain { from: 0, end: None };
    let mut floor = 0;
    for seam in find_seams(bytes, is_dense) {
        let piece = match chain.end {
            // What lies between this seam and the last is one piece: the chain goes on.
            Some(end) if bytes.get(end..seam.start).is_some_and(|p| p.iter().all(|b| is_piece_byte(*b))) => {
                end..seam.start
            }
            _ => {
                floor = chain.finish(source, &mut out).max(floor);
                piece_before(bytes, seam.start, floor)..seam.start
            }
        };
        source.add(piece, &mut out);
        chain.end = Some(seam.end);
    }
    chain.finish(source, &mut out);
    out
}

struct Chain {
    from: usize,
    /// End of the last seam, when the chain is open.
    end: Option<usize>,
}

impl Chain {
    /// Adds the last piece; answers where it ends.
    fn finish(&mut self, source: Source<'_>, out: &mut Assembly) -> usize {
        let Some(start) = self.end.take() else { return 0 };
        let end = piece_after(source.text.as_bytes(), start);
        source.add(start..end, out);
        out.close(self.from, may_hold_value);
        self.from = out.text.len();
        end
    }
}

/// Every seam, in rising order; each stands between two bytes of pieces.
fn find_seams(bytes: &[u8], is_dense: bool) -> Vec<Range<usize>> {
    let mut seams: Vec<Range<usize>> = Vec::new();
    let mut list = None;
    let mut at = 0;
    let is_piece_at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|b| is_piece_byte(*b));
    let marks = if is_dense { &MARKS_AND_BLANK } else { &MARKS };
    while let Some(mark) = marks.find(bytes, at)
        && let Some(byte) = bytes.get(mark)
    {
        at = mark;
        let is_after_piece = || is_piece_at(at.checked_sub(1));
        let end = match byte {
            b'[' | b'(' | b'{' => {
                list = Some(*byte);
                None
            }
            b'"' | b'\'' | b'`' | b'<' | b'$' | b'\\' | b'\r' | b'\n' if !is_after_piece() => None,
            b']' if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"]]>")) => end_of_markup(bytes, at),
            b'"' | b'\'' | b'`' => end_of_quotes(bytes, at, matches!(list, Some(b'[' | b'('))),
            b'<' => end_of_markup(bytes, at),
            b'$' => end_of_expansion(bytes, at),
            b'\\' => end_of_backslash(bytes, at),
            b'\r' | b'\n' => end_of_line(bytes, at),
            b' ' if is_after_piece() => end_of_gap(bytes, at),
            b':' | b'=' | b')' | b']' => {
                list = list.filter(|_| matches!(byte, b':' | b'='));
                if let Some(label) = measure_label(bytes, at) {
                    while seams.last().is_some_and(|last| last.end > label.start) {
                        seams.pop();
                    }
                    at = label.end;
                    seams.push(label);
                    continue;
                }
                None
            }
            _ => None,
        };
        match end.filter(|end| is_piece_at(Some(*end)) && is_after_piece()) {
            Some(end) => {
                seams.push(at..end);
                at = end;
            }
            None => at += 1,
        }
    }
    seams
}

/// A closing quote, what joins it to the next literal, and that one's opening quote; or quotes inside a word of a shell.
fn end_of_quotes(bytes: &[u8], at: usize, is_list: bool) -> Option<usize> {
    let mut next = at + 1;
    next += measure_space(bytes, next);
    let rest = bytes.get(next..)?;
    let may_join = matches!(rest.first(), Some(b'+' | b'.' | b'|' | b'&' | b'<' | b'\\' | b')' | b'~'));
    let operator =
        OPERATORS.iter().filter(|operator| may_join && rest.starts_with(operator)).map(|o| o.len()).max();
    let joined = match operator {
        Some(len) => Some(next + len),
        None if rest.first() == Some(&b',') && is_list => Some(next + 1),
        None => None,
    };
    let literal = joined.or_else(|| end_of_assignment(bytes, next)).unwrap_or(next);
    if let Some(start) = opening_quote(bytes, literal + measure_space(bytes, literal)) {
        return Some(start);
    }
    let quotes = bytes.get(at..)?.iter().take(4).take_while(|b| matches!(b, b'"' | b'\'')).count();
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    (is_word(bytes.get(at.checked_sub(1)?)) && is_word(bytes.get(at + quotes))).then_some(at + quotes)
}

/// `; name +=` at `at`: the same name gets another piece.
fn end_of_assignment(bytes: &[u8], at: usize) -> Option<usize> {
    let mut next = at + usize::from(bytes.get(at) == Some(&b';'));
    next += measure_space(bytes, next);
    let name = bytes.get(next..)?.iter().take(LONGEST_NAME);
    let name = name.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$')).count();
    next += name;
    next += measure_space(bytes, next);
    let rest = bytes.get(next..)?;
    (name > 0 && (rest.starts_with(b"+=") || rest.starts_with(b".="))).then_some(next + 2)
}

/// What follows the opening quote of a literal at `at`; a letter may stand before it (`b"…"`, `r'…'`).
fn opening_quote(bytes: &[u8], at: usize) -> Option<usize> {
    let is_quote = |at: usize| matches!(bytes.get(at), Some(b'"' | b'\'' | b'`'));
    if is_quote(at) {
        return Some(at + 1);
    }
    let has_prefix = matches!(bytes.get(at), Some(b'b' | b'r' | b'f' | b'u' | b'@' | b'$' | b'L'));
    (has_prefix && is_quote(at + 1)).then_some(at + 2)
}

/// Tags, comments and borders of CDATA sections, one after another (XML 1.0 §2.5, §2.7, §3.1).
fn end_of_markup(bytes: &[u8], at: usize) -> Option<usize> {
    let mut next = at;
    loop {
        let rest = bytes.get(next..)?;
        let window = rest.get(..rest.len().min(LONGEST_TAG))?;
        let len = if rest.starts_with(b"<!--") {
            memchr::memmem::find(window, b"-->")? + 3
        } else if rest.starts_with(b"<![CDATA[") {
            9
        } else if rest.starts_with(b"]]>") {
            3
        } else if rest.first() == Some(&b'<') {
            let is_tag = rest.get(1).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/');
            is_tag.then_some(memchr::memchr(b'>', window)? + 1)?
        } else {
            break;
        };
        next += len;
        let space = measure_space(bytes, next);
        if bytes.get(next + space) == Some(&b'<') {
            next += space;
        }
    }
    (next > at).then_some(next)
}

fn end_of_expansion(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    EMPTY_EXPANSIONS
        .iter()
        .find(|expansion| rest.starts_with(expansion))
        .map(|expansion| at + expansion.len())
}

/// A backslash at the end of a line, or one that a shell drops before a letter that needs none.
fn end_of_backslash(bytes: &[u8], at: usize) -> Option<usize> {
    let next = *bytes.get(at + 1)?;
    if next.is_ascii_whitespace() {
        return Some(at + 1 + measure_space(bytes, at + 1));
    }
    let is_escape = matches!(next, b'u' | b'U' | b'x' | b'N' | b'0'..=b'9');
    (next.is_ascii_alphanumeric() && !is_escape || next == b'_').then_some(at + 1)
}

/// A line break between two tokens, one of which has its line to itself but for what quotes or indents it.
fn end_of_line(bytes: &[u8], at: usize) -> Option<usize> {
    const MARKS: [&[u8]; 8] = [b"> ", b"| ", b"# ", b"// ", b"* ", b"- ", b"data: ", b"data:"];
    let mut next = at + measure_space(bytes, at);
    let rest = bytes.get(next..)?;
    next += MARKS.iter().find(|mark| rest.starts_with(mark)).map_or(0, |mark| mark.len());
    let is_next_alone = bytes.get(piece_after(bytes, next)).is_none_or(|b| matches!(b, b'\r' | b'\n'));
    let start = piece_before(bytes, at, 0);
    let is_last_alone = || {
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        before.is_none_or(u8::is_ascii_whitespace)
    };
    (is_next_alone && is_last_alone()).then_some(next)
}

/// A blank between two tokens of which neither is a word.
fn end_of_gap(bytes: &[u8], at: usize) -> Option<usize> {
    if !is_cryptic(bytes.get(piece_before(bytes, at, 0)..at)?) {
        return None;
    }
    let next = at + measure_space(bytes, at);
    is_cryptic(bytes.get(next..piece_after(bytes, next))?).then_some(next)
}

/// Whether letters and digits are mixed, or a capital follows a small letter.
fn is_cryptic(token: &[u8]) -> bool {
    const SHORTEST: usize = 3;
    const LONGEST_PLAIN: usize = 64;
    let pairs = token.iter().zip(token.iter().skip(1)).take(LONGEST_PLAIN);
    let is_turn = |(a, b): (&u8, &u8)| {
        a.is_ascii_alphabetic() && b.is_ascii_digit() || a.is_ascii_lowercase() && b.is_ascii_uppercase()
    };
    token.len() >= SHORTEST && pairs.into_iter().any(is_turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AKIA2E5A6B7CXQ4TZNFM";

    fn joined(text: &str) -> String {
        join_at_seams(Source { segment: 0, text }, true).text
    }

    #[test]
    fn pieces_are_joined_at_every_kind_of_seam() {
        for text in [
            r#"k = "AKIA2E5A" + "6B7CXQ4TZNFM""#,
            "k = \"AKIA2E5A\"\n  + \"6B7CXQ4TZNFM\"",
            "$k = 'AKIA2E5A' . '6B7CXQ4TZNFM';",
            "select 'AKIA2E5A' || '6B7CXQ4TZNFM'",
            r#"puts "AKIA2E5A" "6B7CXQ4TZNFM""#,
            r#"["AKIA", "2E5A", "6B7CXQ4TZNFM"].join('')"#,
            "concat('AKIA2E5A','6B7CXQ4TZNFM')",
            "k = \"AKIA2E5A\"; k += \"6B7CXQ4TZNFM\"",
            "echo AKIA\"2E5A\"6B7CXQ4TZNFM",
            r"echo AKIA2E5\A6B7CX\Q4TZNFM",
            "echo AKIA2E5A${IFS}6B7CXQ4TZNFM",
            "echo AKIA2E5A\\\n6B7CXQ4TZNFM",
            "AKIA<!-- x -->2E5A6B7CXQ4TZNFM",
            "<p><b>AKIA2E5A</b>6B7CXQ4TZNFM</p>",
            "<![CDATA[AKIA2E5A]]><![CDATA[6B7CXQ4TZNFM]]>",
            "the key:\nAKIA2E5A\n  6B7CXQ4T\n  ZNFM\n",
            "> AKIA2E5A\n> 6B7CXQ4TZNFM",
            "see AKIA2E5A6 B7CXQ4TZNFM there",
            "part 1: AKIA2E5A part 2: 6B7CXQ4TZNFM",
            "first half: AKIA2E5A6, second half: B7CXQ4TZNFM",
            "1) AKIA2E5A6 2) B7CXQ4TZNFM",
        ] {
            assert!(joined(text).contains(KEY), "{text}: {}", joined(text));
        }
    }

    #[test]
    fn ordinary_text_has_nothing_to_join() {
        for text in [
            "It's fine; don't worry about the team's report: nothing changed.",
            r#"{"name": "build", "state": "open", "labels": "docs"}"#,
            "first line of a paragraph\nsecond line of it\n",
            "<p>Hello <b>world</b>, and good bye</p>",
            r#"let a = "hello" + name + "!";"#,
        ] {
            assert_eq!(joined(text), "", "{text}");
        }
    }
}
