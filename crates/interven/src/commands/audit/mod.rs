//! `interven audit`: whether the record is what was recorded, and proof of it.

mod export;
mod exported;
mod keys;
mod remote;
mod verify;
mod witness;

use crate::{
    cli::{AuditArgs, AuditCommand},
    connect,
    exit::{Exit, UsageError},
    terminal::{Terminal, print},
};
use anyhow::Result;
use std::path::Path;

/// A tenant's logs. The audit log first: it says what retention may have taken of the other.
const LOGS: [&str; 2] = ["audit", "activity"];

pub(crate) async fn run(args: AuditArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    match args.what {
        AuditCommand::Verify(what) => verify::run(&args.server, what, terminal).await,
        AuditCommand::Prove { trace } => {
            print(&connect::control(&args.server)?.ledger_proof(trace).await?)?;
            Ok(Exit::Ok)
        }
        AuditCommand::Export { dir } => export::run(connect::control(&args.server)?, dir, terminal).await,
        AuditCommand::Witness(to) => witness::run(connect::control(&args.server)?, to).await,
        AuditCommand::Key => {
            for status in connect::control(&args.server)?.ledger().await? {
                print(&format!("{}\n", status.key))?;
            }
            Ok(Exit::Ok)
        }
    }
}

/// A file that the command line names.
fn read_named(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path);
    Ok(text.map_err(|error| UsageError(format!("`{}` cannot be read: {error}", path.display())))?)
}
