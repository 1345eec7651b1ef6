//! The names that calls can get, for checking what policies say about them.

use crate::Verb;
use std::collections::{BTreeMap, BTreeSet};

/// Every tool by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary(pub BTreeMap<String, ToolVocabulary>);

/// What the calls of one tool can be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolVocabulary {
    /// Operations, each with the verbs that it can have; none: any verb.
    pub operations: BTreeMap<String, BTreeSet<Verb>>,
    pub categories: BTreeSet<String>,
    /// There are more operations than these, as a protocol, an MCP server or a framework names them.
    pub is_open: bool,
}
