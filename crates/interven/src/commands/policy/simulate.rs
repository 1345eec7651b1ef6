//! `interven policy simulate`: which recorded calls a draft would have decided otherwise.

use super::files::check_sources;
use crate::{
    cli::{ServerArgs, SimulateArgs},
    commands::admin::agent_id,
    connect,
    exit::{Exit, UsageError, tell},
    progress::ProgressBar,
    terminal::{Terminal, or_dash, printable, table},
};
use anyhow::Result;
use interven_client::{
    ClientError, NotJudged, RecordedOtherwise, RuleUse, SimulatedChange, SimulatedSide, Simulation,
    SimulationQuery,
};
use interven_types::{Decision, Timestamp, TraceId};
use std::time::SystemTime;

pub(super) async fn simulate(server: &ServerArgs, args: &SimulateArgs) -> Result<Exit> {
    let checked = check_sources(&args.sources)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Ok(Exit::Findings);
    }
    let sources = checked.policies.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let now = Timestamp::from(SystemTime::now());
    let since = args.since.seen_from(now);
    let until = args.until.map(|until| until.seen_from(now));
    if since >= until.unwrap_or(now) {
        let end = until.map_or_else(|| "now".to_owned(), |until| format!("--until, {until}"));
        return Err(UsageError(format!("--since is {since}: it must be before {end}")).into());
    }
    let client = connect::control(server)?;
    let agent_id = match &args.agent {
        Some(agent) => Some(agent_id(&client, agent).await?.to_string()),
        None => None,
    };
    let query = SimulationQuery {
        env: args.env.clone(),
        alone: args.alone,
        since: Some(since),
        until,
        agent_id,
        tool: args.tool.clone(),
        limit: args.limit,
    };
    let mut progress = ProgressBar::new("scans");
    let answer = client.simulate(&sources, &query, |so_far| progress.show(so_far.scans, so_far.of)).await;
    drop(progress);
    let simulation = match answer {
        // What only the server could find: these policies beside those that it has.
        Err(ClientError::Refused(refusal)) if !refusal.diagnostics.is_empty() => {
            tell(&format!("interven: {refusal}"));
            return Ok(Exit::Findings);
        }
        answer => answer?,
    };
    Terminal::new(server.json).show(&simulation, shown)?;
    let is_clean = simulation.changed == 0 && simulation.not_judged.unreadable == 0;
    Ok(if is_clean { Exit::Ok } else { Exit::Findings })
}

fn shown(simulation: &Simulation) -> String {
    if simulation.scans == 0 {
        return format!("nothing was recorded {}\n", window(simulation));
    }
    let judged = simulation.changed + simulation.unchanged;
    let mut text = format!(
        "{} of {} {} would be decided otherwise\n",
        simulation.changed,
        calls(judged),
        window(simulation)
    );
    if !simulation.changes.is_empty() {
        let rows = simulation.changes.iter().map(|c| [c.from.clone(), becomes(c), c.scans.to_string()]);
        text.push_str(&format!("\n{}", table(["IN FORCE", "DRAFT", "CALLS"], rows)));
    }
    for change in &simulation.changes {
        text.push_str(&format!("\n{} -> {}\n{}", change.from, becomes(change), examples(change)));
    }
    text.push_str(&format!("\n{}", rules(&simulation.rules)));
    let notes = notes(simulation);
    if !notes.is_empty() {
        text.push_str(&format!("\n{}\n", notes.join("\n")));
    }
    text
}

/// `since …, until …, in production`.
fn window(simulation: &Simulation) -> String {
    let mut window = match (simulation.since, simulation.until) {
        (Some(since), Some(until)) => format!("from {since} until {until}"),
        (Some(since), None) => format!("since {since}"),
        (None, Some(until)) => format!("until {until}"),
        (None, None) => "at any time".to_owned(),
    };
    if !simulation.environments.is_empty() {
        window.push_str(&format!(" in {}", printable(&simulation.environments.join(", "))));
    }
    window
}

fn becomes(change: &SimulatedChange) -> String {
    match change.redacts_otherwise {
        true => format!("{}, redacting otherwise", change.to),
        false => change.to.clone(),
    }
}

fn examples(change: &SimulatedChange) -> String {
    let rows = change.examples.iter().map(|scan| {
        [
            scan.trace_id.to_string(),
            scan.created_at.to_string(),
            format!("{} ({})", scan.agent_name, scan.env),
            format!("{}.{}", scan.tool_name, scan.operation),
            decided_by(&scan.from),
            decided_by(&scan.to),
        ]
    });
    let mut text = table(["TRACE", "TIME", "AGENT", "CALL", "IN FORCE BY", "DRAFT BY"], rows);
    let unnamed = change.scans.saturating_sub(change.examples.len() as u64);
    if unnamed > 0 {
        text.push_str(&format!("and {unnamed} older ones\n"));
    }
    text
}

/// The rule; where none decided, what held the call.
fn decided_by(side: &SimulatedSide) -> String {
    match (&side.rule, &side.reason_code) {
        (Some(rule), _) => format!("{} / {}", rule.policy, rule.rule_id),
        (None, Some(reason)) if side.effect != Decision::Allow.as_str() => reason.clone(),
        (None, _) => "no rule".to_owned(),
    }
}

fn rules(rules: &[RuleUse]) -> String {
    let rows = rules.iter().map(|rule| {
        let count = |count: u64| if count == 0 { "never".to_owned() } else { count.to_string() };
        let action = if rule.shadow { format!("{} (shadow)", rule.action) } else { rule.action.clone() };
        [
            format!("{} / {}", rule.policy, rule.rule_id),
            or_dash(rule.env_name.as_ref()),
            action,
            count(rule.matched),
            if rule.shadow { "-".to_owned() } else { count(rule.decided) },
        ]
    });
    table(["RULE OF THE DRAFT", "ENVIRONMENT", "ACTION", "MATCHED", "DECIDED"], rows)
}

/// What else there is to know of the figures, in sentences.
fn notes(simulation: &Simulation) -> Vec<String> {
    let Simulation { by_another_rule, monitored, not_judged, recorded_otherwise, .. } = simulation;
    let NotJudged { nothing_evaluated, unreadable, examples } = not_judged;
    let counted = |count: u64, what: &str| (count > 0).then(|| format!("{}: {what}", calls(count)));
    let mut notes: Vec<String> = [
        counted(*by_another_rule, "decided alike, by another rule"),
        counted(*monitored, "recorded in monitor mode, compared by what they would have been"),
        counted(*nothing_evaluated, "left out, nothing was evaluated when they were recorded"),
        counted(*unreadable, "not judged, their record cannot be read"),
    ]
    .into_iter()
    .flatten()
    .collect();
    notes.extend(examples.iter().map(|scan| {
        printable(&format!("  position {}, trace {}: {}", scan.ledger_seq, or_dash(scan.trace_id), scan.why))
    }));
    notes.extend(recorded_otherwise.iter().map(changed_since));
    notes
}

fn calls(count: u64) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{count} calls") }
}

fn changed_since(kind: &RecordedOtherwise) -> String {
    let changed = match kind.changed_since.as_slice() {
        [] => "nothing that is known has changed since".to_owned(),
        parts => format!("changed since: {}", parts.join(", ")),
    };
    let traces: Vec<String> = kind.examples.iter().map(TraceId::to_string).collect();
    format!(
        "{}: decided otherwise today than was recorded, without the draft ({changed}): {}",
        calls(kind.scans),
        traces.join(", ")
    )
}
