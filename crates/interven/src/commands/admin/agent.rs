//! `interven admin agent`.

use crate::{
    cli::AgentCommand,
    exit::UsageError,
    terminal::{Terminal, fields, or_dash, table},
};
use anyhow::Result;
use interven_client::{Agent, AgentDetail, ControlClient};
use interven_types::AgentId;

pub(super) async fn run(client: &ControlClient, command: AgentCommand, terminal: Terminal) -> Result<()> {
    match command {
        AgentCommand::List => terminal.show(&client.agents().await?, |agents| listed(agents)),
        AgentCommand::Show { agent } => {
            let detail = client.agent(agent_id(client, &agent).await?).await?;
            terminal.show(&detail, shown)
        }
        AgentCommand::ResetTrust { agent } => {
            let changed = client.reset_trust(agent_id(client, &agent).await?).await?;
            terminal.show(&changed, |agent| listed(std::slice::from_ref(agent)))
        }
        AgentCommand::Suspend { agent } => {
            let changed = client.suspend_agent(agent_id(client, &agent).await?).await?;
            terminal.show(&changed, |agent| listed(std::slice::from_ref(agent)))
        }
        AgentCommand::Reactivate { agent } => {
            let changed = client.reactivate_agent(agent_id(client, &agent).await?).await?;
            terminal.show(&changed, |agent| listed(std::slice::from_ref(agent)))
        }
    }
}

/// An agent by its id, or by its name, which is unique in the tenant.
pub(crate) async fn agent_id(client: &ControlClient, text: &str) -> Result<AgentId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let agents = client.agents().await?;
    let found = agents.iter().find(|agent| agent.name == text);
    let unknown = || UsageError(format!("no agent is named `{text}`; see `interven admin agent list`"));
    Ok(found.ok_or_else(unknown)?.agent_id)
}

fn listed(agents: &[Agent]) -> String {
    let rows = agents.iter().map(|a| {
        [
            a.agent_id.to_string(),
            a.name.clone(),
            a.runtime_type.clone(),
            a.status.clone(),
            format!("{:.2}", a.trust.trust_score),
            or_dash(a.trust.scrutiny_until),
            or_dash(a.last_seen_at),
        ]
    });
    table(["AGENT", "NAME", "RUNTIME", "STATUS", "TRUST", "SCRUTINY UNTIL", "LAST SEEN"], rows)
}

fn shown(detail: &AgentDetail) -> String {
    let agent = &detail.agent;
    let head = fields([
        ("agent", agent.agent_id.to_string()),
        ("name", agent.name.clone()),
        ("runtime", agent.runtime_type.clone()),
        ("status", agent.status.clone()),
        ("trust", format!("{:.2}", agent.trust.trust_score)),
        ("scrutiny until", or_dash(agent.trust.scrutiny_until)),
        ("denied in 24 h", agent.trust.deny_count_24h.to_string()),
    ]);
    let steps = detail.trust_events.iter().map(|s| {
        [
            s.at.to_string(),
            s.kind.clone(),
            format!("{:+.2}", s.delta),
            format!("{:.2}", s.score_after),
            or_dash(s.trace_id),
        ]
    });
    format!("{head}\n{}", table(["TIME", "EVENT", "CHANGE", "TRUST", "TRACE"], steps))
}
