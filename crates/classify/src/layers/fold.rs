//! Characters that look like others or like nothing.

use std::sync::LazyLock;

/// What a character stands for once compatibility forms are folded: `Some(None)` when it is invisible,
/// `Some(Some(ascii))` when it is a look-alike of an ASCII character, `None` when it stands for itself.
///
/// Sources: Unicode Character Database, property `Default_Ignorable_Code_Point` (format and tag characters) and the
/// compatibility mappings of the blocks Halfwidth and Fullwidth Forms, Mathematical Alphanumeric Symbols and
/// Enclosed Alphanumerics.
pub(crate) fn fold_char(c: char) -> Option<Option<char>> {
    let code = u32::from(c);
    if code < 0xAD {
        return (code == 0xA0).then_some(Some(' '));
    }
    // Letters of Greek, Cyrillic, Armenian and Hebrew stand for themselves.
    if (0x0370..0x0600).contains(&code) {
        return None;
    }
    if is_invisible(code) {
        return Some(None);
    }
    if (0x0300..=0x036F).contains(&code) || (0x20D0..=0x20F0).contains(&code) {
        return Some(None);
    }
    let offset_from = |base: u32, first: char, last: u32| {
        (base..=last).contains(&code).then(|| char::from_u32(u32::from(first) + code - base)).flatten()
    };
    let ascii = offset_from(0xFF01, '!', 0xFF5E)
        .or_else(|| offset_from(0xE0020, ' ', 0xE007E))
        .or_else(|| offset_from(0x24B6, 'A', 0x24CF))
        .or_else(|| offset_from(0x24D0, 'a', 0x24E9))
        .or_else(|| offset_from(0x249C, 'a', 0x24B5))
        .or_else(|| offset_from(0x2460, '1', 0x2468))
        .or_else(|| offset_from(0x2776, '1', 0x277E))
        .or_else(|| offset_from(0x1F130, 'A', 0x1F149))
        .or_else(|| offset_from(0x1F150, 'A', 0x1F169))
        .or_else(|| offset_from(0x1F170, 'A', 0x1F189))
        .or_else(|| offset_from(0x1F1E6, 'A', 0x1F1FF))
        .or_else(|| offset_from(0x2080, '0', 0x2089))
        .or_else(|| offset_from(0x2074, '4', 0x2079))
        .or_else(|| DIGIT_ZEROS.iter().find_map(|zero| offset_from(*zero, '0', zero + 9)))
        .or_else(|| fold_mathematical(code))
        .or(match code {
            0xB2 => Some('2'),
            0xB3 => Some('3'),
            0xB9 => Some('1'),
            0x2070 => Some('0'),
            0x2010..=0x2015 | 0x2212 | 0xFE58 | 0xFE63 => Some('-'),
            0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Some(' '),
            0x2024 | 0xFE52 | 0x3002 | 0xFF61 => Some('.'),
            0xFE6B => Some('@'),
            0xFE55 | 0xA789 => Some(':'),
            _ => None,
        });
    ascii.map(Some)
}

