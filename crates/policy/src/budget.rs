//! Daily budgets: what a call adds to each, and whether that would be too much.

use crate::diagnostic::{Findings, Path};
use crate::matcher::Matcher;
use crate::outcome::Facts;
use crate::path::{JsonPath, Visited};
use crate::source::Match;
use interven_types::{AgentId, Budget, BudgetKey, BudgetScope, Millionths, Spending, Timestamp};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The budgets of a tenant, compiled.
#[derive(Debug, Default)]
pub struct Budgets(Vec<Compiled>);

#[derive(Debug)]
struct Compiled {
    name: String,
    per: BudgetScope,
    sum: Option<JsonPath>,
    limit: Millionths,
    matcher: Matcher,
    zone: TimeZone,
}

/// What is wrong with which field of the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`budgets[{index}].{field}`: {why}")]
pub struct BudgetError {
    index: usize,
    field: String,
    why: String,
}

/// One budget as it stood when a call was judged; by these facts the same judgement can be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetFact {
    pub key: BudgetKey,
    /// In millionths, as all amounts here.
    pub limit: Millionths,
    /// By the calls of that day that were let through before.
    pub used: Millionths,
    /// What this call adds, or why that cannot be told.
    pub adds: Result<Millionths, Unmeasured>,
}

/// Why it cannot be told what a call adds to a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmeasured {
    Missing,
    NotANumber,
    /// What takes away from a budget would make room for more.
    Negative,
    TooMany,
}

impl Unmeasured {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::NotANumber => "is not a number",
            Self::Negative => "is below zero",
            Self::TooMany => "is of too many values",
        }
    }
}

impl BudgetFact {
    /// Whether this call would bring the day above the limit.
    pub fn is_exceeded(&self) -> Result<bool, Unmeasured> {
        Ok(self.used.saturating_add(self.adds?) > self.limit)
    }

    /// What is counted when the call is let through.
    pub fn spending(&self) -> Option<Spending> {
        let amount = self.adds.ok().filter(|amount| *amount > Millionths::default())?;
        Some(Spending { key: self.key.clone(), amount })
    }

    /// A budget of which only this is known.
    pub fn assumed(name: &str, is_exceeded: bool) -> Self {
        let key = BudgetKey { name: name.to_owned(), agent_id: None, day: String::new() };
        let adds = Ok(Millionths(i64::from(is_exceeded)));
        Self { key, limit: Millionths::default(), used: Millionths::default(), adds }
    }
}

impl Budgets {
    /// Fails with the first budget that cannot be counted.
    pub fn compile(budgets: &[Budget]) -> Result<Self, BudgetError> {
        let compiled = budgets.iter().enumerate().map(|(index, budget)| {
            Compiled::compile(budget).map_err(|(field, why)| BudgetError { index, field, why })
        });
        Ok(Self(compiled.collect::<Result<_, _>>()?))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Under what the calls of an agent are counted at a time.
    pub fn keys(&self, agent: AgentId, now: Timestamp) -> Vec<BudgetKey> {
        self.0.iter().map(|budget| budget.key(agent, now)).collect()
    }

    /// The current day of each, in the order given.
    pub fn days(&self, now: Timestamp) -> Vec<String> {
        self.0.iter().map(|budget| budget.day(now)).collect()
    }

    /// Every budget as it stands for this call, by name. A budget that `used` does not know was not used yet.
    pub fn measure(
        &self,
        facts: &Facts<'_>,
        used: &BTreeMap<BudgetKey, Millionths>,
    ) -> BTreeMap<String, BudgetFact> {
        let measure = |budget: &Compiled| {
            let key = budget.key(facts.agent_id, facts.now);
            let used = used.get(&key).copied().unwrap_or_default();
            let adds = budget.amount(facts);
            (budget.name.clone(), BudgetFact { key, limit: budget.limit, used, adds })
        };
        self.0.iter().map(measure).collect()
    }
}

impl Compiled {
    fn compile(budget: &Budget) -> Result<Self, (String, String)> {
        let sum = budget.sum.as_deref().map(JsonPath::parse).transpose();
        let matches: Match = serde_json::from_value(Value::Object(budget.matches.clone()))
            .map_err(|error| ("match".to_owned(), error.to_string()))?;
        let mut findings = Findings::default();
        let matcher = Matcher::compile(&matches, &Path::default(), &mut findings);
        if let Some(found) = findings.unlocated().into_iter().next() {
            return Err((format!("match.{}", found.path), found.message));
        }
        // The bundled database, so that a decision does not depend on the machine's.
        let zone = TimeZoneDatabase::bundled()
            .get(&budget.tz)
            .map_err(|_| ("tz".to_owned(), format!("`{}` is not an IANA time zone", budget.tz)))?;
        Ok(Self {
            name: budget.name.clone(),
            per: budget.per,
            sum: sum.map_err(|error| ("sum".to_owned(), error.to_string()))?,
            limit: Millionths::of(budget.limit),
            matcher,
            zone,
        })
    }

