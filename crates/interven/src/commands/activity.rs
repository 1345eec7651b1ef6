//! `interven activity`: the record of scans.

use crate::{
    cli::{ActivityArgs, ActivityCommand, FilterArgs, TailArgs},
    connect,
    exit::Exit,
    terminal::{Terminal, fields, print, printable},
};
use anyhow::Result;
use interven_client::{Activity, ActivityQuery, ControlClient, Trace};
use interven_types::TraceId;

/// Most rows that the server gives at once.
const MAX_ROWS: u32 = 1_000;

pub(crate) async fn run(args: ActivityArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    let client = connect::control(&args.server)?;
    match args.what {
        ActivityCommand::Tail(tail) => follow(&client, &tail, terminal).await?,
        ActivityCommand::Export(args) => return super::export::run(&client, &args).await,
        ActivityCommand::Show { trace, reveal } => show(&client, trace, reveal, terminal).await?,
    }
    Ok(Exit::Ok)
}

/// What the arguments ask for.
pub(super) async fn query(client: &ControlClient, args: &FilterArgs) -> Result<ActivityQuery> {
    let agent_id = match &args.agent {
        Some(agent) => Some(super::admin::agent_id(client, agent).await?.to_string()),
        None => None,
    };
    Ok(ActivityQuery {
        agent_id,
        tool: args.tool.clone(),
        operation: args.operation.clone(),
        decision: args.decision.clone(),
        band: args.band.clone(),
        class: args.class.clone(),
        env: args.env.clone(),
        since: args.since.map(|time| time.to_string()),
        until: args.until.map(|time| time.to_string()),
        limit: None,
    })
}

async fn follow(client: &ControlClient, args: &TailArgs, terminal: Terminal) -> Result<()> {
    let mut query =
        ActivityQuery { limit: Some(args.lines.clamp(1, MAX_ROWS)), ..query(client, &args.filter).await? };
    // Where the log ends now, whatever is filtered out of it.
    let newest = ActivityQuery { limit: Some(1), ..ActivityQuery::default() };
    let mut seq = client.activity(&newest).await?.rows.first().map_or(0, |row| row.ledger_seq);
    let mut rows = client.activity(&query).await?.rows;
    rows.truncate(usize::try_from(args.lines).unwrap_or(usize::MAX));
    seq = rows.first().map_or(seq, |row| row.ledger_seq.max(seq));
    rows.iter().rev().try_for_each(|row| print_row(row, terminal))?;
    if !args.follow {
        return Ok(());
    }
    query.limit = None;
    loop {
        for row in client.activity_after(seq, &query).await? {
            seq = seq.max(row.ledger_seq);
            print_row(&row, terminal)?;
        }
    }
}

fn print_row(row: &Activity, terminal: Terminal) -> Result<()> {
    if terminal.is_json() {
        return print(&format!("{}\n", serde_json::to_string(row)?));
    }
    let reason = row.reason_codes.first().map(String::as_str).unwrap_or_default();
    let rest = format!(
        "{:<8}  {}  {}.{}  {}  {reason}",
        row.risk_band.as_str(),
        row.agent_name,
        row.tool_name,
        row.operation,
        row.trace_id
    );
    print(&format!(
        "{}  {}  {}\n",
        row.created_at,
        terminal.decision(row.decision),
        printable(rest.trim_end())
    ))
}

async fn show(client: &ControlClient, trace: TraceId, is_revealed: bool, terminal: Terminal) -> Result<()> {
    let mut found = client.trace(trace).await?;
    if is_revealed {
        found.request = serde_json::to_value(client.original_request(trace).await?)?;
    }
    terminal.show(&found, |found| shown(found, terminal))
}

fn shown(trace: &Trace, terminal: Terminal) -> String {
    let row = &trace.row;
    let head = fields([
        ("trace", row.trace_id.to_string()),
        ("position", row.ledger_seq.to_string()),
        ("time", row.created_at.to_string()),
        ("agent", format!("{} ({})", row.agent_name, row.env)),
        ("call", format!("{}.{} ({})", row.tool_name, row.operation, row.verb)),
        ("risk", format!("{} ({:.2})", row.risk_band.as_str(), row.risk_score)),
        ("reasons", row.reason_codes.join(", ")),
    ]);
    let sentences = trace.explanation.iter().map(|line| printable(line)).collect::<Vec<_>>().join("\n");
    format!("{}\n{head}\n{sentences}\n\n{:#}\n", terminal.decision(row.decision).trim_end(), trace.request)
}
