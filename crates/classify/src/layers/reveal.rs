//! Transparent layers: escapes, percent-encoding, entities, doubled quotes, invisible and look-alike characters.
//!
//! They are undone in one left-to-right pass that remembers where each piece came from, so that a match in the
//! revealed text is a span of the source.

use super::fold::{fold_char, fold_look_alike};
use crate::bytes::ByteSet;
use memchr::memmem::Finder;
use std::{ops::Range, sync::LazyLock};

/// Bytes of ASCII that something may begin with that is undone.
static MARKS: ByteSet = ByteSet::of(b"\\%&+=");

/// The same in a text that has quotes within quotes.
static MARKS_AND_QUOTES: ByteSet = ByteSet::of(b"\\%&+=\"'");

/// What a quoted literal stands after: the separators of tables and lists, and the operators before a value.
static BEFORE_LITERAL: ByteSet = ByteSet::of(b" \t\r\n,;|=:([{");

/// What a token is made of, besides characters beyond ASCII.
static TOKEN: ByteSet = ByteSet::alphanumeric_and(b"_-");

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
    let is_printable = is_quoted_printable(source.as_bytes());
    let has_query = has_plus_in_query(source.as_bytes());
    let has_quotes = has_quoted_quote(source.as_bytes());
    if !is_form && !is_printable && !has_query && !has_quotes && !has_escape(source) {
        return None;
    }
    let marks = if has_quotes { &MARKS_AND_QUOTES } else { &MARKS };
    let mut place = Place::default();
    let bytes = source.as_bytes();
    let mut revealed = Revealed::default();
    let mut copied = 0;
    let mut at = 0;
    let next = |from: usize| {
        let rest = bytes.get(from..)?;
        rest.iter().position(|b| marks.has(*b) || !b.is_ascii()).map(|at| from + at)
    };
    while let Some(mark) = next(at)
        && let Some(byte) = bytes.get(mark)
    {
        at = mark;
        let decoded = match byte {
            b'\\' => unescape(source, at),
            b'%' => decode_octets(source, at),
            b'&' => entity(source, at),
            b'+' if is_form || has_query && place.is_in_query(bytes, at) => Some((Text::Char(' '), 1)),
            b'=' if is_printable => unquote_printable(source, at),
            b'"' | b'\'' => place.unquote(bytes, at, *byte),
            b if b.is_ascii() => None,
            _ => {
                let c = source.get(at..).and_then(|rest| rest.chars().next());
                let len = c.map_or(1, char::len_utf8);
                let folded = c.and_then(|c| fold_char(c).or_else(|| place.fold_in_token(source, at, c)));
                match folded {
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

/// Whether something may be escaped: a byte that begins an escape, or a character beyond ASCII.
pub(crate) fn has_escape(source: &str) -> bool {
    memchr::memchr3(b'\\', b'%', b'&', source.as_bytes()).is_some() || !source.is_ascii()
}

/// Whether a quote may stand within quotes: two in a row, which the shell's `'\''` has too, or a quote in other quotes.
fn has_quoted_quote(bytes: &[u8]) -> bool {
    static SIGNS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["\"\"", "''", "'\"'\"'"].map(Finder::new));
    SIGNS.iter().any(|sign| sign.find(bytes).is_some())
}

/// What is known of the surroundings of the position that a pass has reached.
#[derive(Debug, Default)]
struct Place {
    /// End of the query that was looked at last, and whether it is one.
    query_end: usize,
    is_query: bool,
    /// End of the token that was looked at last, and whether it mixes ASCII with its look-alikes.
    token_end: usize,
    is_mixed: bool,
    /// The quote that began the literal that the position lies in.
    literal: Option<u8>,
}

impl Place {
    /// A quote within the literal that it would end: written twice in a field of CSV (RFC 4180 §2.7), a string of SQL (ISO/IEC 9075-2
    /// §5.3) or a scalar of YAML (1.2.2 §7.3.2), or between two words that a shell puts together (POSIX §2.2.2).
    fn unquote(&mut self, bytes: &[u8], at: usize, quote: u8) -> Option<(Text, usize)> {
        match self.literal {
            None => {
                let before = at.checked_sub(1).and_then(|before| bytes.get(before));
                // Three in a row begin a string of Python, unless a field of CSV begins there.
                let is_triple = bytes.get(at..).is_some_and(|rest| rest.starts_with(b"\"\"\""));
                let is_literal = match before {
                    None => false,
                    Some(b',' | b';' | b'\t') => true,
                    Some(b) => !is_triple && BEFORE_LITERAL.has(*b),
                };
                self.literal = is_literal.then_some(quote);
                None
            }
            Some(open) if open != quote => None,
            Some(_) => {
                let len = match bytes.get(at..)? {
                    [_, next, ..] if *next == quote => 2,
                    [b'\'', b'\\', b'\'', b'\'', ..] => 4,
                    [b'\'', b'"', b'\'', b'"', b'\'', ..] => 5,
                    _ => {
                        self.literal = None;
                        return None;
                    }
                };
                Some((Text::Char(char::from(quote)), len))
            }
        }
    }

    /// Whether `at` lies in the query of a URL.
    fn is_in_query(&mut self, bytes: &[u8], at: usize) -> bool {
        if at >= self.query_end {
            let is_end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>');
            let before = bytes.get(self.query_end..at).unwrap_or_default();
            let start = self.query_end + before.iter().rposition(is_end).map_or(0, |at| at + 1);
            let rest = bytes.get(at..).unwrap_or_default();
            self.query_end = at + rest.iter().position(is_end).unwrap_or(rest.len());
            let url = bytes.get(start..at).unwrap_or_default();
            self.is_query =
                memchr::memmem::find(url, b"://").is_some() && memchr::memchr(b'?', url).is_some();
        }
        self.is_query
    }

    /// What `c` looks like, when its token has ASCII letters or digits and nothing that looks like none of them: prose in
    /// another script stays what it is.
    fn fold_in_token(&mut self, source: &str, at: usize, c: char) -> Option<Option<char>> {
        if at >= self.token_end {
            let is_token = |b: &u8| TOKEN.has(*b) || !b.is_ascii();
            let bytes = source.as_bytes();
            let before =
                bytes.get(self.token_end..at).unwrap_or_default().iter().rev().take_while(|b| is_token(b));
            let rest = bytes.get(at..).unwrap_or_default();
            self.token_end = at + rest.iter().position(|b| !is_token(b)).unwrap_or(rest.len());
            let token = source.get(at..self.token_end).unwrap_or_default();
            self.is_mixed = before.chain(token.as_bytes()).any(u8::is_ascii_alphanumeric)
                && token
                    .chars()
                    .all(|c| c.is_ascii() || fold_look_alike(c).is_some() || fold_char(c).is_some());
        }
        self.is_mixed.then(|| fold_look_alike(c)).flatten().map(Some)
    }
}

/// Whether a text is quoted-printable (RFC 2045 §6.7): it has a soft line break, or three bytes in a row written so.
fn is_quoted_printable(bytes: &[u8]) -> bool {
    let is_code = |at: usize| {
        bytes.get(at) == Some(&b'=')
            && bytes.get(at + 1..at + 3).is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
    };
    memchr::memchr_iter(b'=', bytes).any(|at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let is_break = matches!(bytes.get(at + 1..), Some([b'\n', ..] | [b'\r', b'\n', ..]));
        is_break && before.is_some_and(|b| !b.is_ascii_whitespace() && *b != b'=')
            || is_code(at) && is_code(at + 3) && is_code(at + 6)
    })
}

/// `=41`, or a soft line break.
fn unquote_printable(source: &str, at: usize) -> Option<(Text, usize)> {
    match source.as_bytes().get(at + 1..)? {
        [b'\n', ..] => Some((Text::Nothing, 2)),
        [b'\r', b'\n', ..] => Some((Text::Nothing, 3)),
        _ => decode_octets(source, at).filter(
            |(text, _)| !matches!(text, Text::Char(c) if !c.is_ascii_graphic() && !c.is_ascii_whitespace()),
        ),
    }
}

/// Whether a URL may have a query with `+` in it: there, `+` is a space.
fn has_plus_in_query(bytes: &[u8]) -> bool {
    memchr::memrchr(b'+', bytes).is_some_and(|plus| {
        let before = bytes.get(..plus).unwrap_or_default();
        memchr::memchr(b'?', before).is_some() && memchr::memmem::find(before, b"://").is_some()
    })
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

/// Escapes of JSON (RFC 8259 §7), of the C family and of scripts: `\n`, `\"`, `\u0041`, `\u{41}`, `\x41`, `\101`, `\N{U+41}`.
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
        b'0'..=b'3' => {
            let digits =
                source.get(at + 1..at + 4).filter(|d| d.bytes().all(|b| matches!(b, b'0'..=b'7')))?;
            let code = u8::from_str_radix(digits, 8).ok().filter(u8::is_ascii_graphic)?;
            Some((Text::Char(char::from(code)), 4))
        }
        b'N' => {
            let digits =
                source.get(at + 2..)?.strip_prefix("{U+")?.split('}').next().filter(|d| d.len() <= 6)?;
            let code = hex(source, at + 5, digits.len())?;
            (bytes.get(at + 5 + digits.len()) == Some(&b'}')).then_some(())?;
            Some((Text::Char(char::from_u32(code)?), digits.len() + 6))
        }
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

/// `%41`, or `=41` (RFC 3986 §2.1, RFC 2045 §6.7); what is not ASCII comes as a sequence that must be UTF-8 (RFC 3629).
fn decode_octets(source: &str, at: usize) -> Option<(Text, usize)> {
    let mark = source.as_bytes().get(at);
    let octet = |n: usize| {
        let start = at + 3 * n;
        (source.as_bytes().get(start) == mark).then(|| hex(source, start + 1, 2)).flatten()
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
    /// They show nothing (HTML, named character references).
    const VANISHING: [&str; 9] =
        ["shy", "zwj", "zwnj", "lrm", "rlm", "NoBreak", "ZeroWidthSpace", "InvisibleTimes", "InvisibleComma"];
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
    const LONGEST: usize = 16;
    const LONGEST_NUMBER: usize = 8;
    let rest = source.get(at + 1..)?;
    if let Some(number) = rest.strip_prefix('#') {
        // Browsers take a numeric reference without its semicolon too (WHATWG HTML §13.2.5.80).
        let (digits, radix) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        let len = digits.bytes().take(LONGEST_NUMBER).take_while(|b| char::from(*b).is_digit(radix)).count();
        let c = u32::from_str_radix(digits.get(..len)?, radix).ok().and_then(char::from_u32)?;
        let end = 1 + (rest.len() - digits.len()) + len;
        return Some((Text::Char(c), end + usize::from(digits.as_bytes().get(len) == Some(&b';'))));
    }
    let end = rest.bytes().take(LONGEST).position(|b| b == b';')?;
    let name = rest.get(..end)?;
    if VANISHING.contains(&name) {
        return Some((Text::Nothing, end + 2));
    }
    let c = NAMED.iter().find(|(n, _)| *n == name)?.1;
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
            ("a=3D=62=63 d=\ne", "a=bc de"),
            ("=D0=BF=D0=B0 =ff", "па =ff"),
            ("get https://a.b/?q=c+d now", "get https://a.b/?q=c d now"),
            (r"\101\N{U+0042}", "AB"),
            ("&#65&#x42&#67;", "ABC"),
            ("A&shy;B&ZeroWidthSpace;C&zwnj;", "ABC"),
            ("ключ АКІА2Е", "ключ AKIA2E"),
            ("A\u{335}B\u{335}", "AB"),
            ("1,\"say \"\"x\"\" now\",true", "1,\"say \"x\" now\",true"),
            ("1,\"\"\"x\"\" y\"", "1,\"\"x\" y\""),
            ("VALUES (7, 'it''s', '', 'a')", "VALUES (7, 'it's', '', 'a')"),
            (r"echo 'it'\''s'", "echo 'it's'"),
            ("echo 'it'\"'\"'s'", "echo 'it's'"),
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
            "1 + 1 https://a.b/ c+d",
            "a=41 b=42",
            "Это Мой текст с COVID и АЕС",
            r#"a="" b="" c='' d=("", '')"#,
            "the dogs'' and 5'' pipes",
            r#"f("a", "", 'b')"#,
            "def f():\n    \"\"\"Says \"x\".\"\"\"\n    return 1",
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
