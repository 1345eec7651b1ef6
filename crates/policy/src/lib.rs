//! The policy language of Interven: parse → check → compile → evaluate → explain. Pure: no I/O, no clock.
//!
//! ```
//! use interven_policy::{PolicySet, check, parse_yaml};
//! use interven_types::PolicyId;
//!
//! let text = "
//! name: Nothing leaves at night
//! rules:
//!   - rule_id: night-writes
//!     match: { verbs: [WRITE, ADMIN] }
//!     condition: { time_of_day_outside: { start: '07:00', end: '22:00', tz: Europe/Berlin } }
//!     action: REQUIRE_APPROVAL
//! ";
//! let policies = parse_yaml(text, "night.yaml")?;
//! assert!(check(&policies[0]).is_empty());
//! let installed = policies[0].install(PolicyId(Default::default()), 1, None, None);
//! let set = PolicySet::compile(&[installed]).unwrap();
//! assert_eq!(set.rule_count(), 1);
//! # Ok::<(), interven_policy::Diagnostics>(())
//! ```
//!
//! A mistake is named where it was made:
//!
//! ```
//! let text = "name: x\nrules:\n  - rule_id: a\n    match: { tool_nams: [slack] }\n    action: DENY\n";
//! let errors = interven_policy::parse_yaml(text, "x.yaml").unwrap_err();
//! assert!(errors.to_string().starts_with("x.yaml:4:14: error: unknown key `tool_nams`; did you mean `tool_name"));
//! ```

mod analysis;
mod budget;
mod check;
mod condition;
mod cover;
mod defaults;
mod diagnostic;
mod diff;
mod evaluate;
mod field;
mod format;
mod judge;
mod matcher;
mod naming;
mod needle;
mod node;
mod outcome;
mod pack;
mod parse;
mod path;
mod pattern;
mod print;
mod read;
mod reference;
mod remarks;
mod scalar;
mod schema;
mod set;
mod source;
mod suite;
#[cfg(test)]
mod tests;
mod together;
mod truth;
mod window;

pub use budget::{BudgetError, BudgetFact, Budgets, Unmeasured};
pub use check::{check, check_together};
pub use condition::{Condition, Day, PathPresence, PathTest, TimeWindow};
pub use defaults::default_policies;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, nearest};
pub use diff::{Change, KeyChange, PolicyChange, RuleChange, diff};
pub use format::format;
pub use outcome::{Facts, McpFacts, Modifiers, Note, Outcome, RedactionRequest, RuleMatch};
pub use pack::{PACKS, Pack, pack};
pub use parse::{Document, check_documents, check_yaml, parse_json, parse_yaml};
pub use path::{JsonPath, JsonPathError};
pub use print::{print_json, print_yaml};
pub use reference::reference_page;
pub use schema::{SCHEMA_VERSION, json_schema};
pub use set::PolicySet;
pub use source::{InstalledPolicy, Match, Mode, PolicyAction, PolicySource, RuleSource};
pub use suite::{Case, Expectation, Given, Suite, parse_suite};
