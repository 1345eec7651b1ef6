//! Daily budgets: as the settings say, with what today has used of them.

use crate::{ControlError, Telemetry, error::Answer, operator::Operator};
use axum::{Json, extract::State};
use interven_policy::Budgets;
use interven_types::{AgentId, Budget, ErrorBody};
use serde::Serialize;
use std::collections::BTreeMap;

/// A budget, and its day so far.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct BudgetToday {
    #[serde(flatten)]
    budget: Budget,
    /// Today in the budget's zone: `2026-11-22`.
    day: String,
    /// By agent where each has its own, the largest first; empty when nothing was used yet.
    used: Vec<BudgetUse>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct BudgetUse {
    agent_id: Option<AgentId>,
    agent: Option<String>,
    /// Of `limit`: calls, or their sum.
    used: f64,
}

/// The tenant's daily budgets with what today's calls have used. They are changed with the settings.
#[utoipa::path(
    get, path = "/api/telemetry/budgets", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = Vec<BudgetToday>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Vec<BudgetToday>> {
    let (live, tenant) = (&telemetry.live, operator.tenant);
    let budgets = live.store.settings(tenant).await?.settings.budgets;
    if budgets.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let compiled = Budgets::compile(&budgets).map_err(|error| ControlError::invalid(error.to_string()))?;
    let agents = live.store.agents(tenant).await?;
    let names: BTreeMap<AgentId, String> =
        agents.into_iter().map(|agent| (agent.agent_id, agent.name)).collect();
    let mut today = Vec::new();
    for (budget, day) in budgets.into_iter().zip(compiled.days(live.now())) {
        let used = live.store.budget_of_day(tenant, &budget.name, &day).await?;
        let used = used.into_iter().map(|(agent_id, used)| BudgetUse {
            agent_id,
            agent: agent_id.and_then(|id| names.get(&id).cloned()),
            used: used.as_number(),
        });
        today.push(BudgetToday { used: used.collect(), budget, day });
    }
    Ok(Json(today))
}
