//! The keys of the language as a page, read off the JSON Schema.

use crate::schema::{ALIASES, json_schema};
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// What has a section of its own, with what is said before its table.
const SECTIONS: [(&str, &str); 4] = [
    ("Policy", "A file holds one, or `policies:` and a list of them."),
    ("Rule", "Of the rules of a policy that match, the first speaks."),
    ("Match", "Which calls. Keys are ANDed, items of a list are ORed; a list must not be empty."),
    ("Condition", "What must also hold. Keys are ANDed; `not` and `any_of` nest 4 deep."),
];

/// Every key of the language, in Markdown.
pub fn reference_page() -> String {
    let schema = json_schema();
    let mut page = String::from(
        "# Keys of the policy language\n\nMade of the [JSON Schema](policy.schema.json) by `make generate`. [Policies](policies.md) \
         teaches the language: globs, paths, evaluation, recipes.\n",
    );
    for (name, introduction) in SECTIONS {
        let definition = schema.pointer(&format!("/$defs/{name}")).unwrap_or(&Value::Null);
        let required: Vec<&str> =
            definition["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Writing to a String cannot fail.
        let _ =
            write!(page, "\n## {name}\n\n{introduction}\n\n| key | value | meaning |\n| --- | --- | --- |\n");
        for (key, property) in definition["properties"].as_object().into_iter().flatten() {
            let alias = |(of, alias, canonical): &&(&str, &str, &str)| {
                *of == name && (alias == key || canonical == key)
            };
            let aliased = ALIASES.iter().find(alias);
            if aliased.is_some_and(|(_, alias, _)| alias == key) {
                continue;
            }
            let also = aliased.map(|(_, alias, _)| format!(", alias `{alias}`")).unwrap_or_default();
            let must = if required.contains(&key.as_str()) { ", required" } else { "" };
            let meaning = property["description"].as_str().unwrap_or_default().replace('\n', " ");
            let _ = writeln!(page, "| `{key}`{also}{must} | {} | {meaning} |", value_of(property, &schema));
        }
    }
    page
}

/// What may stand behind a key, in words.
fn value_of(property: &Value, schema: &Value) -> String {
    let referred = |reference: &str| {
        let name = reference.rsplit('/').next().unwrap_or_default();
        match SECTIONS.iter().any(|(section, _)| *section == name) {
            true => format!("[{name}](#{})", name.to_ascii_lowercase()),
            false => {
                schema.pointer(&format!("/$defs/{name}")).map(|of| value_of(of, schema)).unwrap_or_default()
            }
        }
    };
    if let Some(reference) = property["$ref"].as_str() {
        return referred(reference);
    }
    for (key, or) in [("anyOf", " or "), ("oneOf", ", ")] {
        if let Some(kinds) = property[key].as_array() {
            let kinds = kinds.iter().filter(|kind| kind["type"] != "null").map(|kind| value_of(kind, schema));
            return kinds.collect::<Vec<_>>().join(or);
        }
    }
    if let Some(words) = property["enum"].as_array() {
        return words.iter().map(|word| format!("`{}`", text_of(word))).collect::<Vec<_>>().join(", ");
    }
    if !property["const"].is_null() {
        return format!("`{}`", text_of(&property["const"]));
    }
    let kinds = match &property["type"] {
        Value::Array(kinds) => kinds.iter().map(text_of).find(|kind| *kind != "null").unwrap_or_default(),
        kind => text_of(kind),
    };
    match kinds {
        "boolean" => "true, false".to_owned(),
        "integer" => format!("whole number{}", bounds_of(property)),
        "number" => format!("number{}", bounds_of(property)),
        "array" => format!("list of {}", value_of(&property["items"], schema)),
        "object" => shape_of(property),
        "string" => "text".to_owned(),
        _ => "any value".to_owned(),
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn bounds_of(property: &Value) -> String {
    match (property["minimum"].as_u64(), property["maximum"].as_u64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) if least > 0 => format!(", from {least}"),
        _ => String::new(),
    }
}

/// `{start, end, tz, days?}`; a map of texts for one without named keys.
fn shape_of(definition: &Value) -> String {
    let none = Map::new();
    let properties = definition["properties"].as_object().unwrap_or(&none);
    if properties.is_empty() {
        return "map of texts".to_owned();
    }
    let is_required = |key: &str| {
        definition["required"].as_array().is_some_and(|required| required.iter().any(|name| name == key))
    };
    let mut keys: Vec<&String> = properties.keys().collect();
    keys.sort_by_key(|key| !is_required(key));
    let shown: Vec<String> =
        keys.into_iter().map(|key| if is_required(key) { key.clone() } else { format!("{key}?") }).collect();
    format!("`{{{}}}`", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_value_and_a_meaning() {
        let page = reference_page();
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(rows.len() > 60, "{} keys", rows.len());
        for row in rows {
            let cells: Vec<&str> = row.split(" | ").collect();
            assert!(
                cells.len() == 3 && cells.iter().all(|cell| !cell.trim_matches(['|', ' ']).is_empty()),
                "{row}"
            );
        }
    }
}
