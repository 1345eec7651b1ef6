//! The JSON Schema of the language, generated from the types that read it.

use crate::source::PolicySource;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::Value;

/// Version of the policy language; grows when a policy that was valid becomes invalid or means something else.
pub const SCHEMA_VERSION: u32 = 1;

/// The policy language as a JSON Schema (draft 2020-12): a pack, or one policy alone.
pub fn json_schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "Interven policy".into());
    let mut schema = schema.to_value();
    for (definition, alias, key) in ALIASES {
        let properties = schema.pointer_mut(&format!("/$defs/{definition}/properties"));
        if let Some(properties) = properties.and_then(Value::as_object_mut)
            && let Some(property) = properties.get(*key).cloned()
        {
            properties.insert((*alias).to_owned(), property);
        }
    }
    schema
}

/// Keys that are also accepted, which the generator does not know of: definition, alias, key.
pub(crate) const ALIASES: &[(&str, &str, &str)] = &[
    ("Rule", "tags", "tag"),
    ("Match", "tools", "tool_names"),
    ("Condition", "new_resource", "is_new_destination"),
    ("Condition", "volume_burst", "is_volume_burst"),
];

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the two shapes of a document; parsing tells them apart itself")]
enum Document {
    Pack(Pack),
    One(PolicySource),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Pack {
    policies: Vec<PolicySource>,
}

// Words of types that live in a crate which knows nothing of schemas.

macro_rules! words {
    ($($name:ident as $shown:literal { $($variant:ident),+ })+) => {$(
        #[derive(JsonSchema)]
        #[serde(rename = $shown, rename_all = "UPPERCASE")]
        #[expect(dead_code, reason = "only its schema is used")]
        pub(crate) enum $name { $($variant),+ }
    )+};
}

words! {
    DataClassName as "DataClass" { Secrets, Pii, Phi, Internal }
    ConfidenceName as "Confidence" { Low, Medium, High }
    VerbName as "Verb" { Read, Write, Admin }
    SeverityName as "Severity" { Low, Medium, High, Critical }
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum GrantUsesName {
    AtMost(#[schemars(range(min = 1))] u32),
    Word(Unlimited),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum Unlimited {
    Unlimited,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        condition::Condition,
        read::keys_of,
        source::{Match, PolicyText, RuleSource},
    };

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        let schema = json_schema();
        let definitions = schema["$defs"].as_object().unwrap();
        let listed = |name: &str| -> Vec<String> {
            let definition =
                definitions.get(name).unwrap_or_else(|| panic!("{name} in {:?}", definitions.keys()));
            assert_eq!(definition["additionalProperties"], false, "{name}");
            definition["properties"].as_object().unwrap().keys().cloned().collect()
        };
        for (name, keys) in [
            ("Rule", keys_of::<RuleSource>()),
            ("Match", keys_of::<Match>()),
            ("Condition", keys_of::<Condition>()),
            ("Policy", keys_of::<PolicyText>()),
        ] {
            let mut expected: Vec<_> = keys.iter().map(|k| (*k).to_owned()).collect();
            let mut found = listed(name);
            expected.sort();
            found.sort();
            assert_eq!(found, expected, "{name}");
        }
    }
}
