//! Transparent layers: escapes, percent-encoding, entities, invisible and look-alike characters.
//!
//! They are undone in one left-to-right pass that remembers where each piece came from, so that a match in the
//! revealed text is a span of the source.

use super::fold::fold_char;
use std::ops::Range;

/// A stretch of the revealed text that differs from its source.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece {
    out: Range<usize>,
    source: Range<usize>,
}

/// A text with its transparent layer undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Revealed {
    pub(crate) text: String,
    pieces: Vec<Piece>,
}

impl Revealed {
    /// The part of the source that `span` of the revealed text came from.
    pub(crate) fn source_of(&self, span: &Range<usize>) -> Range<usize> {
        self.source_at(span.start, false)..self.source_at(span.end, true)
    }

    /// Whether something inside or at the edge of `span` was revealed, so that it was not visible in the source.
    pub(crate) fn is_changed_in(&self, span: &Range<usize>) -> bool {
        let first = self.pieces.partition_point(|p| p.out.end < span.start);
        self.pieces.get(first).is_some_and(|p| p.out.start <= span.end)
    }

    fn source_at(&self, at: usize, is_end: bool) -> usize {
        // Pieces that begin before the position; an end inside a piece takes the whole piece.
        let before =
            self.pieces.partition_point(|p| if is_end { p.out.start < at } else { p.out.start <= at });
        let Some(piece) = before.checked_sub(1).and_then(|i| self.pieces.get(i)) else { return at };
        if at < piece.out.end || (is_end && at == piece.out.end) {
            return if is_end { piece.source.end } else { piece.source.start };
        }
        piece.source.end + (at - piece.out.end)
    }
}

/// Undoes one transparent layer of `source`; `None` when there is none.
pub(crate) fn reveal(source: &str) -> Option<Revealed> {
    let is_form = memchr::memchr(b'+', source.as_bytes()).is_some() && looks_like_form(source);
    let has_escape = memchr::memchr3(b'\\', b'%', b'&', source.as_bytes()).is_some();
    if !is_form && !has_escape && source.is_ascii() {
        return None;
    }
    let bytes = source.as_bytes();
    let mut revealed = Revealed::default();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let decoded = match byte {
            b'\\' => unescape(source, at),
            b'%' => percent_decode(source, at),
            b'&' => entity(source, at),
            b'+' if is_form => Some((Text::Char(' '), 1)),
            b if b.is_ascii() => None,
            _ => {
                let c = source.get(at..).and_then(|rest| rest.chars().next());
                let len = c.map_or(1, char::len_utf8);
                match c.and_then(fold_char) {
                    Some(folded) => Some((folded.map_or(Text::Nothing, Text::Char), len)),
                    None => {
                        at += len;
                        continue;
                    }
                }
            }
        };
        let Some((text, len)) = decoded else {
            at += 1;
            continue;
        };
        if revealed.text.capacity() == 0 {
            revealed.text.reserve(source.len());
        }
        revealed.text.push_str(source.get(copied..at).unwrap_or_default());
        let start = revealed.text.len();
        match text {
            Text::Nothing => {}
            Text::Char(c) => revealed.text.push(c),
            Text::Run(run) => revealed.text.push_str(&run),
        }
        revealed.pieces.push(Piece { out: start..revealed.text.len(), source: at..at + len });
        at += len;
        copied = at;
    }
    if revealed.pieces.is_empty() {
        return None;
    }
    revealed.text.push_str(source.get(copied..).unwrap_or_default());
    Some(revealed)
}

enum Text {
    Nothing,
    Char(char),
    Run(String),
}

/// `name=value&…` without white space: there, `+` is a space (WHATWG URL standard, form-urlencoded).
fn looks_like_form(source: &str) -> bool {
    memchr::memchr(b'=', source.as_bytes()).is_some()
        && !source.bytes().any(|b| b.is_ascii_whitespace() || b == b'"' || b == b'{')
        && (memchr::memchr2(b'&', b'%', source.as_bytes()).is_some())
}