    fn key(&self, agent: AgentId, now: Timestamp) -> BudgetKey {
        let agent_id = (self.per == BudgetScope::Agent).then_some(agent);
        BudgetKey { name: self.name.clone(), agent_id, day: self.day(now) }
    }

    fn day(&self, now: Timestamp) -> String {
        now.to_jiff().to_zoned(self.zone.clone()).date().to_string()
    }

    /// What the call adds; nothing when it is none of those that count.
    fn amount(&self, facts: &Facts<'_>) -> Result<Millionths, Unmeasured> {
        let counts = self.matcher.admits_caller(facts)
            && facts.actions.iter().any(|action| self.matcher.admits_action(action));
        if !counts {
            return Ok(Millionths::default());
        }
        let Some(path) = &self.sum else { return Ok(Millionths::of(1.0)) };
        let mut sum: Result<Millionths, _> = Err(Unmeasured::Missing);
        let mut problem = None;
        let visited = path.visit(facts.body, |node| match node.as_f64() {
            None => problem = problem.or(Some(Unmeasured::NotANumber)),
            Some(number) if number < 0.0 => problem = problem.or(Some(Unmeasured::Negative)),
            Some(number) => sum = Ok(sum.unwrap_or_default().saturating_add(Millionths::of(number))),
        });
        if let Some(problem) = problem {
            return Err(problem);
        }
        // Of several items each must say its amount: one that does not may still be paid.
        match visited {
            Visited { obstacle: Some(_), .. } => Err(Unmeasured::NotANumber),
            Visited { complete: Err(_), .. } => Err(Unmeasured::TooMany),
            Visited { has_dead_end: true, .. } => Err(Unmeasured::Missing),
            _ => sum,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InstalledPolicy, PolicySet, parse_json, tests::action};
    use interven_types::{Action, PolicyId, RuntimeType};
    use serde_json::json;
    use uuid::Uuid;

    fn budget(patch: Value) -> Budget {
        let mut budget = json!({"name": "payouts", "per": "agent", "limit": 100});
        budget.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
        serde_json::from_value(budget).unwrap()
    }

    fn with_call<T>(body: &Value, look: impl FnOnce(&Facts<'_>) -> T) -> T {
        let action = Action { tool: "stripe".into(), ..action() };
        look(&Facts {
            method: "POST",
            actions: &[&action],
            env: "production",
            agent_id: AgentId(Uuid::nil()),
            agent_name: "bot",
            runtime_type: RuntimeType::default(),
            body,
            body_bytes: 0,
            texts: &[],
            hits: &[],
            is_new_destination: false,
            is_volume_burst: false,
            risk_score: 0.0,
            trust_score: 1.0,
            agent_in_scrutiny: false,
            threat_intel_match: None,
            semantic_categories: None,
            correlation_patterns: None,
            budgets: None,
            mcp: None,
            now: "2026-03-29T12:00:00Z".parse().unwrap(),
        })
    }

    #[test]
    fn a_call_adds_what_its_body_says_or_cannot_be_measured() {
        let amount = |number| Ok(Millionths::of(number));
        for (patch, body, expected) in [
            (json!({}), json!(null), amount(1.0)),
            (json!({"sum": "$.amount"}), json!({"amount": 12.5}), amount(12.5)),
            (json!({"sum": "$.amount"}), json!({"amount": 0}), amount(0.0)),
            (
                json!({"sum": "$.items[*].amount"}),
                json!({"items": [{"amount": 0.1}, {"amount": 0.2}]}),
                amount(0.3),
            ),
            (json!({"sum": "$.amount"}), json!({}), Err(Unmeasured::Missing)),
            (json!({"sum": "$.items[*].amount"}), json!({"items": []}), Err(Unmeasured::Missing)),
            (json!({"sum": "$.amount"}), json!({"amount": "12"}), Err(Unmeasured::NotANumber)),
            (
                json!({"sum": "$.items[*].n"}),
                json!({"items": [{"n": 1}, {"m": 2}]}),
                Err(Unmeasured::Missing),
            ),
            (json!({"sum": "$.items[*].n"}), json!({"items": [{"n": 1}, 2]}), Err(Unmeasured::NotANumber)),
            (json!({"sum": "$.items[*]"}), json!({"items": [1, null]}), Err(Unmeasured::NotANumber)),
            (json!({"sum": "$.amount"}), json!({"amount": -5}), Err(Unmeasured::Negative)),
            (json!({"sum": "$[*]"}), json!(vec![1; JsonPath::MAX_NODES + 1]), Err(Unmeasured::TooMany)),
            (
                json!({"sum": "$.amount", "match": {"tool_names": ["slack"]}}),
                json!({"amount": "12"}),
                amount(0.0),
            ),
            (json!({"match": {"tool_names": ["stripe"], "env_names": ["dev"]}}), json!(null), amount(0.0)),
            (json!({"match": {"tool_names": ["stripe"]}}), json!(null), amount(1.0)),
        ] {
            let budgets = Budgets::compile(&[budget(patch.clone())]).unwrap();
            let facts = with_call(&body, |facts| budgets.measure(facts, &BTreeMap::new()));
            assert_eq!(facts["payouts"].adds, expected, "{patch} {body}");
        }
    }

    #[test]
    fn a_day_is_that_of_the_budgets_zone() {
        let berlin = Budgets::compile(&[budget(json!({"tz": "Europe/Berlin"}))]).unwrap();
        let day = |now: &str| berlin.keys(AgentId(Uuid::nil()), now.parse().unwrap()).remove(0).day;
        for (now, expected) in [
            ("2026-03-28T22:59:59Z", "2026-03-28"),
            // A day of 23 hours, and one of 25.
            ("2026-03-28T23:00:00Z", "2026-03-29"),
            ("2026-03-29T21:59:59Z", "2026-03-29"),
            ("2026-03-29T22:00:00Z", "2026-03-30"),
            ("2026-10-24T22:00:00Z", "2026-10-25"),
            ("2026-10-25T22:59:59Z", "2026-10-25"),
            ("2026-10-25T23:00:00Z", "2026-10-26"),
        ] {
            assert_eq!(day(now), expected, "{now}");
        }
    }

    #[test]
    fn a_rule_asks_for_the_call_at_hand_and_fails_closed() {
        let budgets = Budgets::compile(&[budget(json!({"sum": "$.amount"}))]).unwrap();
        let speaks = |action: &str, name: &str, used: f64, body: Value| {
            let policy = json!({"name": "p", "rules": [
                {"rule_id": "r", "condition": {"daily_budget_exceeded": name}, "action": action}]});
            let source = parse_json(policy).unwrap().remove(0);
            let installed: InstalledPolicy = source.install(PolicyId(Uuid::nil()), 1, None, None);
            let set = PolicySet::compile(&[installed]).unwrap();
            with_call(&body, |facts| {
                let key = budgets.keys(facts.agent_id, facts.now).remove(0);
                let states = budgets.measure(facts, &BTreeMap::from([(key, Millionths::of(used))]));
                let outcome = set.evaluate(&Facts { budgets: Some(&states), ..facts.clone() });
                (
                    outcome.decisive.is_some(),
                    outcome.notes.into_iter().map(|note| note.text).collect::<String>(),
                )
            })
        };
        let amount = |amount: f64| json!({"amount": amount});
        assert_eq!(speaks("DENY", "payouts", 90.0, amount(10.0)), (false, String::new()), "just the limit");
        assert_eq!(speaks("DENY", "payouts", 90.0, amount(10.000001)), (true, String::new()));
        assert!(speaks("REQUIRE_APPROVAL", "payouts", 0.0, json!({})).0, "fails closed");
        let (spoke, note) = speaks("ALLOW", "payouts", 0.0, json!({}));
        assert!(!spoke && note.ends_with("what the call adds to the budget `payouts` is missing"), "{note}");
        let (spoke, note) = speaks("DENY", "payout", 0.0, amount(1e9));
        assert!(!spoke && note.ends_with("the tenant has no budget `payout`"), "{note}");
    }

    #[test]
    fn what_cannot_be_counted_is_refused_with_its_field() {
        for (patch, expected) in [
            (json!({"sum": "amount"}), "`budgets[0].sum`"),
            (json!({"tz": "Berlin"}), "`budgets[0].tz`: `Berlin` is not an IANA time zone"),
            (json!({"match": {"tool_nams": ["x"]}}), "`budgets[0].match`"),
            (json!({"match": {"host_patterns": ["a["]}}), "`budgets[0].match.host_patterns"),
        ] {
            let refused = Budgets::compile(&[budget(patch)]).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }
}
