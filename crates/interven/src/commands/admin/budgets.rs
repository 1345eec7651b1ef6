//! `interven admin budgets`. Each change is one new version of the settings, made only if nobody made another in between.

use crate::{
    cli::{BudgetSetArgs, BudgetsCommand},
    exit::UsageError,
    terminal::{Terminal, table},
};
use anyhow::{Context as _, Result};
use interven_client::{BudgetToday, ControlClient, Settings};
use interven_types::{Budget, BudgetScope};
use serde_json::{Map, Value, json};

pub(super) async fn run(client: &ControlClient, command: BudgetsCommand, terminal: Terminal) -> Result<()> {
    match command {
        BudgetsCommand::List => {}
        BudgetsCommand::Set(args) => {
            let new = budget(args)?;
            let (settings, mut budgets) = read(client).await?;
            match budgets.iter_mut().find(|known| known.name == new.name) {
                Some(known) => *known = new,
                None => budgets.push(new),
            }
            write(client, settings, &budgets).await?;
        }
        BudgetsCommand::Remove { name } => {
            let (settings, mut budgets) = read(client).await?;
            let before = budgets.len();
            budgets.retain(|known| known.name != name);
            if budgets.len() == before {
                return Err(UsageError(format!("there is no budget `{name}`")).into());
            }
            write(client, settings, &budgets).await?;
        }
    }
    terminal.show(&client.budgets().await?, |budgets| listed(budgets))
}

fn budget(args: BudgetSetArgs) -> Result<Budget> {
    let BudgetSetArgs { name, per, limit, sum, matches, tz } = args;
    let matches: Map<String, Value> = match &matches {
        Some(text) => serde_json::from_str(text)
            .map_err(|error| UsageError(format!("`--match` is no JSON object: {error}")))?,
        None => Map::new(),
    };
    let per: BudgetScope = serde_json::from_value(json!(per)).context("agent or tenant")?;
    Ok(Budget { name, per, sum, limit, matches, tz })
}

async fn read(client: &ControlClient) -> Result<(Settings, Vec<Budget>)> {
    let settings = client.settings().await?;
    let part = settings.settings.get("budgets").cloned().unwrap_or_else(|| json!([]));
    let budgets =
        serde_json::from_value(part).context("the server's `budgets` cannot be read by this version")?;
    Ok((settings, budgets))
}

async fn write(client: &ControlClient, settings: Settings, budgets: &[Budget]) -> Result<()> {
    let Settings { mut settings, version, .. } = settings;
    if let Some(fields) = settings.as_object_mut() {
        fields.insert("budgets".to_owned(), json!(budgets));
    }
    client.update_settings(&settings, Some(version)).await?;
    Ok(())
}

/// One line for each number that is counted.
fn listed(budgets: &[BudgetToday]) -> String {
    let rows = budgets.iter().flat_map(|budget| {
        let of = budget.sum.clone().unwrap_or_else(|| "calls".to_owned());
        let row = move |who: &str, used: f64| {
            [
                budget.name.clone(),
                budget.per.clone(),
                of.clone(),
                budget.day.clone(),
                who.to_owned(),
                used.to_string(),
                budget.limit.to_string(),
            ]
        };
        match budget.used.as_slice() {
            [] => vec![row("-", 0.0)],
            used => used.iter().map(|used| row(used.agent.as_deref().unwrap_or("-"), used.used)).collect(),
        }
    });
    table(["BUDGET", "PER", "OF", "DAY", "AGENT", "USED", "LIMIT"], rows)
}
