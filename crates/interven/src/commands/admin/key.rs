//! `interven admin key`.

use crate::{
    cli::{KeyCommand, KeyCreateArgs},
    terminal::{Terminal, or_dash, table},
};
use anyhow::Result;
use interven_client::{ControlClient, Key, NewKey};

pub(super) async fn run(client: &ControlClient, command: KeyCommand, terminal: Terminal) -> Result<()> {
    match command {
        KeyCommand::Create(args) => terminal.show(&client.create_key(&new_key(args)).await?, |minted| {
            format!("{}   (shown once)\n{}", minted.key, listed(std::slice::from_ref(&minted.record)))
        }),
        KeyCommand::List { ephemeral: false } => terminal.show(&client.keys().await?, |keys| listed(keys)),
        KeyCommand::List { ephemeral: true } => {
            terminal.show(&client.ephemeral_keys().await?, |keys| listed_ephemeral(keys))
        }
        KeyCommand::Revoke { key } => {
            let answer = client.revoke_key(&key).await?;
            terminal.show(&answer, |_| format!("{key} is revoked\n"))
        }
    }
}

fn new_key(args: KeyCreateArgs) -> NewKey {
    NewKey {
        name: args.name,
        env: args.env,
        agent_name: args.agent,
        env_override: args.env_override,
        ip_allowlist: args.allow_ip,
        scopes: args.scopes,
        monitor: args.monitor,
        signing: args.signing,
        expires_at: args.expires_at,
    }
}

fn listed_ephemeral(keys: &[Key]) -> String {
    let rows = keys.iter().map(|key| {
        let limits = key.ephemeral.as_ref();
        let list = |names: &[String]| if names.is_empty() { "any".to_owned() } else { names.join(" ") };
        [
            key.key_id.to_string(),
            key.name.clone(),
            state_of(key),
            limits.map(|limits| format!("{} of {}", limits.uses, limits.max_uses)).unwrap_or_default(),
            limits.map(|limits| list(&limits.scope.tools)).unwrap_or_default(),
            limits.map(|limits| list(&limits.scope.verbs)).unwrap_or_default(),
            limits.map(|limits| limits.parent_key_id.to_string()).unwrap_or_default(),
        ]
    });
    table(["KEY", "NAME", "STATE", "USES", "TOOLS", "VERBS", "MADE BY"], rows)
}

fn state_of(key: &Key) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "active".to_owned(),
    }
}

fn listed(keys: &[Key]) -> String {
    let rows = keys.iter().map(|k| {
        [
            k.key_id.to_string(),
            format!("{}…", k.prefix),
            k.name.clone(),
            k.env.clone(),
            if k.signing { format!("{} (signs)", k.scopes.join(" ")) } else { k.scopes.join(" ") },
            state_of(k),
            or_dash(k.last_seen_at),
            k.blocked_attempts.to_string(),
            or_dash(k.last_refusal.as_ref()),
        ]
    });
    table(
        ["KEY", "PREFIX", "NAME", "ENVIRONMENT", "SCOPES", "STATE", "LAST SEEN", "BLOCKED", "LAST REFUSAL"],
        rows,
    )
}
