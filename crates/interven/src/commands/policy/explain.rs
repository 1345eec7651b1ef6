//! `interven policy explain`: what the rules did in a recorded decision.

use crate::{
    cli::ServerArgs,
    connect,
    exit::Exit,
    terminal::{Terminal, or_dash, printable, table},
};
use anyhow::Result;
use interven_client::Explanation;
use interven_types::TraceId;

pub(super) async fn explain(server: &ServerArgs, trace: TraceId) -> Result<Exit> {
    let explanation = connect::control(server)?.explain(trace).await?;
    Terminal::new(server.json).show(&explanation, text)?;
    Ok(if explanation.same { Exit::Ok } else { Exit::Findings })
}

fn text(explanation: &Explanation) -> String {
    let rows = explanation.rules.iter().map(|part| {
        [
            part.part.clone(),
            part.rule.policy_name.clone(),
            or_dash(part.agent.as_ref()),
            part.rule.policy_version.to_string(),
            part.rule.rule_id.clone(),
            or_dash(part.action.as_ref()),
            or_dash(part.without_it),
            part.why.clone().unwrap_or_default(),
        ]
    });
    let mut text = table(["PART", "POLICY", "AGENT", "VERSION", "RULE", "ACTION", "WITHOUT IT", "WHY"], rows);
    for difference in &explanation.differences {
        text.push_str(&format!("Made again, the decision is different: {}\n", printable(difference)));
    }
    text
}
