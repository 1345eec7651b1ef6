//! One text as YAML writes it: plain where that cannot be read as anything else, in double quotes otherwise.

use std::fmt::Write as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// The rest of a line.
    Plain,
    /// Within `[ ]` or `{ }`.
    Flow,
    /// A key, in either.
    Key,
}

pub(crate) fn scalar(text: &str, style: Style) -> String {
    if is_plain(text, style) { text.to_owned() } else { quoted(text) }
}

/// Stricter than YAML 1.2.2 §7.3.3 demands: what looks like something else to a person is quoted too.
fn is_plain(text: &str, style: Style) -> bool {
    let starts_well = text.starts_with(|c: char| c.is_alphanumeric() || "$/_.(".contains(c));
    let is_harmless = |c: char| match c {
        ' ' | '_' | '-' | '.' | '/' | ':' | '$' | '(' | ')' | '@' | '+' | '=' | ';' | '<' | '>' | '~'
        | '^' | '%' => true,
        '!' | '&' | '|' | '\'' | '"' | '`' | '#' | '\\' => style != Style::Key,
        ',' | '[' | ']' | '{' | '}' | '?' => style == Style::Plain,
        _ => c.is_alphanumeric(),
    };
    let ends_well = !text.ends_with([' ', ':']) && !text.contains(": ") && !text.contains(" #");
    starts_well && ends_well && text.chars().all(is_harmless) && !is_word(text) && !is_like_a_number(text)
}

/// What YAML 1.1 or 1.2 reads as true, false or nothing.
fn is_word(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Numbers, dates, times of day, `.inf`, document marks.
fn is_like_a_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_numeric() || c == '.')
        && text.chars().all(|c| c.is_numeric() || "abcdefABCDEFxXoOiInN_+-.: ".contains(c))
}

/// JSON's quotes and escapes, which are YAML's too, and escapes for what YAML does not take as it is.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_plain_only_where_that_is_safe() {
        for (text, plain, flow) in [
            ("slack", "slack", "slack"),
            ("$.items[0]", "$.items[0]", "\"$.items[0]\""),
            ("HIPAA:164.312(e)(1)", "HIPAA:164.312(e)(1)", "HIPAA:164.312(e)(1)"),
            ("the tenant's own, all of it", "the tenant's own, all of it", "\"the tenant's own, all of it\""),
            ("*", "\"*\"", "\"*\""),
            ("", "\"\"", "\"\""),
            ("No", "\"No\"", "\"No\""),
            ("08:00", "\"08:00\"", "\"08:00\""),
            ("111122223333", "\"111122223333\"", "\"111122223333\""),
            ("2fa reset", "2fa reset", "2fa reset"),
            ("a: b", "\"a: b\"", "\"a: b\""),
            ("a #b", "\"a #b\"", "\"a #b\""),
            ("a\u{7f}\"\\\n", "\"a\\u007f\\\"\\\\\\n\"", "\"a\\u007f\\\"\\\\\\n\""),
        ] {
            assert_eq!((scalar(text, Style::Plain), scalar(text, Style::Flow)), (plain.into(), flow.into()));
        }
    }
}