/// Escapes of JSON (RFC 8259 §7) and of the C family: `\n`, `\"`, `\u0041`, `\u{41}`, `\x41`.
fn unescape(source: &str, at: usize) -> Option<(Text, usize)> {
    let bytes = source.as_bytes();
    let simple = |c| Some((Text::Char(c), 2));
    match bytes.get(at + 1)? {
        b'"' => simple('"'),
        b'\'' => simple('\''),
        b'\\' => simple('\\'),
        b'/' => simple('/'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'b' | b'f' => simple(' '),
        b'x' => Some((Text::Char(char::from(u8::try_from(hex(source, at + 2, 2)?).ok()?)), 4)),
        b'u' if bytes.get(at + 2) == Some(&b'{') => {
            let digits = source.get(at + 3..)?.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
            let code = hex(source, at + 3, digits)?;
            (bytes.get(at + 3 + digits) == Some(&b'}')).then_some(())?;
            Some((Text::Char(char::from_u32(code)?), digits + 4))
        }
        b'u' => {
            let high = hex(source, at + 2, 4)?;
            if let Some(c) = char::from_u32(high) {
                return Some((Text::Char(c), 6));
            }
            source.get(at + 6..at + 8).filter(|s| *s == "\\u")?;
            let low = hex(source, at + 8, 4)?;
            let is_pair = (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low);
            let code = is_pair.then(|| 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))?;
            Some((Text::Char(char::from_u32(code)?), 12))
        }
        _ => None,
    }
}

fn hex(source: &str, at: usize, len: usize) -> Option<u32> {
    let digits = source.get(at..at + len)?;
    if len == 0 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// `%41`; what is not ASCII comes as a sequence that must be UTF-8 (RFC 3986 §2.1, RFC 3629).
fn percent_decode(source: &str, at: usize) -> Option<(Text, usize)> {
    let octet = |n: usize| {
        let start = at + 3 * n;
        (source.as_bytes().get(start) == Some(&b'%')).then(|| hex(source, start + 1, 2)).flatten()
    };
    let first = u8::try_from(octet(0)?).ok()?;
    if first.is_ascii() {
        return Some((Text::Char(char::from(first)), 3));
    }
    let len = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    let run: Vec<u8> = (0..len).map_while(octet).filter_map(|o| u8::try_from(o).ok()).collect();
    let text = String::from_utf8(run).ok().filter(|t| t.chars().count() == 1)?;
    Some((Text::Run(text), len * 3))
}

/// Character references of HTML and XML: numeric ones, and the named ones of ASCII characters.
fn entity(source: &str, at: usize) -> Option<(Text, usize)> {
    const NAMED: &[(&str, char)] = &[
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("commat", '@'),
        ("period", '.'),
        ("colon", ':'),
        ("equals", '='),
        ("sol", '/'),
        ("num", '#'),
        ("lowbar", '_'),
        ("hyphen", '-'),
        ("dash", '-'),
        ("plus", '+'),
        ("Tab", '\t'),
        ("NewLine", '\n'),
        ("dollar", '$'),
    ];
    const LONGEST: usize = 10;
    let rest = source.get(at + 1..)?;
    let end = rest.bytes().take(LONGEST).position(|b| b == b';')?;
    let name = rest.get(..end)?;
    let c = match name.strip_prefix('#') {
        Some(number) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
        None => NAMED.iter().find(|(n, _)| *n == name)?.1,
    };
    Some((Text::Char(c), end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_is_undone() {
        let cases = [
            (r#"{\"a\":\"b\\n\"}"#, r#"{"a":"b\n"}"#),
            (r"\u0041\x42\u{43}\ud83d\ude00", "ABC😀"),
            ("a%40b.c%C3%BC%e2%82%ac", "a@b.cü€"),
            ("a&#64;b&#x2e;c&amp;&lt;", "a@b.c&<"),
            ("k=a+b&c=d", "k=a b&c=d"),
            ("4\u{200b}1\u{200b}1", "411"),
            ("ＡＢ c", "AB c"),
        ];
        for (source, expected) in cases {
            assert_eq!(reveal(source).unwrap().text, expected, "{source}");
        }
    }

    #[test]
    fn what_is_no_encoding_stays() {
        for source in [
            "plain",
            "100% sure",
            "R&D;",
            r"C:\qux",
            "%zz %4",
            r"\u12 \ud800 \x4",
            "a+b = c",
            "Grüße",
            "%ff%fe",
        ] {
            assert_eq!(reveal(source), None, "{source}");
        }
    }

    #[test]
    fn spans_lead_back_to_the_source() {
        let source = "x=%41%42c&#100;e\u{200b}f!";
        let revealed = reveal(source).unwrap();
        assert_eq!(revealed.text, "x=ABcdef!");
        let back = |text: &str| {
            let start = revealed.text.find(text).unwrap();
            source.get(revealed.source_of(&(start..start + text.len()))).unwrap()
        };
        assert_eq!(back("ABcdef"), "%41%42c&#100;e\u{200b}f");
        assert_eq!(back("B"), "%42");
        assert_eq!(back("c"), "c");
        assert_eq!(back("!"), "!");
        assert_eq!(back("ef"), "e\u{200b}f");
        assert!(revealed.is_changed_in(&(2..3)) && !revealed.is_changed_in(&(0..1)));
    }
}
