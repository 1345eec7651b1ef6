//! Opaque layers: base64, hexadecimal and base32 runs, and gzip and zlib inside them. They can be packed again.

use super::{
    base32::{self, Base32},
    base85::{self, Alphabet},
    budget::{Budget, Obstacle},
    inflate::{Compression, deflate, inflate},
    runs::{Run, find_runs, split_run},
};
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::{collections::BTreeMap, ops::Range};

/// How the characters of a run stand for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Base64 { is_url: bool, is_padded: bool, wrap: Option<(usize, &'static str)> },
    Hex { is_upper: bool },
    Base32(Base32),
    Base85(Alphabet),
}

/// How the bytes stand for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Utf8,
    /// PowerShell's `-EncodedCommand`.
    Utf16Le,
    /// Bytes that are not all text, or a text cut short: it can be searched but not packed again.
    Lossy,
}

/// A run and the text inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) run: Range<usize>,
    pub(crate) text: String,
    coding: Coding,
    compressions: Vec<Compression>,
    charset: Charset,
}

impl Unpacked {
    /// Packs `text` the way the run was; `None` when that cannot be done.
    pub(crate) fn pack(&self, text: &str) -> Option<String> {
        let mut bytes = match self.charset {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Charset::Lossy => return None,
        };
        for compression in self.compressions.iter().rev() {
            bytes = deflate(&bytes, *compression)?;
        }
        encode(&bytes, self.coding)
    }
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);
const UNPADDED: GeneralPurposeConfig = GeneralPurposeConfig::new().with_encode_padding(false);

fn encode(bytes: &[u8], coding: Coding) -> Option<String> {
    match coding {
        Coding::Base64 { is_url, is_padded, wrap } => {
            let alphabet = if is_url { &URL_SAFE } else { &STANDARD };
            let config = if is_padded { GeneralPurposeConfig::new() } else { UNPADDED };
            let text = GeneralPurpose::new(alphabet, config).encode(bytes);
            let Some((width, eol)) = wrap else { return Some(text) };
            let lines: Vec<&str> = (0..text.len())
                .step_by(width.max(1))
                .filter_map(|at| text.get(at..(at + width).min(text.len())))
                .collect();
            Some(lines.join(eol))
        }
        Coding::Hex { is_upper } => {
            Some(bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
                const DIGITS: [char; 16] =
                    ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
                for nibble in [b >> 4, b & 15] {
                    let digit = DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
                    out.push(if is_upper { digit.to_ascii_uppercase() } else { digit });
                }
                out
            }))
        }
        Coding::Base32(writing) => Some(writing.encode(bytes)),
        Coding::Base85(alphabet) => Some(alphabet.encode(bytes)),
    }
}

/// Unpacks the runs of `source` that `is_wanted` selects. Each run is decoded once.
pub(crate) fn unpack(
    source: &str,
    is_wanted: impl Fn(&Range<usize>) -> bool,
    budget: &mut Budget,
) -> (Vec<Unpacked>, Vec<Obstacle>) {
    let mut unpacked = Vec::new();
    let mut obstacles = Vec::new();
    for run in find_runs(source) {
        if !is_wanted(&run.range) {
            continue;
        }
        match unpack_run(source, &run, budget) {
            Outcome::Text(found) => unpacked.push(found),
            Outcome::Nothing => {
                for part in split_run(source, &run.range) {
                    let part = Run { range: part, wrap: None };
                    match unpack_run(source, &part, budget) {
                        Outcome::Text(found) => unpacked.push(found),
                        Outcome::Blocked(obstacle) => obstacles.push(obstacle),
                        Outcome::Nothing => {}
                    }
                }
            }
            Outcome::Blocked(obstacle) => obstacles.push(obstacle),
        }
    }
    obstacles.append(&mut budget.take_obstacles());
    (unpacked, obstacles)
}

