//! Tags that a call names: `Tag.1.Key=`, `[{"Key":…,"Value":…}]`, `{"Tags": {"env": "prod"}}`, `x-amz-tagging`.

use crate::params::{Params, scalar};
use serde_json::Value;
use std::collections::BTreeMap;

/// AWS itself allows 50 tags on a resource.
const MAX_TAGS: usize = 100;
const MAX_DEPTH: usize = 8;

type Tags = BTreeMap<String, String>;

pub(super) fn collect(params: &Params<'_>) -> Tags {
    let mut tags = Tags::new();
    collect_pairs(params, &mut tags);
    walk(params.body(), &mut tags, 0);
    for (name, value) in
        url::form_urlencoded::parse(params.header("x-amz-tagging").unwrap_or_default().as_bytes())
    {
        insert(&mut tags, &name, &value);
    }
    tags
}

fn insert(tags: &mut Tags, name: &str, value: &str) {
    if tags.len() < MAX_TAGS {
        tags.insert(name.to_owned(), value.to_owned());
    }
}

fn collect_pairs(params: &Params<'_>, tags: &mut Tags) {
    if !params.pairs().any(|(name, _)| name.contains("Tag")) {
        return;
    }
    let pairs: BTreeMap<&str, &str> = params.pairs().collect();
    for (name, key) in &pairs {
        if let Some(tag) = name.strip_suffix(".Key").filter(|tag| tag.contains("Tag")) {
            let value = pairs.get(format!("{tag}.Value").as_str()).copied().unwrap_or_default();
            insert(tags, key, value);
        }
    }
}

fn walk(value: &Value, tags: &mut Tags, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, tags, depth + 1)),
        Value::Object(members) => {
            let text =
                |upper: &str, lower: &str| members.get(upper).or_else(|| members.get(lower)).and_then(scalar);
            if let (Some(key), Some(value)) = (text("Key", "key"), text("Value", "value")) {
                insert(tags, &key, &value);
            }
            for (name, member) in members {
                match member {
                    Value::Object(map) if name.eq_ignore_ascii_case("tags") => {
                        for (key, value) in map {
                            if let Some(value) = scalar(value) {
                                insert(tags, key, &value);
                            }
                        }
                    }
                    other => walk(other, tags, depth + 1),
                }
            }
        }
        _ => {}
    }
}
