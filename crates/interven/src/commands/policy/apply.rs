//! `interven policy apply`.

use super::files::check_sources;
use crate::{
    cli::{PolicySources, ServerArgs},
    connect,
    exit::{Exit, tell},
    terminal::{Terminal, or_dash, table},
};
use anyhow::Result;
use interven_client::ClientError;

pub(super) async fn apply(server: &ServerArgs, sources: &PolicySources, env: Option<&str>) -> Result<Exit> {
    let checked = check_sources(sources)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Ok(Exit::Findings);
    }
    let sources = checked.policies.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let applied = match connect::control(server)?.apply_policies(&sources, env).await {
        // What only the server could find: these policies beside those that it has.
        Err(ClientError::Refused(refusal)) if !refusal.diagnostics.is_empty() => {
            for finding in &refusal.diagnostics {
                tell(&format!("{}: {} ({})", finding.severity, finding.message, finding.path));
            }
            tell(&format!("interven: {refusal}"));
            return Ok(Exit::Findings);
        }
        answer => answer?,
    };
    // What only shows beside the policies that the server has.
    let is_known = |message: &str| checked.findings.iter().any(|finding| finding.message == message);
    for policy in &applied {
        for finding in policy.warnings.iter().filter(|finding| !is_known(&finding.message)) {
            tell(&format!("{}: {}: {} ({})", policy.name, finding.severity, finding.message, finding.path));
        }
    }
    Terminal::new(server.json).show(&applied, |applied| {
        let rows = applied.iter().map(|p| {
            [p.name.clone(), or_dash(p.env_name.as_ref()), p.version.to_string(), p.rules.to_string()]
        });
        table(["POLICY", "ENVIRONMENT", "VERSION", "RULES"], rows)
    })?;
    Ok(Exit::Ok)
}
