//! What must hold beside the match. All keys of a condition are ANDed.

use crate::field::{self, is_default};
use interven_types::{Confidence, DataClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// One of these classes was found in body, URL or headers, with MEDIUM confidence or above.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<crate::schema::DataClassName>")]
    pub has_data_class: Vec<DataClass>,
    /// Moves the bar of `has_data_class`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::ConfidenceName>")]
    pub has_data_class_min_confidence: Option<Confidence>,
    /// One of these texts stands in the body or in what it decodes to, case ignored; each 1 to 1,000 bytes.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub body_contains_any: Vec<String>,
    /// All of these texts stand in the body or in what it decodes to, case ignored; each 1 to 1,000 bytes.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub body_contains_all: Vec<String>,
    /// The value at the path is this JSON value; `1` is `1.0` and not `"1"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_equals: Option<PathTest<Value>>,
    /// The value at the path is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_in: Option<PathTest<Vec<Value>>>,
    /// The number at the path is greater; compared as doubles.
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_gt: Option<PathTest<f64>>,
    /// The number at the path is as great or greater.
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_gte: Option<PathTest<f64>>,
    /// The number at the path is less.
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_lt: Option<PathTest<f64>>,
    /// The number at the path is as small or less.
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_lte: Option<PathTest<f64>>,
    /// The path leads somewhere; with `value: false`, nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_exists: Option<PathPresence>,
    /// All text of the body is longer, decoded layers included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_size_bytes_gt: Option<u64>,
    /// Someone outside `own_domains` is given something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_external_principal: Option<bool>,
    /// The host lies outside `own_domains` and private ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_external_host: Option<bool>,
    /// No allowed call of this agent went there before.
    #[serde(alias = "new_resource", skip_serializing_if = "Option::is_none")]
    pub is_new_destination: Option<bool>,
    /// Five times the agent's usual calls in ten minutes, after 50 learned.
    #[serde(alias = "volume_burst", skip_serializing_if = "Option::is_none")]
    pub is_volume_burst: Option<bool>,
    /// The risk score, 0 to 1, is above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score_gt: Option<f64>,
    /// The agent's trust, 0 to 1, is below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_score_lt: Option<f64>,
    /// The agent is under scrutiny.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_in_scrutiny: Option<bool>,
    /// A host, address or URL of the call is known for its malice. No engine tells in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threat_intel_match: Option<bool>,
    /// The intent of the call: `EXFILTRATION`, `PRIVILEGE_ESCALATION`, `DESTRUCTIVE`, `PROMPT_INJECTION`, `LATERAL_MOVEMENT`. No engine
    /// tells in this version.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub semantic_category: Vec<String>,
    /// A pattern of several calls, as the correlation engine names it. No engine tells in this version.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub correlation_pattern: Vec<String>,
    /// The call would bring the day above the budget of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_budget_exceeded: Option<String>,
    /// Now lies outside the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_of_day_outside: Option<TimeWindow>,
    /// The description of the MCP tool changed since it was approved. No guard tells in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_drift_detected: Option<bool>,
    /// The MCP server is another than the one that was approved. No guard tells in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_origin_changed: Option<bool>,
    /// The description or result of the MCP tool reads like instructions. No guard tells in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_injection_heuristic: Option<bool>,
    /// The MCP tool has a new parameter of a risky kind. No guard tells in this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_risky_param_added: Option<bool>,
    /// The condition inside does not hold. What cannot be evaluated cannot be evaluated here either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// One of the conditions inside holds.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub any_of: Vec<Condition>,
}

impl Condition {
    /// How deep `not` and `any_of` may nest.
    pub const MAX_NESTING: usize = 4;

    /// The budgets asked about, here and within.
    pub(crate) fn budget_names(&self) -> Vec<&str> {
        let within = self.not.as_deref().into_iter().chain(&self.any_of);
        let own = self.daily_budget_exceeded.as_deref();
        own.into_iter().chain(within.flat_map(Self::budget_names)).collect()
    }

    pub fn is_empty(&self) -> bool {
        is_default(self)
    }
}

/// A JSON path of the body, and what its value is compared with. With `[*]`, any element may satisfy it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathTest<T> {
    /// `$.items[*].amount`; see [`JsonPath`](crate::JsonPath).
    pub path: String,
    pub value: T,
}

/// Whether a JSON path of the body leads anywhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathPresence {
    pub path: String,
    /// `false`: the path must lead nowhere.
    #[serde(default = "present", skip_serializing_if = "Clone::clone")]
    pub value: bool,
}

fn present() -> bool {
    true
}

/// A daily window in one zone's local time. `start` belongs to it, `end` does not; when `end` is earlier than
/// `start`, it ends on the next day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeWindow {
    /// `09:00`
    pub start: String,
    /// `17:00`
    pub end: String,
    /// IANA zone: `Europe/Berlin`.
    pub tz: String,
    /// Days on which the window starts; absent: every day.
    #[serde(default, deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub days: Vec<Day>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}
