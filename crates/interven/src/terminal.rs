//! What people read: aligned columns, and colour where it can be seen.

use crate::cli::ColourChoice;
use interven_types::Decision;
use serde::Serialize;
use std::{
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
};

/// How answers are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    is_json: bool,
    paint: Paint,
}

impl Terminal {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json, paint: Paint(can_show_colour()) }
    }

    pub(crate) fn is_json(self) -> bool {
        self.is_json
    }

    pub(crate) fn paint(self) -> Paint {
        self.paint
    }

    /// Prints `value` as JSON where that was asked for, else what `text` makes of it.
    pub(crate) fn show<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> anyhow::Result<()> {
        match self.is_json {
            true => print(&format!("{}\n", serde_json::to_string_pretty(value)?)),
            false => print(&text(value)),
        }
    }

    /// The word of a decision, padded to the longest of them.
    pub(crate) fn decision(self, decision: Option<Decision>) -> String {
        let word = format!("{:<16}", decision.map_or("-", Decision::as_str));
        let color = match decision {
            Some(Decision::Allow) => "32",
            Some(Decision::Sanitize) => "36",
            Some(Decision::RequireApproval) => "33",
            Some(Decision::Deny) => "31",
            None => return word,
        };
        self.paint.with(color, &word)
    }
}

/// Text in colours, where they can be seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    pub(crate) fn new(choice: ColourChoice) -> Self {
        Self(match choice {
            ColourChoice::Auto => can_show_colour(),
            ColourChoice::Always => true,
            ColourChoice::Never => false,
        })
    }

    /// `text` in the colours that `code` selects (ECMA-48 §8.3.117).
    pub(crate) fn with(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// No colour into files and pipes, nor with `NO_COLOR` (no-color.org).
fn can_show_colour() -> bool {
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !is_refused
}

/// Writes to the standard output at once, so that a reader of a pipe sees it.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Columns under their heads; an empty list says `none`.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<[String; N]> = rows.into_iter().map(|row| row.map(|cell| printable(&cell))).collect();
    if rows.is_empty() {
        return "none\n".to_owned();
    }
    let heads = heads.map(str::to_owned);
    let all = || std::iter::once(&heads).chain(&rows);
    let width_of =
        |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..N).map(|column| width_of(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for row in all() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// Lines of `name  value`.
pub(crate) fn fields<const N: usize>(pairs: [(&str, String); N]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name:<width$}  {}", printable(value));
        text
    })
}

/// What an agent named must not drive the operator's terminal: control characters become visible.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `1 rule`, `2 rules`.
pub(crate) fn counted(number: usize, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

pub(crate) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["a".to_owned(), "bb".to_owned()], ["ccc".to_owned(), "d\x1b[2J".to_owned()]];
        assert_eq!(table(["X", "Y"], rows), "X    Y\na    bb\nccc  d\u{fffd}[2J\n");
        assert_eq!(table(["X"], []), "none\n");
    }
}
