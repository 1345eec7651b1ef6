//! Texts of a table with holes in them: `{org}/{repo}`, `{$channel}|{$channel_id}`.

use crate::params::Params;
use serde::Deserialize;
use std::borrow::Cow;

/// Longest text filled in, in characters: a resource names something, it does not carry it.
const MAX_TEXT_CHARS: usize = 512;

/// Alternatives, separated by `|`; the first whose holes can all be filled is used. `{name}` is what the path or host
/// captured under that name; `{$name}` is a parameter of the call; `{$name after WORD}` is the word in it that follows `WORD`,
/// outside brackets and quotes.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Template(Vec<Vec<Piece>>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Capture(String),
    Param(String),
    WordAfter { param: String, word: String },
}

/// What the holes of a template are filled from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'s, 'a> {
    pub(crate) captures: &'s [(&'static str, Cow<'s, str>)],
    pub(crate) params: &'s Params<'a>,
}

impl Scope<'_, '_> {
    fn capture(&self, name: &str) -> Option<&str> {
        self.captures.iter().find(|(n, _)| *n == name).map(|(_, text)| text.as_ref())
    }
}

impl From<String> for Template {
    fn from(text: String) -> Self {
        Self(text.split('|').map(read_pieces).collect())
    }
}

fn read_pieces(mut text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    while let Some((before, (hole, after))) =
        text.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(match hole.strip_prefix('$') {
            Some(name) => match name.split_once(" after ") {
                Some((param, word)) => Piece::WordAfter { param: param.to_owned(), word: word.to_owned() },
                None => Piece::Param(name.to_owned()),
            },
            None => Piece::Capture(hole.to_owned()),
        });
        text = after;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    pieces
}

impl Template {
    /// The text without holes, when there are none.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.first().map(Vec::as_slice) {
            Some([Piece::Text(text)]) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn fill(&self, scope: Scope<'_, '_>) -> Option<String> {
        self.0.iter().find_map(|pieces| fill_pieces(pieces, scope))
    }

    /// Every value: of a template that is one parameter, all of that parameter, comma-separated ones apart.
    pub(crate) fn fill_all(&self, scope: Scope<'_, '_>) -> Vec<String> {
        self.0
            .iter()
            .map(|pieces| match pieces.as_slice() {
                [Piece::Param(name)] => split_values(&scope.params.texts(name)),
                pieces => fill_pieces(pieces, scope).into_iter().collect(),
            })
            .find(|values: &Vec<String>| !values.is_empty())
            .unwrap_or_default()
    }
}

fn split_values(texts: &[Cow<'_, str>]) -> Vec<String> {
    let values = texts.iter().flat_map(|text| text.split(','));
    values.map(str::trim).filter(|v| !v.is_empty()).map(bounded).collect()
}

fn fill_pieces(pieces: &[Piece], scope: Scope<'_, '_>) -> Option<String> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Capture(name) => out.push_str(scope.capture(name)?),
            Piece::Param(name) => out.push_str(&scope.params.text(name)?),
            Piece::WordAfter { param, word } => out.push_str(word_after(&scope.params.text(param)?, word)?),
        }
    }
    Some(bounded(&out))
}

/// The table of a query: what follows `FROM`, when that is not the `FROM` of a query inside.
fn word_after<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '\'');
    let (mut depth, mut is_quoted, mut is_next, mut rest) = (0_usize, false, false, text);
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        let from = rest.get(start..)?;
        let end = from.find(is_separator).unwrap_or(from.len());
        let (token, after) = from.split_at_checked(end.max(1))?;
        match token {
            "\'" => is_quoted = !is_quoted,
            "(" if !is_quoted => depth += 1,
            ")" if !is_quoted => depth = depth.saturating_sub(1),
            _ if is_next => return Some(token),
            _ => is_next = depth == 0 && !is_quoted && token.eq_ignore_ascii_case(word),
        }
        rest = after;
    }
    None
}

/// At most [`MAX_TEXT_CHARS`] characters of `text`.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_about_the_table_outside_its_brackets() {
        let table = [
            ("SELECT Id FROM Account", Some("Account")),
            ("select Id from Contact where Name = 'x'", Some("Contact")),
            ("SELECT Id, (SELECT Name FROM Contacts) FROM Account LIMIT 1", Some("Account")),
            ("SELECT Id FROM Lead WHERE Id IN (SELECT LeadId FROM Task)", Some("Lead")),
            ("SELECT 'x FROM y' FROM Case", Some("Case")),
            ("SELECT COUNT() FROM\n\tUser", Some("User")),
            ("FIND {x}", None),
            ("FROM", None),
            ("((((", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(word_after(text, "FROM"), expected, "{text}");
        }
    }
}
