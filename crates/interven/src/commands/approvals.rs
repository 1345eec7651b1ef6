//! `interven approvals`: what waits for a person.

use crate::{
    cli::{ApprovalsArgs, ApprovalsCommand},
    connect,
    exit::Exit,
    terminal::{Terminal, fields, or_dash, table},
};
use anyhow::Result;
use interven_client::{Approval, ApprovalQuery, Ruling};

pub(crate) async fn run(args: ApprovalsArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    let client = connect::control(&args.server)?;
    match args.what {
        ApprovalsCommand::List { status, agent_id, limit } => {
            let status = Some(status).filter(|status| status != "all");
            let found = client.approvals(&ApprovalQuery { status, agent_id, limit: Some(limit) }).await?;
            terminal.show(&found, |found| listed(found))?;
        }
        ApprovalsCommand::Show { approval } => {
            terminal.show(&client.approval(approval).await?, shown)?;
        }
        ApprovalsCommand::Approve { approval, note } => {
            let decided = client.decide(approval, Ruling::Approve, note.as_deref()).await?;
            terminal.show(&decided, |decided| {
                let until = or_dash(decided.window_ends_at);
                format!("approved; the identical call of {} passes until {until}\n", decided.agent_name)
            })?;
        }
        ApprovalsCommand::Deny { approval, note } => {
            let decided = client.decide(approval, Ruling::Deny, note.as_deref()).await?;
            terminal.show(&decided, |decided| {
                let until = or_dash(decided.window_ends_at);
                format!("denied; the identical call of {} is refused until {until}\n", decided.agent_name)
            })?;
        }
    }
    Ok(Exit::Ok)
}

fn listed(approvals: &[Approval]) -> String {
    let rows = approvals.iter().map(|a| {
        [
            a.approval_id.to_string(),
            a.status.clone(),
            a.agent_name.clone(),
            format!("{}.{}", a.tool_name, a.operation),
            a.risk_band.as_str().to_owned(),
            a.reason_codes.first().cloned().unwrap_or_default(),
            a.expires_at.to_string(),
        ]
    });
    table(["APPROVAL", "STATUS", "AGENT", "CALL", "RISK", "REASON", "EXPIRES"], rows)
}

fn shown(approval: &Approval) -> String {
    let decided = match (&approval.decided_by, approval.decided_at) {
        (Some(who), Some(when)) => format!("by {who}, {when}"),
        _ => "-".to_owned(),
    };
    let mut text = fields([
        ("approval", approval.approval_id.to_string()),
        ("status", approval.status.clone()),
        ("agent", approval.agent_name.clone()),
        ("call", format!("{}.{} ({})", approval.tool_name, approval.operation, approval.verb)),
        ("request", format!("{} {}", approval.method, approval.url)),
        ("risk", approval.risk_band.as_str().to_owned()),
        ("reasons", approval.reason_codes.join(", ")),
        ("trace", approval.trace_id.to_string()),
        ("expires", approval.expires_at.to_string()),
        ("decided", decided),
        ("note", or_dash(approval.note.as_ref())),
    ]);
    if let Some(request) = &approval.request {
        text.push_str(&format!("\n{request:#}\n"));
    }
    text
}
