//! Daily budgets.

use interven_types::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A budget of the settings, and its day so far.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BudgetToday {
    pub name: String,
    /// `agent` or `tenant`.
    pub per: String,
    /// Absent: calls are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
    pub limit: f64,
    /// In the budget's zone.
    pub day: String,
    pub used: Vec<BudgetUse>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BudgetUse {
    pub agent_id: Option<AgentId>,
    pub agent: Option<String>,
    pub used: f64,
}
