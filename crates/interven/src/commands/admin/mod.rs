//! `interven admin`: tenants, people, keys, agents, settings, detectors, budgets.

mod agent;
mod budgets;
mod detectors;
mod key;
mod settings;
mod tenant;
mod user;

pub(crate) use agent::agent_id;

use crate::{
    cli::{AdminArgs, AdminCommand, TenantDetectorsCommand},
    connect,
    exit::Exit,
    terminal::Terminal,
};
use anyhow::Result;

pub(crate) async fn run(args: AdminArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    if matches!(args.what, AdminCommand::Detectors(TenantDetectorsCommand::Hash)) {
        return detectors::hash(terminal).map(|()| Exit::Ok);
    }
    let client = connect::control(&args.server)?;
    match args.what {
        AdminCommand::Tenant(command) => tenant::run(&client, command, terminal).await?,
        AdminCommand::User(command) => user::run(&client, command, terminal).await?,
        AdminCommand::Key(command) => key::run(&client, command, terminal).await?,
        AdminCommand::Agent(command) => agent::run(&client, command, terminal).await?,
        AdminCommand::Detectors(command) => return detectors::run(&client, command, terminal).await,
        AdminCommand::Budgets(command) => budgets::run(&client, command, terminal).await?,
        AdminCommand::Settings(command) => settings::run(&client, command, terminal).await?,
    }
    Ok(Exit::Ok)
}
