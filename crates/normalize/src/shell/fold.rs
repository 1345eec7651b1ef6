//! Letters that look like ASCII ones, made ASCII, and invisible characters removed: a model reads `ｒｍ` as `rm`, and so do
//! some of the tools that pass its commands on. The mapping is that of NFKC (Unicode Annex 15) for the blocks concerned.

use std::borrow::Cow;

pub(super) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !is_invisible(*c)).map(fold_char).collect())
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}')
}

fn fold_char(c: char) -> char {
    let code = u32::from(c);
    let offset = |from: u32, to: char, modulo: u32| u32::from(to) + (code - from) % modulo;
    let folded = match code {
        // Full-width forms.
        0xff01..=0xff5e => code - 0xfee0,
        0x3000 | 0xa0 | 0x2000..=0x200a | 0x202f | 0x205f => 0x20,
        // Circled letters.
        0x24b6..=0x24cf => offset(0x24b6, 'A', 26),
        0x24d0..=0x24e9 => offset(0x24d0, 'a', 26),
        // Mathematical alphabets: 26 capitals and 26 small letters each; then digits.
        0x1d400..=0x1d6a3 => match (code - 0x1d400) % 52 {
            capital @ 0..26 => u32::from('A') + capital,
            small => u32::from('a') + small - 26,
        },
        0x1d7ce..=0x1d7ff => offset(0x1d7ce, '0', 10),
        _ => code,
    };
    char::from_u32(folded).unwrap_or(c)
}