/// Unpacks a label of a host name that is text in hexadecimal or base32.
pub(crate) fn unpack_host_label(label: &str, range: Range<usize>) -> Option<Unpacked> {
    const SHORTEST_HEX: usize = 12;
    if label.len() >= SHORTEST_HEX
        && let Some((run, bytes, coding)) = decode_hex(label, range.start)
        && let Some(text) = String::from_utf8(bytes).ok().filter(|t| t.chars().all(is_printable))
    {
        return Some(Unpacked { run, text, coding, compressions: Vec::new(), charset: Charset::Utf8 });
    }
    unpack_base32(label, range)
}

/// Unpacks base32 that is text, in one case, with or without padding.
fn unpack_base32(text: &str, range: Range<usize>) -> Option<Unpacked> {
    const SHORTEST: usize = 16;
    if text.len() < SHORTEST {
        return None;
    }
    let (bytes, writing) = base32::decode(text)?;
    let text = String::from_utf8(bytes).ok().filter(|t| t.chars().all(is_printable))?;
    let coding = Coding::Base32(writing);
    Some(Unpacked { run: range, text, coding, compressions: Vec::new(), charset: Charset::Utf8 })
}

/// Unpacks every run of base85 that is text.
pub(crate) fn unpack_base85(source: &str, budget: &mut Budget) -> Vec<Unpacked> {
    let read = |run: base85::Run| {
        let text = String::from_utf8(run.bytes).ok()?;
        let coding = Coding::Base85(run.alphabet);
        let unpacked =
            Unpacked { run: run.range, text, coding, compressions: Vec::new(), charset: Charset::Utf8 };
        budget.spend(unpacked.text.len()).then_some(unpacked)
    };
    base85::find_text(source).into_iter().filter_map(read).collect()
}

enum Outcome {
    Text(Unpacked),
    Nothing,
    Blocked(Obstacle),
}

fn unpack_run(source: &str, run: &Run, budget: &mut Budget) -> Outcome {
    let text = source.get(run.range.clone()).unwrap_or_default();
    if let Some((range, bytes, coding)) = decode_hex(text, run.range.start) {
        return match read_bytes(bytes, budget) {
            Some((text, compressions, charset)) => {
                Outcome::Text(Unpacked { run: range, text, coding, compressions, charset })
            }
            None => Outcome::Nothing,
        };
    }
    if let Some(found) = unpack_base32(text, run.range.clone()) {
        return if budget.spend(found.text.len()) { Outcome::Text(found) } else { Outcome::Nothing };
    }
    // What stands before the encoded value may be in the alphabet too (`token-QVBT…`): try each alignment.
    let mut blocked = None;
    for skipped in 0..4 {
        let Some(encoded) = text.get(skipped..) else { break };
        if !opens_plausibly(encoded) {
            continue;
        }
        let Some((bytes, coding)) = decode_base64(encoded, run.wrap) else { continue };
        let len = bytes.len();
        let range = run.range.start + skipped..run.range.end;
        if is_plain_jose_header(&bytes) {
            return Outcome::Nothing;
        }
        match read_bytes(bytes, budget) {
            Some((text, compressions, charset)) => {
                return Outcome::Text(Unpacked { run: range, text, coding, compressions, charset });
            }
            None if len >= Obstacle::WORTH_TELLING_BYTES && skipped == 0 => blocked = Some(Obstacle::Binary),
            None => {}
        }
    }
    blocked.map_or(Outcome::Nothing, Outcome::Blocked)
}

/// Whether this is the header of a JSON Web Token that names an algorithm and a type (RFC 7515 4.1) and nothing else: of a token, all
/// that is worth a search stands behind it.
fn is_plain_jose_header(bytes: &[u8]) -> bool {
    const LONGEST: usize = 64;
    const LONGEST_NAME: usize = 10;
    if bytes.len() > LONGEST || !bytes.starts_with(b"{\"") {
        return false;
    }
    let Ok(members) = serde_json::from_slice::<BTreeMap<&str, &str>>(bytes) else { return false };
    let is_name = |value: &str| {
        value.len() <= LONGEST_NAME && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+')
    };
    // A name that stands twice is read once; what its first value holds must be searched.
    let is_each_read = memchr::memchr_iter(b'"', bytes).count() == 4 * members.len();
    is_each_read
        && members.contains_key("alg")
        && members.iter().all(|(name, value)| matches!(*name, "alg" | "typ") && is_name(value))
}

