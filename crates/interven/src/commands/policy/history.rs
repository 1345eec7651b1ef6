//! `interven policy versions`, `show`, `restore` and `delete`: one policy on the server and what it was.

use super::{apply::refused, export::source};
use crate::{
    cli::{PolicyDeleteArgs, PolicyRestoreArgs, PolicyShowArgs, ServerArgs, WhichPolicy},
    connect,
    exit::{Exit, UsageError},
    terminal::{Terminal, or_dash, print, printable, table},
};
use anyhow::Result;
use interven_client::{ControlClient, Policy, PolicyVersion};
use interven_policy::print_yaml;

pub(super) async fn versions(server: &ServerArgs, which: &WhichPolicy) -> Result<Exit> {
    let client = connect::control(server)?;
    let policy = find(&client, which).await?;
    let versions = client.policy_versions(policy.policy_id).await?;
    Terminal::new(server.json).show(&versions, |versions| {
        let rows = versions.iter().map(|v| {
            [
                v.version.to_string(),
                v.rules.to_string(),
                v.updated_at.to_string(),
                v.updated_by.clone(),
                or_dash(Some(&v.updated_from).filter(|from| !from.is_empty())),
                remark(v),
            ]
        });
        table(["VERSION", "RULES", "APPLIED", "BY", "FROM", "REMARK"], rows)
    })?;
    Ok(Exit::Ok)
}

fn remark(version: &PolicyVersion) -> String {
    let restored = version.restored_from.map(|earlier| format!("version {earlier} again"));
    let deleted = version.deleted_at.map(|at| {
        let by = version.deleted_by.as_deref().unwrap_or("unknown");
        let from = version.deleted_from.as_deref().map(|from| format!(" from {from}")).unwrap_or_default();
        format!("deleted {at} by {by}{from}")
    });
    restored.into_iter().chain(deleted).collect::<Vec<_>>().join("; ")
}

pub(super) async fn show(server: &ServerArgs, args: &PolicyShowArgs) -> Result<Exit> {
    let client = connect::control(server)?;
    let current = find(&client, &args.which).await?;
    let policy = match args.version {
        Some(version) => client.policy_at(current.policy_id, version).await?,
        None => current,
    };
    if server.json {
        Terminal::new(true).show(&policy, |_| String::new())?;
    } else {
        print(&print_yaml(&[source(&policy)?]))?;
    }
    Ok(Exit::Ok)
}

pub(super) async fn restore(server: &ServerArgs, args: &PolicyRestoreArgs) -> Result<Exit> {
    let client = connect::control(server)?;
    let policy = find(&client, &args.which).await?;
    let restored = match client.restore_policy(policy.policy_id, args.version, args.if_version).await {
        Ok(restored) => restored,
        Err(error) => return refused(error),
    };
    Terminal::new(server.json).show(&restored, |restored| {
        let (name, version) = (printable(&restored.name), restored.version);
        format!("{name}: version {} is in force again, as version {version}\n", args.version)
    })?;
    Ok(Exit::Ok)
}

pub(super) async fn delete(server: &ServerArgs, args: &PolicyDeleteArgs) -> Result<Exit> {
    let client = connect::control(server)?;
    let policy = find(&client, &args.which).await?;
    let gone = client.delete_policy(policy.policy_id, args.if_version).await?;
    Terminal::new(server.json).show(&gone, |_| {
        let (name, version) = (printable(&policy.name), policy.version);
        format!("{name}: deleted; `interven policy restore --version {version}` brings it back\n")
    })?;
    Ok(Exit::Ok)
}

/// The policy that is meant; a deleted one when none in force is.
async fn find(client: &ControlClient, which: &WhichPolicy) -> Result<Policy> {
    let mut named = client.policies_with_deleted().await?;
    named.retain(|policy| policy.name == which.name);
    Ok(choose(named, which)?)
}

/// Of the policies of one name: exactly that of the environment and agent; with neither given, the only one.
fn choose(mut named: Vec<Policy>, which: &WhichPolicy) -> Result<Policy, UsageError> {
    let name = &which.name;
    if named.is_empty() {
        return Err(UsageError(format!("there is no policy `{name}`; see `interven policy list`")));
    }
    let is_exact = |policy: &Policy| policy.env_name == which.env && policy.agent == which.agent;
    if let Some(place) = named.iter().position(is_exact) {
        return Ok(named.swap_remove(place));
    }
    let others: Vec<String> = named.iter().map(place_of).collect();
    match named.pop() {
        Some(only) if others.len() == 1 && which.env.is_none() && which.agent.is_none() => Ok(only),
        _ => Err(UsageError(format!(
            "no policy `{name}` is there; this name have those of {}",
            others.join(", ")
        ))),
    }
}

/// `--env production --agent bot`: what it takes to name it.
fn place_of(policy: &Policy) -> String {
    let env = policy.env_name.as_ref().map(|env| format!("--env {env}"));
    let agent = policy.agent.as_ref().map(|agent| format!("--agent {agent}"));
    let place: Vec<String> = env.into_iter().chain(agent).collect();
    if place.is_empty() { "every environment".to_owned() } else { place.join(" ") }
}
