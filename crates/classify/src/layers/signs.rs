//! What a text shows at a glance of values in pieces: one cheap pass that keeps ordinary text away from the closer looks.

/// Shortest text that is looked at: a credential with something inside.
const SHORTEST: usize = 21;
/// Bytes that are counted together.
const CHUNK: usize = 64;

/// Which closer looks a text is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signs {
    /// Quotes, tags, variables, labels, line breaks: what stands between pieces of one value.
    pub(crate) has_glue: bool,
    /// As many dots as a long host name has.
    pub(crate) has_hosts: bool,
    /// Many digits and capitals: codes of characters, or a key in groups.
    pub(crate) is_dense: bool,
    /// As many separators as letters: characters one by one.
    pub(crate) is_spaced: bool,
    /// Bytes that base85 has, and prose rarely.
    pub(crate) is_ornate: bool,
}

/// Eight counters of eight bits; a chunk cannot overflow one.
type Counts = u64;

const CODE: Counts = 1;
const GLUE: Counts = 1 << 8;
const SEPARATOR: Counts = 1 << 16;
const ORNATE: Counts = 1 << 24;
const COLON: Counts = 1 << 32;
/// Labels come in pairs at least; one colon is a URL or a sentence.
const FEWEST_COLONS: usize = 2;
const DOT: Counts = 1 << 40;
/// Dots of a host name with two labels below a registered one.
const FEWEST_DOTS: usize = 3;

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const CLASSES: [Counts; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if byte.is_ascii_digit() || byte.is_ascii_uppercase() {
            class |= CODE;
        }
        if matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'$' | b'\\' | b'\n' | b'=' | b')' | b']') {
            class |= GLUE;
        }
        if byte == b':' {
            class |= COLON;
        }
        if byte == b'.' {
            class |= DOT;
        }
        if !byte.is_ascii_alphanumeric() {
            class |= SEPARATOR;
        }
        if matches!(byte, b'!' | b'#'..=b'&' | b'('..=b'*' | b';'..=b'@' | b'^' | b'`' | b'{'..=b'~') {
            class |= ORNATE;
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    classes
};

impl Signs {
    /// What `text` shows; nothing for one that is short.
    pub(crate) fn of(text: &str) -> Self {
        let mut signs = Self::default();
        if text.len() < SHORTEST {
            return signs;
        }
        let bytes = text.as_bytes();
        let last = bytes.get(bytes.len().saturating_sub(CHUNK)..).unwrap_or_default();
        let (mut colons, mut dots) = (0, 0);
        for chunk in bytes.chunks_exact(CHUNK).chain([last]) {
            let counts =
                chunk.iter().fold(0, |sum, b| sum + CLASSES.get(usize::from(*b)).copied().unwrap_or(0));
            let count = |class: Counts| usize::try_from((counts / class) & 0xFF).unwrap_or_default();
            signs.has_glue |= count(GLUE) > 0;
            colons += count(COLON);
            dots += count(DOT);
            signs.is_dense |= count(CODE) * 8 >= chunk.len();
            signs.is_spaced |= count(SEPARATOR) * 3 >= chunk.len();
            signs.is_ornate |= count(ORNATE) * 32 >= chunk.len();
        }
        signs.has_glue |= colons >= FEWEST_COLONS;
        signs.has_hosts = dots >= FEWEST_DOTS;
        signs
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_shows_nothing() {
        for text in [
            "The weekly report is ready and the team reviewed every open item before the release.",
            "Please describe how the new settings page works, and add 2 screenshots.",
            "item-4711-of-the-onboarding-guide",
        ] {
            assert!(Signs::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn pieces_show() {
        let dense = |text: &str| Signs::of(text).is_dense;
        assert!(dense("41 4b 49 41 32 45 35 41 36 42") && dense("see AKIA 2E5A 6B7C XQ4T ZNFM"));
        assert!(Signs::of("t A K I A 2 E 5 A 6 B 7 C X Q").is_spaced);
        assert!(Signs::of("Wn>^#VRdz%aB^>gZDnl~Ze(L{b9").is_ornate);
        assert!(Signs::of("key = \"AKIA2E5A\" + \"6B7CXQ\"").has_glue);
    }
}
