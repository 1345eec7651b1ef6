//! `interven admin user`.

use crate::{
    cli::UserCommand,
    exit::UsageError,
    terminal::{Terminal, or_dash, table},
};
use anyhow::{Context as _, Result};
use interven_client::{ControlClient, NewUser, User};
use interven_types::Secret;

pub(super) async fn run(client: &ControlClient, command: UserCommand, terminal: Terminal) -> Result<()> {
    match command {
        UserCommand::Create { email, role } => {
            let user = NewUser { email, role: role.as_str().to_owned(), password: None };
            terminal.show(&client.create_user(&user).await?, |created| {
                let password = or_dash(created.one_time_password.as_ref());
                format!(
                    "{} ({})\none-time password {password}   (shown once)\n",
                    created.user.email, created.user.role
                )
            })
        }
        UserCommand::List => terminal.show(&client.users().await?, |users| listed(users)),
        UserCommand::Password { email, stdin } => {
            let chosen = if stdin { Some(read_password()?) } else { None };
            terminal.show(&client.set_password(&email, chosen.as_ref()).await?, |set| {
                match &set.one_time_password {
                    Some(password) => format!("one-time password {password}   (shown once)\n"),
                    None => "the password is changed\n".to_owned(),
                }
            })
        }
        UserCommand::Disable { email } => {
            let answer = client.disable_user(&email).await?;
            terminal.show(&answer, |_| format!("{email} can no longer sign in\n"))
        }
    }
}

fn listed(users: &[User]) -> String {
    let rows = users.iter().map(|u| {
        let state = u.disabled_at.map_or_else(|| "active".to_owned(), |at| format!("disabled {at}"));
        [u.email.clone(), u.role.clone(), state, u.created_at.to_string()]
    });
    table(["E-MAIL", "ROLE", "STATE", "CREATED"], rows)
}

/// Never an argument: those stand in the list of processes and in the shell's history.
fn read_password() -> Result<Secret> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("the standard input cannot be read")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(UsageError("no password on the standard input".to_owned()).into());
    }
    Ok(Secret::new(password))
}