/// The ASCII letter that a letter of another script, a small capital or a letter-like symbol looks like.
///
/// Source: Unicode Technical Standard 39, confusables, as far as they lead to one ASCII letter; and the letters that the
/// block Letterlike Symbols holds in place of Mathematical Alphanumeric Symbols.
pub(crate) fn fold_look_alike(c: char) -> Option<char> {
    static SORTED: LazyLock<Vec<(char, char)>> = LazyLock::new(|| {
        let each =
            |(ascii, others): &(char, &'static str)| others.chars().map(|c| (c, *ascii)).collect::<Vec<_>>();
        let mut sorted: Vec<(char, char)> = LOOK_ALIKES.iter().flat_map(each).collect();
        sorted.sort_unstable();
        sorted
    });
    /// Greek, Cyrillic and Armenian, which whole texts are written in: one look tells.
    static ALPHABETS: LazyLock<Vec<Option<char>>> = LazyLock::new(|| {
        let mut table = vec![None; END_OF_ALPHABETS];
        for (other, ascii) in SORTED.iter() {
            if let Some(place) = table.get_mut(usize::try_from(u32::from(*other)).unwrap_or(usize::MAX)) {
                *place = Some(*ascii);
            }
        }
        table
    });
    const END_OF_ALPHABETS: usize = 0x600;
    let code = usize::try_from(u32::from(c)).unwrap_or(usize::MAX);
    if code < END_OF_ALPHABETS {
        return ALPHABETS.get(code).copied().flatten();
    }
    let at = SORTED.binary_search_by_key(&c, |(other, _)| *other).ok()?;
    SORTED.get(at).map(|(_, ascii)| *ascii)
}

const LOOK_ALIKES: [(char, &str); 52] = [
    ('A', "АΑᎪᴀ"),
    ('B', "ВΒᏴʙℬ"),
    ('C', "СϹᏟᴄℂℭⅭ"),
    ('D', "Ꭰᴅⅅ\u{216e}"),
    ('E', "ЕΕᎬᴇℰ"),
    ('F', "Ϝℱ"),
    ('G', "ԌᏀɢ"),
    ('H', "НΗᎻʜℋℌℍ"),
    ('I', "ІΙӀℐℑⅠ"),
    ('J', "ЈᎫᴊͿ"),
    ('K', "КΚᏦᴋ\u{212a}"),
    ('L', "Ꮮʟℒ\u{216c}"),
    ('M', "МΜᎷᴍℳⅯ"),
    ('N', "Νɴℕ"),
    ('O', "ОΟՕᴏ"),
    ('P', "РΡᏢᴘℙ"),
    ('Q', "Ԛℚ"),
    ('R', "ᎡʀℛℜℝᏒ"),
    ('S', "ЅՏᏚꜱ"),
    ('T', "ТΤᎢᴛ"),
    ('U', "Սᴜ"),
    ('V', "ᏙѴᴠⅤ"),
    ('W', "ԜᏔᴡ"),
    ('X', "ХΧⅩ"),
    ('Y', "ΥҮʏ"),
    ('Z', "ΖᏃᴢℤℨ"),
    ('a', "аɑα"),
    ('b', "ЬᏏ"),
    ('c', "сϲⅽ"),
    ('d', "ԁⅾ"),
    ('e', "еҽℯ"),
    ('f', "ꬵƒ"),
    ('g', "ɡցℊ"),
    ('h', "һհℎ"),
    ('i', "іιıℹⅰ"),
    ('j', "јϳ"),
    ('k', "кκ"),
    ('l', "ӏℓⅼ"),
    ('m', "мⅿ"),
    ('n', "ոп"),
    ('o', "оοօσℴ"),
    ('p', "рρ"),
    ('q', "ԛգ"),
    ('r', "гꭇ"),
    ('s', "ѕ"),
    ('t', "тτ"),
    ('u', "սυʋ"),
    ('v', "νѵⅴ"),
    ('w', "ԝѡա"),
    ('x', "хχⅹ"),
    ('y', "уγү"),
    ('z', "ᴢ"),
];

/// Zeros of other scripts' decimal digits: Arabic-Indic, Extended Arabic-Indic, Devanagari, Bengali, Thai.
const DIGIT_ZEROS: [u32; 5] = [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50];

fn is_invisible(code: u32) -> bool {
    matches!(code,
        0xAD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F
        | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0x1D173..=0x1D17A
        | 0xE0000..=0xE001F | 0xE007F | 0xE0100..=0xE01EF)
}

/// Mathematical Alphanumeric Symbols: thirteen alphabets of 52 letters, then five sets of digits.
fn fold_mathematical(code: u32) -> Option<char> {
    let letter = match code {
        0x1D400..=0x1D6A3 => (code - 0x1D400) % 52,
        0x1D7CE..=0x1D7FF => return char::from_u32(u32::from('0') + (code - 0x1D7CE) % 10),
        _ => return None,
    };
    char::from_u32(if letter < 26 { u32::from('A') + letter } else { u32::from('a') + letter - 26 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_fold_and_the_invisible_vanishes() {
        let fold =
            |text: &str| -> String { text.chars().filter_map(|c| fold_char(c).unwrap_or(Some(c))).collect() };
        assert_eq!(fold("ＡＫＩＡ１２"), "AKIA12");
        assert_eq!(fold("A\u{200b}K\u{feff}I\u{ad}A\u{2060}"), "AKIA");
        assert_eq!(fold("𝐀𝐤𝟗 𝟶 Ⓐⓩ ٣"), "Ak9 0 Az 3");
        assert_eq!(fold("\u{e0041}\u{e0062}"), "Ab");
        assert_eq!(fold("🅰🄺🇮①e\u{301}"), "AKI1e");
        assert_eq!("АКІА".chars().filter_map(fold_look_alike).collect::<String>(), "AKIA");
        assert_eq!(fold("Grüße, 東京 €"), "Grüße, 東京 €");
    }
}
