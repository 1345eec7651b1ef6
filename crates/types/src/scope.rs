//! What calls a key may make at all, whatever the policies say.

use crate::{Action, Verb};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Entries of one list at most.
const MOST_TOOLS: usize = 64;
/// Longest name of a tool, in bytes.
const LONGEST_TOOL: usize = 128;

/// The calls that an ephemeral key is for. An empty list limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallScope {
    /// Tools, `slack`, or single operations of them, `slack.post_message`.
    pub tools: BTreeSet<String>,
    pub verbs: BTreeSet<Verb>,
}

/// One way in which a call lies outside a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScopeViolation {
    pub kind: ScopeKind,
    /// What the call is: `github.create_pull_request`, `ADMIN`.
    pub asked: String,
    pub allowed: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    Tool,
    Verb,
}

impl ScopeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Verb => "verb",
        }
    }
}

/// Why a scope is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    #[error("`scope.tools` names {0} tools; {MOST_TOOLS} are the most")]
    TooMany(usize),
    #[error(
        "`scope.tools` holds a name that is empty, padded with spaces or longer than {LONGEST_TOOL} bytes"
    )]
    Name,
    #[error("`scope.tools` holds `{0}`: tools and operations are given by their names, not patterns")]
    Pattern(String),
}

impl CallScope {
    pub fn is_unlimited(&self) -> bool {
        self.tools.is_empty() && self.verbs.is_empty()
    }

    pub fn check(&self) -> Result<(), InvalidScope> {
        if self.tools.len() > MOST_TOOLS {
            return Err(InvalidScope::TooMany(self.tools.len()));
        }
        let is_name = |name: &String| !name.is_empty() && name.len() <= LONGEST_TOOL && name.trim() == name;
        if !self.tools.iter().all(is_name) {
            return Err(InvalidScope::Name);
        }
        // It would fit no call, and each would open an incident.
        let pattern = self.tools.iter().find(|name| name.contains('*'));
        pattern.map_or(Ok(()), |pattern| Err(InvalidScope::Pattern(pattern.clone())))
    }

    /// Every way in which a call that does all of `actions` lies outside; each is named once.
    pub fn violations<'a>(&self, actions: impl Iterator<Item = &'a Action>) -> Vec<ScopeViolation> {
        let mut found = Vec::new();
        for action in actions {
            let operation = format!("{}.{}", action.tool, action.operation);
            let is_for_tool = self.tools.contains(action.tool.as_ref()) || self.tools.contains(&operation);
            if !self.tools.is_empty() && !is_for_tool {
                found.push(violation(ScopeKind::Tool, operation, self.tools.iter().cloned()));
            }
            if !self.verbs.is_empty() && !self.verbs.contains(&action.verb) {
                let allowed = self.verbs.iter().map(Verb::to_string);
                found.push(violation(ScopeKind::Verb, action.verb.to_string(), allowed));
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|violation| seen.insert(violation.asked.clone()));
        found
    }
}

fn violation(kind: ScopeKind, asked: String, allowed: impl Iterator<Item = String>) -> ScopeViolation {
    ScopeViolation { kind, asked, allowed: allowed.collect() }
}
