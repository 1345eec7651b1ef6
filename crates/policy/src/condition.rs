//! What must hold beside the match. All keys of a condition are ANDed.

use crate::field::{self, is_default};
use interven_types::{Confidence, DataClass};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// Any of these classes was found, with MEDIUM confidence or above.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<crate::schema::DataClassName>")]
    pub has_data_class: Vec<DataClass>,
    /// Moves the bar of `has_data_class`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::ConfidenceName>")]
    pub has_data_class_min_confidence: Option<Confidence>,
    /// Any of these texts stands in the body, case ignored.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub body_contains_any: Vec<String>,
    /// All of these texts stand in the body, case ignored.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub body_contains_all: Vec<String>,
    /// The value at the path is this JSON value; `1` and `1.0` are one number, `1` and `"1"` are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_equals: Option<PathTest<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_in: Option<PathTest<Vec<Value>>>,
    /// Comparisons are of numbers, as doubles; anything else at the path is a type error.
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_gt: Option<PathTest<f64>>,
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_gte: Option<PathTest<f64>>,
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_lt: Option<PathTest<f64>>,
    #[serde(serialize_with = "field::write_bound", skip_serializing_if = "Option::is_none")]
    pub body_path_lte: Option<PathTest<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_path_exists: Option<PathPresence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_size_bytes_gt: Option<u64>,
    /// The call gives something to, or sends it to, someone outside the tenant's own domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_external_principal: Option<bool>,
    /// The host lies outside the tenant's own domains and private ranges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_external_host: Option<bool>,
    #[serde(alias = "new_resource", skip_serializing_if = "Option::is_none")]
    pub is_new_destination: Option<bool>,
    #[serde(alias = "volume_burst", skip_serializing_if = "Option::is_none")]
    pub is_volume_burst: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_score_gt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_score_lt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_in_scrutiny: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threat_intel_match: Option<bool>,
    /// Any of these, as the semantic engine names them: `EXFILTRATION`, `PROMPT_INJECTION`, …
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub semantic_category: Vec<String>,
    /// Any of these, as the correlation engine names them.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub correlation_pattern: Vec<String>,
    /// Name of a tenant budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_budget_exceeded: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_of_day_outside: Option<TimeWindow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_drift_detected: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_origin_changed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_injection_heuristic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mcp_risky_param_added: Option<bool>,
    /// Does not hold. A part that cannot be evaluated still cannot be evaluated here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
    /// At least one holds.
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
