//! What a pattern says of itself: whether it can be searched for at all, and which texts every match begins with.

use crate::{
    keywords,
    pattern::{NEST_LIMIT, TENANT_SIZE_LIMIT},
};
use regex_syntax::{
    ParserBuilder, ast,
    hir::{Hir, literal::Extractor},
};

/// Most keywords that are taken from a pattern; more say that it begins with nothing in particular.
const MOST_DERIVED: usize = 32;

/// Reads a pattern as the search does.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn parse_pattern(pattern: &str) -> Result<Hir, String> {
    let mut builder = ParserBuilder::new();
    let mut parser = builder.unicode(false).utf8(false).nest_limit(NEST_LIMIT).build();
    parser.parse(pattern).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => {
            let at = error.span().start.column;
            match error.kind() {
                ast::ErrorKind::UnsupportedLookAround | ast::ErrorKind::UnsupportedBackreference => format!(
                    "uses look-around or a back-reference at character {at}, which a search in linear time does not \
                     have; put the value into a group, `prefix-(value)`, and name its surroundings in `context`"
                ),
                kind => format!("is no regular expression: {kind}, at character {at}"),
            }
        }
        regex_syntax::Error::Translate(error) => format!(
            "is no regular expression: {}, at character {}",
            error.kind(),
            error.span().start.column
        ),
        other => format!("is no regular expression: {other}"),
    })
}

/// Says how large a pattern may be.
pub(super) fn too_large() -> String {
    let limit = TENANT_SIZE_LIMIT >> 10;
    format!("needs more than {limit} KiB once compiled; use shorter repetitions and ASCII classes")
}

/// The texts that every match begins with, in lower case, where there are a few and each is long enough to search for.
pub(super) fn derive_keywords(pattern: &str) -> Option<Vec<String>> {
    let hir = parse_pattern(pattern).ok()?;
    // Both cases of a letter, and no class such as `[0-9]`: ten keywords for each digit would say no more.
    let literals = Extractor::new().limit_class(2).limit_total(256).extract(&hir);
    let texts = literals.literals()?.iter().map(|literal| std::str::from_utf8(literal.as_bytes()).ok());
    let mut found: Vec<String> = texts.map(|text| Some(text?.to_ascii_lowercase())).collect::<Option<_>>()?;
    found.sort_unstable();
    found.dedup();
    let is_keyword =
        |text: &String| text.len() >= keywords::SHORTEST && !text.chars().any(char::is_uppercase);
    (!found.is_empty() && found.len() <= MOST_DERIVED && found.iter().all(is_keyword)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_what_every_match_begins_with() {
        for (pattern, expected) in [
            (r"\bemp-[0-9]{6}\b", Some(vec!["emp-"])),
            (r"(?i)\bACME_[a-z0-9]{20}", Some(vec!["acme_"])),
            (r"(?:prod|stage)-key-(\w+)", Some(vec!["prod-key-", "stage-key-"])),
            (r"ab[0-9]{6}", None),
            (r"[A-Z]{2}-[0-9]+", None),
            (r".*secret", None),
            (r"(secret", None),
        ] {
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(derive_keywords(pattern), expected, "{pattern}");
        }
    }
}