/// Whether the first six bytes look like text or a compressed stream; long runs may have binary before their text.
fn opens_plausibly(encoded: &str) -> bool {
    const LONG: usize = 96;
    if encoded.len() >= LONG {
        return true;
    }
    let Some(opening) = encoded.as_bytes().first_chunk().copied().and_then(decode_opening) else {
        return true;
    };
    is_compressed(&opening) || opens_utf16(&opening) || opens_text(&opening)
}

/// The bytes of eight characters of base64 in either alphabet.
fn decode_opening(opening: [u8; 8]) -> Option<[u8; 6]> {
    let value = |byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let bits = opening.into_iter().try_fold(0_u64, |bits, byte| Some(bits << 6 | u64::from(value(byte)?)))?;
    let [_, _, bytes @ ..] = bits.to_be_bytes();
    Some(bytes)
}

/// Whether these bytes are UTF-8 that can be read, of which the last character may be cut off.
fn opens_text(bytes: &[u8]) -> bool {
    bytes.utf8_chunks().next().is_some_and(|chunk| {
        chunk.valid().len() + chunk.invalid().len() == bytes.len() && chunk.valid().chars().all(is_printable)
    })
}

fn decode_base64(encoded: &str, wrap: Option<(usize, &'static str)>) -> Option<(Vec<u8>, Coding)> {
    let mut packed = std::borrow::Cow::Borrowed(encoded);
    if wrap.is_some() {
        packed = encoded.chars().filter(|c| !c.is_ascii_whitespace()).collect::<String>().into();
    }
    let is_url = memchr::memchr2(b'-', b'_', packed.as_bytes()).is_some();
    let is_padded = packed.ends_with('=') || packed.len().is_multiple_of(4);
    // A single character over a multiple of four carries no byte.
    let whole = packed.trim_end_matches('=');
    let whole = if whole.len() % 4 == 1 { whole.get(..whole.len() - 1)? } else { whole };
    let bytes = if is_url { BASE64_URL.decode(whole) } else { BASE64.decode(whole) }.ok()?;
    Some((bytes, Coding::Base64 { is_url, is_padded, wrap }))
}

fn decode_hex(text: &str, start: usize) -> Option<(Range<usize>, Vec<u8>, Coding)> {
    let (digits, start) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, start + 2),
        None => (text, start),
    };
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()).unwrap_or_default();
    let bytes = digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0_u8, |byte, digit| byte << 4 | value(*digit)))
        .collect();
    let is_upper = !digits.bytes().any(|b| b.is_ascii_lowercase());
    Some((start..start + digits.len(), bytes, Coding::Hex { is_upper }))
}

/// Reads decoded bytes as text, through at most three layers of compression.
fn read_bytes(mut bytes: Vec<u8>, budget: &mut Budget) -> Option<(String, Vec<Compression>, Charset)> {
    const MOST_COMPRESSIONS: usize = 3;
    let mut compressions = Vec::new();
    let mut is_whole = true;
    while is_compressed(&bytes) && compressions.len() < MOST_COMPRESSIONS && is_whole {
        let Some(inflated) = inflate(&bytes, budget) else { break };
        is_whole = inflated.is_whole;
        compressions.push(inflated.compression);
        bytes = inflated.bytes;
    }
    if is_compressed(&bytes) && compressions.len() == MOST_COMPRESSIONS {
        budget.note(Obstacle::TooDeep);
    }
    if is_utf16(&bytes) {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| pair.iter().rev().fold(0, |unit, b| unit << 8 | u16::from(*b)))
            .collect();
        let text = String::from_utf16(&units).ok()?;
        return budget.spend(text.len()).then_some((text, compressions, Charset::Utf16Le));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) if text.chars().all(is_printable) => {
            let charset = if is_whole { Charset::Utf8 } else { Charset::Lossy };
            return budget.spend(text.len()).then_some((text, compressions, charset));
        }
        Ok(text) => text.into_bytes(),
        Err(e) => e.into_bytes(),
    };
    if !has_long_text(&text) && compressions.is_empty() {
        return None;
    }
    let text: String =
        String::from_utf8_lossy(&text).chars().map(|c| if is_printable(c) { c } else { ' ' }).collect();
    budget.spend(text.len()).then_some((text, compressions, Charset::Lossy))
}

