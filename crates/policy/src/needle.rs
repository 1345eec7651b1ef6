//! One pass over the texts of a body for all `body_contains` needles of all rules.

use aho_corasick::AhoCorasick;
use std::{borrow::Cow, collections::HashMap};

/// Collects needles while rules are compiled; equal needles share a number.
#[derive(Debug, Default)]
pub(crate) struct NeedleTable {
    numbers: HashMap<String, u32>,
}

impl NeedleTable {
    pub(crate) fn number_of(&mut self, needle: &str) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry(folded(needle).into_owned()).or_insert(next)
    }

    /// Fails when there is more to look for than one automaton can hold.
    pub(crate) fn into_finder(self) -> Result<Finder, String> {
        let mut needles: Vec<(String, u32)> = self.numbers.into_iter().collect();
        needles.sort_by_key(|(_, number)| *number);
        let count = needles.len();
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(needles.iter().map(|(needle, _)| needle))
            .map_err(|error| format!("the `body_contains` texts are too many: {error}"))?;
        Ok(Finder { automaton, count })
    }
}

#[derive(Debug)]
pub(crate) struct Finder {
    automaton: AhoCorasick,
    count: usize,
}

/// Which needles stand in the texts.
#[derive(Debug)]
pub(crate) struct Found(Vec<bool>);

impl Found {
    pub(crate) fn contains(&self, number: u32) -> bool {
        usize::try_from(number).is_ok_and(|at| self.0.get(at).copied().unwrap_or_default())
    }
}

impl Finder {
    pub(crate) fn find_in(&self, texts: &[Cow<'_, str>]) -> Found {
        let mut found = vec![false; self.count];
        let mut missing = self.count;
        for text in texts {
            let text = folded_unless_ascii(text);
            for hit in self.automaton.find_overlapping_iter(text.as_ref()) {
                if let Some(seen) = found.get_mut(hit.pattern().as_usize()).filter(|seen| !**seen) {
                    *seen = true;
                    missing -= 1;
                }
                if missing == 0 {
                    return Found(found);
                }
            }
        }
        Found(found)
    }
}

/// The automaton itself ignores the case of ASCII.
fn folded_unless_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { folded(text) }
}

/// Case folding by way of upper case, so that `ς` and `σ`, `ß` and `SS`, `ſ` and `s` are alike.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    let fold = |c: char| c.to_uppercase().flat_map(char::to_lowercase);
    Cow::Owned(text.chars().flat_map(fold).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_needles_whatever_their_case_and_overlap() {
        for (needle, text, is_found) in [
            ("secret", "a SECRET b", true),
            ("SECRET", "a secret b", true),
            ("straße", "STRASSE 7", true),
            ("ΟΔΟΣ", "η οδος", true),
            ("οδός", "ΟΔΌΣΑ", true),
            ("kelvin", "\u{212a}elvin", true),
            ("secret", "ſecret", true),
            ("größe", "grösse", true),
            ("secret", "secre t", false),
        ] {
            let mut table = NeedleTable::default();
            let number = table.number_of(needle);
            let found = table.into_finder().unwrap().find_in(&[Cow::Borrowed("zzz"), Cow::Borrowed(text)]);
            assert_eq!(found.contains(number), is_found, "{needle} in {text}");
        }
    }

    #[test]
    fn needles_inside_one_another_are_all_found() {
        let mut table = NeedleTable::default();
        let numbers = ["abcd", "bc", "c", "ABCD", "x"].map(|needle| table.number_of(needle));
        assert_eq!(numbers[0], numbers[3]);
        let found = table.into_finder().unwrap().find_in(&[Cow::Borrowed("abcd")]);
        assert_eq!(numbers.map(|n| found.contains(n)), [true, true, true, true, false]);
    }
}
