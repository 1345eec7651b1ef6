//! Daily budgets: how much the calls of one day may come to.

use crate::{AgentId, settings::SettingsError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Most budgets of a tenant: each is looked up for every call.
const MOST_BUDGETS: usize = 50;
const LONGEST_NAME: usize = 100;
/// Far above any sum of money, and within what is counted exactly.
const MOST: f64 = 1_000_000_000_000.0;

/// How much the calls of one day may come to. A rule asks with `daily_budget_exceeded: <name>`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// 1–100 characters, unique in the tenant.
    pub name: String,
    pub per: BudgetScope,
    /// JSON path to a number of the body, or with `[*]` to several, that is added up. Absent: each call counts 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
    /// Exceeded by the call that would bring the day above it: above 0, to 1,000,000,000,000.
    pub limit: f64,
    /// Which calls count, as in a policy's rule. Absent: every call.
    #[serde(default, rename = "match", skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub matches: Map<String, Value>,
    /// IANA zone in which a day begins and ends.
    #[serde(default = "utc", skip_serializing_if = "is_utc")]
    pub tz: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn is_utc(tz: &str) -> bool {
    tz == "UTC"
}

/// Whose calls are added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BudgetScope {
    /// Each agent's on its own.
    Agent,
    /// All of the tenant's.
    Tenant,
}

/// What is counted in one number: a budget, a day, and the agent when each has its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BudgetKey {
    pub name: String,
    pub agent_id: Option<AgentId>,
    /// `2026-11-22`, in the budget's zone.
    pub day: String,
}

/// An amount of a budget in millionths: sums of decimals are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millionths(pub i64);

impl Millionths {
    /// To the nearest millionth; what is too large to count is the largest amount.
    pub fn of(number: f64) -> Self {
        Self((number * 1_000_000.0).round() as i64)
    }

    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub fn as_number(self) -> f64 {
        self.0 as f64 / 1_000_000.0
    }
}

/// What a call adds to a budget once it was let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    pub key: BudgetKey,
    pub amount: Millionths,
}

/// Bounds and names. Paths, matches and zones are the policy language's to check.
pub(crate) fn check_budgets(budgets: &[Budget]) -> Result<(), SettingsError> {
    if budgets.len() > MOST_BUDGETS {
        return Err(SettingsError::new("budgets", "at most 50"));
    }
    let mut names = BTreeSet::new();
    for (index, budget) in budgets.iter().enumerate() {
        let wrong =
            |field: &str, expected| Err(SettingsError::new(format!("budgets[{index}].{field}"), expected));
        if budget.name.trim().is_empty() || budget.name.chars().count() > LONGEST_NAME {
            return wrong("name", "1 to 100 characters");
        }
        if !names.insert(&budget.name) {
            return wrong("name", "unlike that of every other budget");
        }
        if !(budget.limit > 0.0 && budget.limit <= MOST) {
            return wrong("limit", "above 0, and at most 1000000000000");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sums_of_decimals_are_exact() {
        let tenths = [0.1, 0.2].map(Millionths::of);
        assert_eq!(tenths[0].saturating_add(tenths[1]), Millionths::of(0.3));
        assert_eq!(Millionths::of(1e300), Millionths(i64::MAX));
        assert_eq!(Millionths::of(12.5).as_number(), 12.5);
    }

    #[test]
    fn each_bound_is_checked() {
        let budget = |patch: Value| -> Budget {
            let mut budget = json!({"name": "b", "per": "agent", "limit": 1});
            budget.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
            serde_json::from_value(budget).unwrap()
        };
        assert_eq!(check_budgets(&[budget(json!({}))]), Ok(()));
        for (budgets, field) in [
            (vec![budget(json!({"name": " "}))], "budgets[0].name"),
            (vec![budget(json!({})), budget(json!({"limit": 2}))], "budgets[1].name"),
            (vec![budget(json!({"limit": 0}))], "budgets[0].limit"),
            (vec![budget(json!({"limit": 2e12}))], "budgets[0].limit"),
        ] {
            assert_eq!(check_budgets(&budgets).unwrap_err().field, field);
        }
        for unreadable in [
            json!({"name": "b", "per": "user", "limit": 1}),
            json!({"name": "b", "per": "agent", "limit": 1, "max": 2}),
        ] {
            assert!(serde_json::from_value::<Budget>(unreadable).is_err());
        }
    }
}
