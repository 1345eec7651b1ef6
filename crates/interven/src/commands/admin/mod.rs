//! `interven admin`: tenants, people, keys, agents, settings.

mod agent;
mod key;
mod settings;
mod tenant;
mod user;

pub(crate) use agent::agent_id;

use crate::{
    cli::{AdminArgs, AdminCommand},
    connect,
    exit::Exit,
    terminal::Terminal,
};
use anyhow::Result;

pub(crate) async fn run(args: AdminArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    let client = connect::control(&args.server)?;
    match args.what {
        AdminCommand::Tenant(command) => tenant::run(&client, command, terminal).await?,
        AdminCommand::User(command) => user::run(&client, command, terminal).await?,
        AdminCommand::Key(command) => key::run(&client, command, terminal).await?,
        AdminCommand::Agent(command) => agent::run(&client, command, terminal).await?,
        AdminCommand::Settings(command) => settings::run(&client, command, terminal).await?,
    }
    Ok(Exit::Ok)
}
