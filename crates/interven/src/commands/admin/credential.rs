//! `interven admin credential`.

use crate::{
    cli::{CredentialCommand, CredentialSetArgs},
    exit::UsageError,
    terminal::{Terminal, or_dash, table},
};
use anyhow::{Context as _, Result};
use interven_client::{ControlClient, NewToolCredential, ToolCredential};
use interven_types::Secret;
use std::{fs, io::Read as _};

pub(super) async fn run(
    client: &ControlClient,
    command: CredentialCommand,
    terminal: Terminal,
) -> Result<()> {
    match command {
        CredentialCommand::Set(args) => {
            let set = client.set_credential(&new_credential(args)?).await?;
            terminal.show(&set, |set| listed(std::slice::from_ref(set)))
        }
        CredentialCommand::List => terminal.show(&client.credentials().await?, |all| listed(all)),
        CredentialCommand::Remove { id } => {
            let answer = client.remove_credential(id).await?;
            terminal.show(&answer, |_| format!("credential {id} is removed\n"))
        }
    }
}

fn new_credential(args: CredentialSetArgs) -> Result<NewToolCredential> {
    let secret = read_secret(&args)?;
    let CredentialSetArgs { tool, kind, env, base_url, .. } = args;
    Ok(NewToolCredential { tool, kind: kind.as_str().to_owned(), env, base_url, secret })
}

/// Never an argument: those stand in the list of processes and in the shell's history.
fn read_secret(args: &CredentialSetArgs) -> Result<Secret> {
    let mut text = String::new();
    match &args.secret_file {
        Some(path) => {
            text =
                fs::read_to_string(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        }
        None => {
            let input = std::io::stdin().lock().read_to_string(&mut text);
            input.context("the standard input cannot be read")?;
        }
    }
    let secret = Secret::new(text);
    match secret.reveal().trim() {
        "" => Err(UsageError("no secret on the standard input or in --secret-file".to_owned()).into()),
        trimmed => Ok(Secret::new(trimmed)),
    }
}

fn listed(credentials: &[ToolCredential]) -> String {
    let rows = credentials.iter().map(|c| {
        [
            c.credential_id.to_string(),
            c.tool.clone(),
            c.host.clone(),
            or_dash(c.env.as_ref()),
            c.kind.clone(),
            c.rotated_at.unwrap_or(c.created_at).to_string(),
            c.created_by.clone(),
            or_dash(c.last_used_at),
        ]
    });
    table(["CREDENTIAL", "TOOL", "HOST", "ENVIRONMENT", "KIND", "SET", "BY", "LAST USED"], rows)
}
