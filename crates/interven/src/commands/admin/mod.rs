//! `interven admin`: tenants, people, keys, agents, settings, detectors, budgets, encryption,
//! retention.

mod agent;
mod backup;
mod budgets;
mod copy;
mod credential;
mod detectors;
mod encryption;
mod key;
mod retention;
mod secrets;
mod settings;
mod tenant;
mod user;

pub(crate) use agent::agent_id;

use crate::{
    cli::{AdminArgs, AdminCommand, EncryptionCommand, TenantDetectorsCommand},
    connect,
    exit::Exit,
    terminal::Terminal,
};
use anyhow::Result;

pub(crate) async fn run(args: AdminArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    let client = || connect::control(&args.server);
    match args.what {
        AdminCommand::Detectors(TenantDetectorsCommand::Hash) => detectors::hash(terminal)?,
        AdminCommand::Encryption(EncryptionCommand::Rotate { master: true }) => {
            encryption::rotate_master(&args.server.data_dir)?;
        }
        AdminCommand::Backup(command) => backup::backup(&args.server, &command).await?,
        AdminCommand::Restore(command) => backup::restore(&args.server.data_dir, &command)?,
        AdminCommand::Copy(args) => copy::run(&args).await?,
        AdminCommand::Secrets(command) => secrets::run(command).await?,
        AdminCommand::Encryption(command) => encryption::run(&client()?, command, terminal).await?,
        AdminCommand::Tenant(command) => tenant::run(&client()?, command, terminal).await?,
        AdminCommand::User(command) => user::run(&client()?, command, terminal).await?,
        AdminCommand::Key(command) => key::run(&client()?, command, terminal).await?,
        AdminCommand::Credential(command) => credential::run(&client()?, command, terminal).await?,
        AdminCommand::Agent(command) => agent::run(&client()?, command, terminal).await?,
        AdminCommand::Detectors(command) => return detectors::run(&client()?, command, terminal).await,
        AdminCommand::Budgets(command) => budgets::run(&client()?, command, terminal).await?,
        AdminCommand::Settings(command) => settings::run(&client()?, command, terminal).await?,
        AdminCommand::Retention(command) => retention::run(&client()?, command, terminal).await?,
    }
    Ok(Exit::Ok)
}