fn is_compressed(bytes: &[u8]) -> bool {
    Compression::of(bytes).is_some()
}

/// UTF-16, little endian: ASCII, or an alphabet with ASCII between. Bytes by chance have next to no pair of a character of ASCII and zero.
fn is_utf16(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 32;
    let (pairs, _) = bytes.as_chunks::<2>();
    let pairs = pairs.get(..pairs.len().min(LOOKED_AT)).unwrap_or_default();
    let ascii = pairs.iter().filter(|[low, high]| *high == 0 && is_text_byte(*low)).count();
    let is_enough = ascii == pairs.len() || ascii >= 2 && ascii * 6 >= pairs.len();
    // A zero byte is no text in UTF-8; a surrogate or a control is none in UTF-16.
    pairs.len() >= 3
        && is_enough
        && char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair)))
            .enumerate()
            .all(|(n, unit)| unit.map_or(n + 1 >= LOOKED_AT - 1, is_printable))
}

/// Whether three pairs of bytes may open a text in UTF-16: ASCII, and letters of one alphabet or of East Asia.
fn opens_utf16(opening: &[u8; 6]) -> bool {
    let (pairs, _) = opening.as_chunks::<2>();
    let script = pairs.iter().map(|[_, high]| *high).find(|high| *high != 0).unwrap_or(0);
    pairs.iter().all(|[low, high]| match high {
        0 => is_printable(char::from(*low)),
        0x30..=0xD7 => matches!(script, 0x30..=0xD7),
        _ => *high == script && *high < 0x20,
    })
}

