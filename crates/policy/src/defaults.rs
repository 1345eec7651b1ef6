//! The policies a new tenant starts with.

use crate::parse::parse_yaml;
use crate::source::PolicySource;

const TEXT: &str = include_str!("../../../policies/defaults.yaml");

/// P1–P11, from `policies/defaults.yaml`.
pub fn default_policies() -> Vec<PolicySource> {
    // The text is part of the program; a test proves that it parses.
    parse_yaml(TEXT, "policies/defaults.yaml").unwrap_or_default()
}
