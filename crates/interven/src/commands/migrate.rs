//! `interven migrate`: the schema of a database, step by step.

use crate::{
    cli::{DatabaseArgs, MigrateCommand},
    database::{Database, DatabaseSettings, DatabaseUrl},
    exit::{Exit, tell},
    serve::{Config, Service},
    terminal::{Terminal, counted, or_dash, table},
};
use anyhow::Result;
use interven_store::SchemaStep;

pub(crate) async fn run(command: MigrateCommand) -> Result<Exit> {
    match command {
        MigrateCommand::Status(args) => {
            let steps = database(&args)?.0.schema_steps().await?;
            show(&args, &steps)?;
            // A script may ask whether there is something to do.
            Ok(if steps.iter().all(is_settled) { Exit::Ok } else { Exit::Findings })
        }
        MigrateCommand::Up(args) => {
            let (url, settings) = database(&args)?;
            let before = url.schema_steps().await?;
            let settings = DatabaseSettings { auto_migrate: true, ..settings };
            Database::open(&url, settings).await?.close().await;
            let after = url.schema_steps().await?;
            show(&args, &after)?;
            let count = |steps: &[SchemaStep]| steps.iter().filter(|step| step.applied_at.is_some()).count();
            let applied = count(&after).saturating_sub(count(&before));
            tell(&format!("applied {}", counted(applied, "migration", "migrations")));
            Ok(Exit::Ok)
        }
    }
}

/// The database that a service started with the same arguments would open.
fn database(args: &DatabaseArgs) -> Result<(DatabaseUrl, DatabaseSettings)> {
    let config = Config::of_process(Service::Serve, args.config.as_deref())?;
    let url = config.database.unwrap_or_else(|| DatabaseUrl::embedded_in(&args.data_dir));
    Ok((url, config.database_settings))
}

fn is_settled(step: &SchemaStep) -> bool {
    step.applied_at.is_some() && step.is_known
}

fn show(args: &DatabaseArgs, steps: &[SchemaStep]) -> Result<()> {
    Terminal::new(args.json).show(&steps, |steps| {
        let rows = steps.iter().map(|step| {
            let applied = match (step.applied_at, step.is_known) {
                (None, _) => "to come".to_owned(),
                (at, true) => or_dash(at),
                (at, false) => format!("{}, by a newer version", or_dash(at)),
            };
            [step.version.to_string(), step.name.clone(), applied]
        });
        table(["VERSION", "NAME", "APPLIED"], rows)
    })
}
