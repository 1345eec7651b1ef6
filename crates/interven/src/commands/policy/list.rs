//! `interven policy list`.

use crate::{
    cli::ServerArgs,
    connect,
    exit::Exit,
    terminal::{Terminal, or_dash, table},
};
use anyhow::Result;

pub(super) async fn list(server: &ServerArgs) -> Result<Exit> {
    let policies = connect::control(server)?.policies().await?;
    Terminal::new(server.json).show(&policies, |policies| {
        let rows = policies.iter().map(|p| {
            [
                p.name.clone(),
                or_dash(p.env_name.as_ref()),
                or_dash(p.agent.as_ref()),
                p.version.to_string(),
                p.updated_at.to_string(),
                p.updated_by.clone(),
            ]
        });
        table(["POLICY", "ENVIRONMENT", "AGENT", "VERSION", "CHANGED", "BY"], rows)
    })?;
    Ok(Exit::Ok)
}
