//! Expansion of words, as far as it can be foreseen without running anything.

use super::lex::{Piece, Word};
use std::collections::HashMap;

/// Most words and longest text that one word expands to.
const MAX_WORDS: usize = 256;
const MAX_TEXT: usize = 16_384;

/// Variables that the script itself has set.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(HashMap<String, String>);

/// Words that a word became.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) words: Vec<String>,
    /// Part of it is the output of a command that cannot be foreseen.
    pub(super) is_unforeseen: bool,
    pub(super) has_process: bool,
}

impl Variables {
    pub(super) fn set(&mut self, name: &str, value: String) {
        if self.0.len() < MAX_WORDS && value.len() <= MAX_TEXT {
            self.0.insert(name.to_owned(), value);
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Expands `word`; `run` gives the output of a command, when it is foreseeable.
    pub(super) fn expand(&self, word: &Word, run: &mut dyn FnMut(&str) -> Option<String>) -> Expanded {
        let mut out = Expanded::default();
        let mut current = String::new();
        let mut is_word = false;
        let stands_alone = word.0.len() == 1;
        for piece in &word.0 {
            let (text, splits) = match piece {
                Piece::Text { text, is_quoted } => {
                    is_word |= *is_quoted || !text.is_empty();
                    if !is_quoted
                        && stands_alone
                        && let Some(words) = expand_braces(text)
                    {
                        out.words = words;
                        return out;
                    }
                    (text.clone(), false)
                }
                Piece::Variable { expression, is_quoted } => {
                    is_word |= *is_quoted;
                    (self.value(expression, stands_alone), !is_quoted)
                }
                Piece::Command { text, is_quoted } => {
                    is_word |= *is_quoted;
                    let output = run(text);
                    out.is_unforeseen |= output.is_none();
                    (output.unwrap_or_else(|| format!("$({text})")), !is_quoted)
                }
                Piece::Process { text } => {
                    out.has_process = true;
                    let _named_for_its_actions = run(text);
                    (format!("<({text})"), false)
                }
            };
            if splits && current.len() + text.len() > MAX_TEXT {
                out.is_unforeseen = true;
                break;
            }
            if !splits {
                is_word |= !text.is_empty();
                current.push_str(&text);
                continue;
            }
            // Field splitting (POSIX §2.6.5) of what was not quoted.
            let mut fields = text.split([' ', '\t', '\n']);
            if let Some(first) = fields.next() {
                current.push_str(first);
                is_word |= !first.is_empty();
            }
            for field in fields {
                if is_word && out.words.len() < MAX_WORDS {
                    out.words.push(std::mem::take(&mut current));
                }
                is_word = !field.is_empty();
                current = field.to_owned();
            }
        }
        if is_word {
            out.words.push(current);
        }
        out
    }

    /// Value of `${expression}`. An unset name in the midst of a word is nothing, which is how words are broken up to hide
    /// them; standing alone, or in capitals, it may well be set by the environment and is shown as it was written.
    fn value(&self, expression: &str, stands_alone: bool) -> String {
        let end = expression.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(expression.len());
        let (name, operator) = expression.split_at_checked(end).unwrap_or((expression, ""));
        let known = self.0.get(name).map(String::as_str);
        let is_empty_here = name.is_empty() || name.bytes().all(|b| b.is_ascii_digit());
        if known.is_none() && name == "IFS" {
            return " \t\n".get(..if operator.is_empty() { 3 } else { 1 }).unwrap_or(" ").to_owned();
        }
        if let Some(range) =
            operator.strip_prefix(':').filter(|r| r.starts_with(|c: char| c.is_ascii_digit()))
        {
            // `${PATH:0:1}` is a slash wherever these paths are set.
            let value = known.or(matches!(name, "PATH" | "HOME" | "PWD" | "SHELL").then_some("/"));
            return value.map_or_else(String::new, |value| substring(value, range));
        }
        if let Some(value) = known {
            return value.to_owned();
        }
        let default = operator.trim_start_matches(':').strip_prefix(['-', '=']);
        match default {
            Some(default) => default.to_owned(),
            None if is_empty_here && operator.len() <= 1 => String::new(),
            None if stands_alone || name.chars().any(char::is_uppercase) => format!("${expression}"),
            None => String::new(),
        }
    }
}

fn substring(value: &str, range: &str) -> String {
    let (start, length) = range.split_once(':').unwrap_or((range, ""));
    let start = start.trim().parse().unwrap_or(0);
    value.chars().skip(start).take(length.trim().parse().unwrap_or(usize::MAX)).collect()
}

/// `{rm,-rf,x}` and `a{b,c}d`, one pair of braces.
fn expand_braces(text: &str) -> Option<Vec<String>> {
    let (before, rest) = text.split_once('{')?;
    let (inside, after) = rest.rsplit_once('}')?;
    if !inside.contains(',') || inside.contains(['{', '}']) {
        return None;
    }
    Some(inside.split(',').take(MAX_WORDS).map(|part| format!("{before}{part}{after}")).collect())
}