fn is_text_byte(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

fn is_printable(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\r' | '\t')
}

/// Whether 16 printable bytes stand in a row.
fn has_long_text(bytes: &[u8]) -> bool {
    const LONG: usize = 16;
    bytes.split(|b| !is_text_byte(*b)).any(|stretch| stretch.len() >= LONG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::inflate::deflate;

    const VALUE: &str = "password: correct horse battery staple";

    fn unpack_all(source: &str) -> Vec<Unpacked> {
        unpack(source, |_| true, &mut Budget::default()).0
    }

    #[test]
    fn every_packing_opens_and_packs_again() {
        let gzip = deflate(VALUE.as_bytes(), Compression::Gzip).unwrap();
        let zlib = deflate(VALUE.as_bytes(), Compression::Zlib).unwrap();
        let utf16: Vec<u8> = VALUE.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let standard = Coding::Base64 { is_url: false, is_padded: true, wrap: None };
        let url = Coding::Base64 { is_url: true, is_padded: false, wrap: None };
        let cases: Vec<(&[u8], Coding)> = vec![
            (VALUE.as_bytes(), standard),
            (VALUE.as_bytes(), url),
            (&gzip, standard),
            (&zlib, standard),
            (&utf16, standard),
            (VALUE.as_bytes(), Coding::Hex { is_upper: false }),
            (&gzip, Coding::Hex { is_upper: true }),
        ];
        for (bytes, coding) in cases {
            let packed = encode(bytes, coding).unwrap();
            let source = format!("data: {packed} end");
            let found = unpack_all(&source);
            assert_eq!(found.len(), 1, "{source}");
            assert_eq!(found[0].text, VALUE, "{source}");
            assert_eq!(source.get(found[0].run.clone()).unwrap(), packed, "{source}");
            let again = format!("data: {} end", found[0].pack("nothing to see here").unwrap());
            assert_eq!(unpack_all(&again)[0].text, "nothing to see here", "{source}");
        }
    }

    #[test]
    fn text_in_the_alphabet_before_a_value_does_not_hide_it() {
        let packed =
            encode(VALUE.as_bytes(), Coding::Base64 { is_url: false, is_padded: true, wrap: None }).unwrap();
        for prefix in ["x", "ab", "key", "api/v1/", "token-"] {
            let source = format!("{prefix}{packed}");
            assert!(unpack_all(&source).iter().any(|u| u.text.contains("correct horse")), "{source}");
        }
    }

    #[test]
    fn text_of_any_script_may_open_a_value() {
        for opening in ["é", "aé", "日本語 ", "Привет мир ", "😀", "ünïcödé 😀 ", "\u{feff}"]
        {
            let text = format!("{opening}{VALUE}");
            for is_url in [false, true] {
                let coding = Coding::Base64 { is_url, is_padded: !is_url, wrap: None };
                let found = unpack_all(&encode(text.as_bytes(), coding).unwrap());
                assert_eq!(found.first().map(|u| u.text.as_str()), Some(text.as_str()), "{coding:?}");
            }
        }
    }

    #[test]
    fn text_of_any_script_may_be_in_utf16() {
        for opening in ["é", "Пароль: ", "סיסמה: ", "密码: ", "비밀번호: ", "a", "😀 "] {
            let text = format!("{opening}{VALUE}");
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let coding = Coding::Base64 { is_url: false, is_padded: true, wrap: None };
            let found = unpack_all(&encode(&bytes, coding).unwrap());
            assert_eq!(found.first().map(|u| u.text.as_str()), Some(text.as_str()));
        }
    }

    #[test]
    fn wrapped_base64_is_one_run() {
        let long = VALUE.repeat(6);
        let packed = encode(
            long.as_bytes(),
            Coding::Base64 { is_url: false, is_padded: true, wrap: Some((76, "\n")) },
        )
        .unwrap();
        let found = unpack_all(&packed);
        assert_eq!(found[0].text, long);
        assert_eq!(found[0].pack(&long).unwrap(), packed);
    }

    #[test]
    fn the_header_of_a_token_hides_nothing() {
        let coding = Coding::Base64 { is_url: true, is_padded: false, wrap: None };
        for (header, is_searched) in [
            (r#"{"alg":"HS256","typ":"JWT"}"#, false),
            (r#"{"alg":"HS256","kid":"tuesday"}"#, true),
            (r#"{"alg":"correct horse battery"}"#, true),
            (r#"{"alg":"correct horse battery","alg":"HS256"}"#, true),
            (r#"{"typ":"correct horse battery","alg":"HS256","typ":"JWT"}"#, true),
            (r#"{"\u0061lg":"correct horse battery","alg":"HS256"}"#, true),
        ] {
            let found = unpack_all(&encode(header.as_bytes(), coding).unwrap());
            assert_eq!(found.iter().any(|u| u.text == header), is_searched, "{header}");
        }
    }

    #[test]
    fn names_and_random_tokens_are_not_text() {
        for source in [
            "getElementsByClassName",
            "550e8400-e29b-41d4-a716-446655440000",
            "d41d8cd98f00b204e9800998ecf8427e",
            "some_long_snake_case_name",
            "path/to/some/file/in/a/tree",
        ] {
            assert_eq!(unpack_all(source), [], "{source}");
        }
    }

    #[test]
    fn host_labels_open_from_base32() {
        assert_eq!(unpack_base32("JBSWY3DPEHPK3PXP", 0..16), None);
        assert_eq!(unpack_base32("ONSWG4TFOQQGW2LOM4", 0..18).unwrap().text, "secret king");
    }
}
