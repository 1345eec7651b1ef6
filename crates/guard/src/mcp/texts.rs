//! What a model reads of a JSON value, whatever else is in it.

use crate::json_text::{elements, members, string};

/// Deepest nesting that is looked into.
const MAX_DEPTH: usize = 100;
/// ASCII without a blank above this size is encoded data, such as an image: no model reads orders in it.
const MAX_WORD_BYTES: usize = 4_096;

/// All names and strings of a JSON text, one per line. Doubled members count twice, and numbers may have any size.
/// Absent when it is nested too deep to be looked through.
pub(crate) fn texts_of(json: &str) -> Option<String> {
    let mut texts = String::new();
    collect(json, 0, &mut texts).then_some(texts)
}

fn collect(json: &str, depth: usize, texts: &mut String) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let mut add = |text: &str| {
        let is_data = text.len() > MAX_WORD_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_data {
            texts.push_str(text);
            texts.push('\n');
        }
    };
    match json.trim_start().as_bytes().first() {
        Some(b'"') => {
            // Half of a surrogate pair: what is escaped stays so.
            add(&string(json).unwrap_or(json.into()));
            true
        }
        Some(b'[') => {
            elements(json).is_some_and(|all| all.into_iter().all(|one| collect(one, depth + 1, texts)))
        }
        Some(b'{') => members(json).is_some_and(|all| {
            all.into_iter().all(|(key, value)| {
                texts.push_str(&key);
                texts.push('\n');
                collect(value, depth + 1, texts)
            })
        }),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_and_data_is_not() {
        let image = "A".repeat(5_000);
        let json = format!(r#"{{"a":"x\ny","a":[1e999,"z",{{"k":"\ud800"}}],"data":"{image}"}}"#);
        assert_eq!(texts_of(&json).unwrap(), "a\nx\ny\na\nz\nk\n\"\\ud800\"\ndata\n");
        assert_eq!(texts_of("1"), Some(String::new()));
        assert_eq!(texts_of(&"[".repeat(200)), None);
        assert_eq!(texts_of(&format!("{}{}", "[".repeat(200), "]".repeat(200))), None);
    }
}
