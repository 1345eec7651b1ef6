//! `interven policy diff`: what `apply` would change on the server, and what the files do not have.

use super::{export::in_force, files::check_sources};
use crate::{
    cli::{PolicyDiffArgs, ServerArgs},
    connect,
    exit::{Exit, tell},
    terminal::{Paint, Terminal, printable},
};
use anyhow::Result;
use interven_client::ControlClient;
use interven_policy::{Change, KeyChange, PolicyChange, PolicySource};
use interven_types::AgentId;
use serde_json::Value;

pub(super) async fn diff(server: &ServerArgs, args: &PolicyDiffArgs) -> Result<Exit> {
    let checked = check_sources(&args.sources)?;
    if checked.has_errors() {
        checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
        return Ok(Exit::Findings);
    }
    let client = connect::control(server)?;
    let agent = match &args.agent {
        Some(agent) => Some(name_of(&client, agent).await?),
        None => None,
    };
    let mut wanted = Vec::new();
    for source in checked.policies {
        let own = match &source.agent {
            Some(own) => Some(name_of(&client, own).await?),
            None => None,
        };
        wanted.push(PolicySource {
            env_names: args.env.clone().map(|env| vec![env]).or(source.env_names),
            agent: agent.clone().or(own),
            ..source
        });
    }
    let there = in_force(&client, args.env.as_deref(), agent.as_deref()).await?;
    let changes = interven_policy::diff(&there, &wanted);
    let terminal = Terminal::new(server.json);
    terminal.show(&changes, |changes| text(changes, terminal.paint()))?;
    Ok(if changes.is_empty() { Exit::Ok } else { Exit::Findings })
}

/// The server keeps agents of policies by their names.
async fn name_of(client: &ControlClient, agent: &str) -> Result<String> {
    let Ok(id) = agent.parse::<AgentId>() else { return Ok(agent.to_owned()) };
    let found = client.agents().await?.into_iter().find(|known| known.agent_id == id);
    Ok(found.map_or_else(|| agent.to_owned(), |known| known.name))
}

fn text(changes: &[PolicyChange], paint: Paint) -> String {
    if changes.is_empty() {
        return "no difference\n".to_owned();
    }
    let mut lines = Vec::new();
    for policy in changes {
        let place = policy.env_name.as_ref().map(|env| format!(" in {env}"));
        let agent = policy.agent.as_ref().map(|agent| format!(" of agent {agent}"));
        let title = format!(
            "{} {}{}{}",
            sign(policy.change),
            policy.name,
            place.unwrap_or_default(),
            agent.unwrap_or_default()
        );
        let title = match policy.change {
            Change::Changed => title,
            Change::Added => format!("{title}: {}", count(policy.rules.len())),
            Change::Removed => format!("{title}: only on the server, {}", count(policy.rules.len())),
        };
        lines.push(coloured(paint, policy.change, &title));
        if policy.change != Change::Changed {
            continue;
        }
        lines.extend(policy.keys.iter().map(|key| format!("    {}", told(key, paint))));
        for rule in &policy.rules {
            let title = format!("  {} rule {}", sign(rule.change), rule.rule_id);
            lines.push(coloured(paint, rule.change, &title));
            lines.extend(rule.keys.iter().map(|key| format!("      {}", told(key, paint))));
        }
    }
    let of = |kind| changes.iter().filter(|policy| policy.change == kind).count();
    lines.push(format!(
        "{} to add, {} changed, {} only on the server",
        of(Change::Added),
        of(Change::Changed),
        of(Change::Removed)
    ));
    lines.join("\n") + "\n"
}

fn told(key: &KeyChange, paint: Paint) -> String {
    let path = printable(&key.path);
    let before = key.before.as_ref().map(|value| paint.with("31", &shown(value)));
    let after = key.after.as_ref().map(|value| paint.with("32", &shown(value)));
    match (before, after) {
        (Some(before), Some(after)) => format!("{path}: {before} -> {after}"),
        (Some(before), None) => format!("- {path}: {before}"),
        (None, after) => format!("+ {path}: {}", after.unwrap_or_default()),
    }
}

fn shown(value: &Value) -> String {
    printable(&value.to_string())
}

fn count(rules: usize) -> String {
    format!("{rules} {}", if rules == 1 { "rule" } else { "rules" })
}

fn sign(change: Change) -> char {
    match change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed => '~',
    }
}

fn coloured(paint: Paint, change: Change, line: &str) -> String {
    let code = match change {
        Change::Added => "32",
        Change::Removed => "31",
        Change::Changed => "33",
    };
    paint.with(code, &printable(line))
}
