//! Characters written as their codes: `65, 75, 73`, `chr(65).chr(75)`, `01000001 01001011`.

use super::Source;
use crate::layers::pieces::Assembly;
use std::ops::Range;

const LONGEST_SEPARATOR: usize = 12;
const FEWEST_CODES: usize = 9;
/// Digits of a byte in binary; fewer are decimal or octal.
const BINARY_DIGITS: usize = 8;
const MOST_DIGITS: usize = 3;

/// Reads rows of numbers as text: in binary, or else in decimal and in octal.
pub(crate) fn read_numbers(source: Source<'_>) -> Vec<Assembly> {
    let bytes = source.text.as_bytes();
    let mut texts = vec![Assembly::default(), Assembly::default()];
    let (mut row, mut chars) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(start) = find_digit(bytes, at) {
        at = collect_row(bytes, start, &mut row);
        if row.len() < FEWEST_CODES {
            continue;
        }
        let is_binary = row.iter().all(|number| number.len() == BINARY_DIGITS);
        let is_octal = row.iter().filter(|number| number.len() == MOST_DIGITS).count() * 4 >= row.len();
        let radixes: &[u32] = match (is_binary, is_octal) {
            (true, _) => &[2],
            (false, true) => &[10, 8],
            (false, false) => &[10],
        };
        for (radix, out) in radixes.iter().zip(&mut texts) {
            read_row(source, &row, *radix, &mut chars, out);
        }
    }
    texts
}

/// Reads a row as text, if that is what it is: most rows of numbers are numbers.
fn read_row(source: Source<'_>, row: &[Range<usize>], radix: u32, chars: &mut Vec<char>, out: &mut Assembly) {
    let read = |number: &Range<usize>| {
        let digits = source.text.get(number.clone()).unwrap_or_default();
        u32::from_str_radix(digits, radix).ok().and_then(read_code)
    };
    chars.clear();
    for number in row {
        let Some(c) = read(number) else { return };
        chars.push(c);
    }
    if chars.iter().filter(|c| c.is_ascii_alphanumeric()).count() * 2 < row.len() {
        return;
    }
    let from = out.text.len();
    for (number, c) in row.iter().zip(chars) {
        out.add_char(source.segment, *c, number.clone());
    }
    out.close(from, |_| true);
}

/// The character of a code, when it is one of text in ASCII.
pub(crate) fn read_code(code: u32) -> Option<char> {
    char::from_u32(code).filter(|c| matches!(c, ' '..='~' | '\n' | '\r' | '\t'))
}

/// Collects the numbers from `start` on that have the same separator; answers where to go on.
fn collect_row(bytes: &[u8], start: usize, row: &mut Vec<Range<usize>>) -> usize {
    row.clear();
    let mut separator: Option<&[u8]> = None;
    let mut at = start;
    loop {
        let digits = measure_digits(bytes, at);
        if digits == 0 || digits > MOST_DIGITS && digits != BINARY_DIGITS {
            return at + digits.max(1);
        }
        let end = at + digits;
        row.push(at..end);
        let rest = bytes.get(end..).unwrap_or_default();
        let len = rest.iter().take(LONGEST_SEPARATOR + 1).take_while(|b| !b.is_ascii_digit()).count();
        let next = rest.get(..len).unwrap_or_default();
        if len == 0 || len > LONGEST_SEPARATOR || separator.is_some_and(|separator| separator != next) {
            return end;
        }
        separator = Some(next);
        at = end + len;
    }
}

fn measure_digits(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take(16).take_while(|b| b.is_ascii_digit()).count()
}

fn find_digit(bytes: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.iter().position(u8::is_ascii_digit).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read() {
        let read = |text: &str| -> Vec<String> {
            let texts = read_numbers(Source { segment: 0, text });
            texts.into_iter().map(|t| t.text.trim_end().to_owned()).filter(|t| !t.is_empty()).collect()
        };
        assert_eq!(read("[65,75,73,65,50,69,53,65,54]"), ["AKIA2E5A6"]);
        assert_eq!(
            read("chr(65).chr(75).chr(73).chr(65).chr(50).chr(69).chr(53).chr(65).chr(54)"),
            ["AKIA2E5A6"]
        );
        assert_eq!(read("101 113 111 101 062 105 065 101 066").last().unwrap(), "AKIA2E5A6");
        let binary = "AKIA2E5A6".bytes().map(|b| format!("{b:08b} ")).collect::<String>();
        assert_eq!(read(&binary), ["AKIA2E5A6"]);
        assert_eq!(read("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"), Vec::<String>::new());
        assert_eq!(read("10.0.0.1 and 2026-03-01"), Vec::<String>::new());
    }
}
