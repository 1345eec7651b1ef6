//! Five digits to the base 85 for four bytes: Ascii85 (PostScript Language Reference §3.13.3, `ASCII85Encode`), the
//! alphabet of RFC 1924, which Python and git write, and Z85 (ZeroMQ RFC 32).

use std::ops::Range;

/// Digits of a group, and the bytes they stand for.
const GROUP: usize = 5;
const WORD: usize = 4;
/// Fewest bytes of text that are no chance.
const SHORTEST_TEXT: usize = 12;

/// What the first digit of four bytes of text is worth: from four tabs to four tildes.
const FIRST_DIGITS: std::ops::RangeInclusive<u32> = 0x0909_0909 / 85_u32.pow(4)..=0x7E7E_7E7E / 85_u32.pow(4);

/// Which characters are the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alphabet {
    Ascii85,
    Rfc1924,
    Z85,
}

const ALPHABETS: [Alphabet; 3] = [Alphabet::Rfc1924, Alphabet::Ascii85, Alphabet::Z85];

/// What each byte is worth in each of [`ALPHABETS`].
static VALUES: [[u8; 256]; 3] = [
    values_of(Alphabet::Rfc1924.digits()),
    values_of(Alphabet::Ascii85.digits()),
    values_of(Alphabet::Z85.digits()),
];
const NO_DIGIT: u8 = u8::MAX;

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const fn values_of(digits: &[u8]) -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0_u8;
    while (value as usize) < digits.len() {
        values[digits[value as usize] as usize] = value;
        value += 1;
    }
    values
}

impl Alphabet {
    const fn digits(self) -> &'static [u8] {
        match self {
            Self::Ascii85 => {
                b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu"
            }
            Self::Rfc1924 => {
                b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
            }
            Self::Z85 => {
                b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
            }
        }
    }

    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len() / WORD * GROUP + GROUP);
        for chunk in bytes.chunks(WORD) {
            let word =
                (0..WORD).fold(0_u32, |word, n| word << 8 | u32::from(chunk.get(n).copied().unwrap_or(0)));
            for place in (0..GROUP).rev().take(chunk.len() + 1) {
                let digit = (0..place).fold(word, |word, _| word / 85) % 85;
                let digit = usize::try_from(digit).ok().and_then(|at| self.digits().get(at));
                text.push(char::from(digit.copied().unwrap_or(b'!')));
            }
        }
        text
    }

    /// The text at the start of `digits`, and how many digits it takes; `None` when there is too little.
    fn decode(self, digits: &[u8]) -> Option<(Vec<u8>, usize)> {
        // Most tokens are something else, and the first digit or the first group tells.
        let first = self.value_of(*digits.first()?)?;
        if !FIRST_DIGITS.contains(&first) {
            return None;
        }
        self.decode_group(digits.get(..GROUP)?)?;
        let mut bytes = Vec::new();
        let mut used = 0;
        for group in digits.chunks(GROUP) {
            let Some(word) = self.decode_group(group) else { break };
            bytes.extend_from_slice(word.get(..group.len() - 1)?);
            used += group.len();
        }
        (bytes.len() >= SHORTEST_TEXT).then_some((bytes, used))
    }

    fn value_of(self, digit: u8) -> Option<u32> {
        let values = match self {
            Self::Rfc1924 => VALUES.first(),
            Self::Ascii85 => VALUES.get(1),
            Self::Z85 => VALUES.get(2),
        };
        values?.get(usize::from(digit)).filter(|value| **value != NO_DIGIT).map(|value| u32::from(*value))
    }

    /// The bytes of one group, which may lack digits; `None` when they are no text.
    fn decode_group(self, group: &[u8]) -> Option<[u8; WORD]> {
        let mut word = 0_u32;
        for place in 0..GROUP {
            let digit = match group.get(place) {
                Some(byte) => self.value_of(*byte)?,
                None => 84,
            };
            word = word.checked_mul(85)?.checked_add(digit)?;
        }
        let bytes = word.to_be_bytes();
        let text = bytes.get(..group.len() - 1).filter(|text| !text.is_empty())?;
        text.iter().all(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t')).then_some(bytes)
    }
}

/// A run of base85 that is text.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) alphabet: Alphabet,
}

/// Every run of base85 that is text: between `<~` and `~>`, or from the start of a token, its quotes or its value on.
pub(crate) fn find_text(source: &str) -> Vec<Run> {
    let bytes = source.as_bytes();
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let len = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let token = rest.get(..len).unwrap_or_default();
        if len > SHORTEST_TEXT
            && let Some((offset, found, used, alphabet)) = decode_token(token)
        {
            let start = at + offset;
            runs.push(Run { range: start..start + used, bytes: found, alphabet });
            at = start + used;
            continue;
        }
        at += len + 1;
    }
    runs
}

/// Where text begins in a token, the text, its digits, and their alphabet.
fn decode_token(token: &[u8]) -> Option<(usize, Vec<u8>, usize, Alphabet)> {
    const LONGEST_OPENING: usize = 24;
    let opening = token.get(..token.len().min(LONGEST_OPENING))?;
    if let Some(frame) = memchr::memmem::find(opening, b"<~") {
        let start = frame + 2;
        let end = memchr::memmem::find(token, b"~>").unwrap_or(token.len());
        let (bytes, used) = Alphabet::Ascii85.decode(token.get(start..end)?)?;
        return Some((start, bytes, used, Alphabet::Ascii85));
    }
    let after = |byte| memchr::memchr(byte, opening).map(|at| at + 1);
    let starts = [Some(0), after(b'='), after(b'"'), after(b'\''), after(b':')];
    starts.into_iter().flatten().find_map(|start| {
        ALPHABETS.iter().find_map(|alphabet| {
            let end = token.iter().rposition(|b| !matches!(b, b'"' | b'\'' | b',')).map_or(0, |at| at + 1);
            let (bytes, used) = alphabet.decode(token.get(start..end)?)?;
            Some((start, bytes, used, *alphabet))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_each_alphabet_goes_both_ways() {
        let text = "password: correct horse";
        for alphabet in ALPHABETS {
            let packed = alphabet.encode(text.as_bytes());
            for source in [packed.clone(), format!("see {packed} there"), format!("k=\"{packed}\"")] {
                let runs = find_text(&source);
                assert_eq!(runs.len(), 1, "{source}");
                assert_eq!(runs[0].bytes, text.as_bytes(), "{source}");
                assert_eq!(source.get(runs[0].range.clone()).unwrap(), packed);
            }
        }
        assert_eq!(Alphabet::Ascii85.encode(b"Man "), "9jqo^");
        assert_eq!(Alphabet::Z85.encode(&[0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B]), "HelloWorld");
    }

    #[test]
    fn ordinary_tokens_are_no_text() {
        for source in [
            "if(a&&b||!c){return(x<<2)+y;}",
            "https://example.com/a?b=c&d=e#f!important",
            "<div class=\"row\"><span>hello</span></div>",
            "#[derive(Clone,Debug)]pub(crate)struct{}",
        ] {
            assert!(find_text(source).is_empty(), "{source}");
        }
    }
}
