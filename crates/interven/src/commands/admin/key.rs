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
        KeyCommand::List => terminal.show(&client.keys().await?, |keys| listed(keys)),
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
        expires_at: args.expires_at,
    }
}

fn listed(keys: &[Key]) -> String {
    let rows = keys.iter().map(|k| {
        let state = match (k.revoked_at, k.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "active".to_owned(),
        };
        [
            k.key_id.to_string(),
            format!("{}…", k.prefix),
            k.name.clone(),
            k.env.clone(),
            k.scopes.join(" "),
            state,
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
