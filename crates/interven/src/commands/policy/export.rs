//! `interven policy export`, and what the server has, in the language.

use crate::{
    cli::{PolicyExportArgs, ServerArgs},
    connect,
    exit::Exit,
    terminal::print,
};
use anyhow::{Context as _, Result};
use interven_client::{ControlClient, Policy};
use interven_policy::{PolicySource, print_json, print_yaml};

pub(super) async fn export(server: &ServerArgs, args: &PolicyExportArgs) -> Result<Exit> {
    let client = connect::control(server)?;
    let policies = in_force(&client, args.env.as_deref(), args.agent.as_deref()).await?;
    let text = if server.json { print_json(&policies) } else { print_yaml(&policies) };
    match &args.output {
        None => print(&text)?,
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("`{}` cannot be written", path.display()))?;
        }
    }
    Ok(Exit::Ok)
}

/// The policies in force; of one environment or agent alone where that is named.
pub(super) async fn in_force(
    client: &ControlClient,
    env: Option<&str>,
    agent: Option<&str>,
) -> Result<Vec<PolicySource>> {
    let policies = client.policies().await?;
    let is_named =
        |wanted: Option<&str>, found: &Option<String>| wanted.is_none() || wanted == found.as_deref();
    let wanted =
        policies.iter().filter(|policy| is_named(env, &policy.env_name) && is_named(agent, &policy.agent));
    wanted.map(source).collect()
}

/// What the server keeps of a policy, in the language.
pub(super) fn source(policy: &Policy) -> Result<PolicySource> {
    serde_json::from_value(policy.policy.clone())
        .with_context(|| format!("this program does not know the language of policy `{}`", policy.name))
}
