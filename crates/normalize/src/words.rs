//! What a name says: the verb and the category of an operation that no table knows, from the words of its name.

use crate::embedded::WORDS;
use interven_types::Verb;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Contents of `tools/words.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Words that begin reading operations.
    read: BTreeSet<String>,
    write: BTreeSet<String>,
    admin: BTreeSet<String>,
    /// Words after which another verb stands: `read_and_delete`.
    joining: BTreeSet<String>,
    /// Category by word.
    category: BTreeMap<String, Vec<String>>,
    /// Verb by HTTP method.
    method: BTreeMap<String, Verb>,
}

impl Words {
    pub(crate) fn categories(&self) -> impl Iterator<Item = &str> {
        self.category.keys().map(String::as_str)
    }
}

/// Verb of a method that says nothing else; `WRITE` for methods not in the table.
pub(crate) fn verb_of_method(method: &str) -> Verb {
    WORDS.method.get(method).copied().unwrap_or(Verb::Write)
}

/// Verb of a snake-case name: that of its first known word, or of a stricter one after `and`. Unknown names write.
pub(crate) fn verb_of_name(name: &str) -> Verb {
    let verb = |word: &str| {
        if WORDS.admin.contains(word) {
            Some(Verb::Admin)
        } else if WORDS.write.contains(word) {
            Some(Verb::Write)
        } else if WORDS.read.contains(word) {
            Some(Verb::Read)
        } else {
            None
        }
    };
    let mut strictest = None;
    let mut is_open = true;
    for word in name.split('_') {
        if is_open && let Some(verb) = verb(word) {
            strictest = strictest.max(Some(verb));
            is_open = false;
        }
        is_open |= WORDS.joining.contains(word);
    }
    strictest.unwrap_or(Verb::Write)
}

/// Category of a snake-case name: that of the last known word (`send_channel_message` is about messages).
pub(crate) fn category_of_name(name: &str) -> Option<&'static str> {
    let words = WORDS.category.iter();
    name.rsplit('_').find_map(|word| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        let names = |known: &Vec<String>| known.iter().any(|k| k == word || k == singular);
        words.clone().find(|(_, known)| names(known)).map(|(category, _)| category.as_str())
    })
}

/// `chat.postMessage`, `DescribeDBInstances`, `create-user` → `chat_post_message`, `describe_db_instances`, `create_user`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut before = None::<char>;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            if !out.is_empty() && !out.ends_with('_') {
                out.push('_');
            }
        } else {
            let after_lower = before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit());
            let ends_acronym = before.is_some_and(char::is_uppercase)
                && chars.peek().is_some_and(|next| next.is_lowercase());
            if c.is_uppercase() && (after_lower || ends_acronym) && !out.ends_with('_') {
                out.push('_');
            }
            out.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_snake_case() {
        let table = [
            ("chat.postMessage", "chat_post_message"),
            ("DescribeDBInstances", "describe_db_instances"),
            ("ListObjectsV2", "list_objects_v2"),
            ("CreateSAMLProvider", "create_saml_provider"),
            ("create-user", "create_user"),
            ("__x..y__", "x_y"),
            ("send_message", "send_message"),
            ("", ""),
        ];
        for (name, snake) in table {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn verbs_come_from_words() {
        let table = [
            ("get_user", Verb::Read),
            ("search_and_delete", Verb::Admin),
            ("get_deploy_status", Verb::Read),
            ("delete_message", Verb::Admin),
            ("grant_access", Verb::Admin),
            ("send_money", Verb::Write),
            ("frobnicate", Verb::Write),
            ("user_list", Verb::Read),
            ("", Verb::Write),
        ];
        for (name, verb) in table {
            assert_eq!(verb_of_name(name), verb, "{name}");
        }
    }

    #[test]
    fn categories_come_from_words() {
        assert_eq!(category_of_name("send_channel_message"), Some("messages"));
        assert_eq!(category_of_name("list_emails"), Some("mail"));
        assert_eq!(category_of_name("frobnicate"), None);
    }
}
