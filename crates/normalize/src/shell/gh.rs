//! `gh api`: the call to GitHub that it makes (<https://cli.github.com/manual/gh_api>).

use crate::{CanonicalUrl, http::Call, namer::Namer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Options that take a value and say nothing about what is called.
const IGNORED_WITH_VALUE: [&str; 10] =
    ["-H", "--header", "-q", "--jq", "-t", "--template", "-p", "--preview", "--cache", "--hostname"];

/// Names what `gh api <arguments>` does. False when it names no path.
pub(super) fn name_api(namer: &mut Namer<'_>, arguments: &[String]) -> bool {
    let (mut method, mut path, mut fields, mut has_input) = (None, None, Map::new(), false);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let is_long = word.starts_with("--");
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) if is_long => (option, Some(value)),
            // `-XPUT`
            _ if word.starts_with('-') && !is_long && word.len() > 2 => {
                (word.get(..2).unwrap_or_default(), word.get(2..))
            }
            _ => (word.as_str(), None),
        };
        let mut value = || joined.map(str::to_owned).or_else(|| rest.next().cloned()).unwrap_or_default();
        match option {
            "-X" | "--method" => method = Some(value().to_ascii_uppercase()),
            "-f" | "-F" | "--field" | "--raw-field" => {
                let field = value();
                let (name, content) = field.split_once('=').unwrap_or((&field, ""));
                fields.insert(name.to_owned(), Value::String(content.to_owned()));
            }
            "--input" => {
                has_input = true;
                _ = value();
            }
            ignored if IGNORED_WITH_VALUE.contains(&ignored) => _ = value(),
            option if option.starts_with('-') => {}
            operand => _ = path.get_or_insert_with(|| operand.to_owned()),
        }
    }
    let Some(path) = path else { return false };
    let full = if path.contains("://") {
        path
    } else {
        format!("https://api.github.com/{}", path.trim_start_matches('/'))
    };
    let Ok(url) = CanonicalUrl::parse(&full) else { return false };
    let default = if fields.is_empty() && !has_input { "GET" } else { "POST" };
    let body = if fields.is_empty() { Value::Null } else { Value::Object(fields) };
    let method = method.as_deref().unwrap_or(default);
    namer.name(Call { method, url: &url, headers: &BTreeMap::new(), body: &body });
    true
}
