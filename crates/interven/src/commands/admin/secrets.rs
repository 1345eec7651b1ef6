//! `interven admin secrets`: what the services of one database agree on.

use crate::{
    cli::SecretsCommand,
    database::DatabaseUrl,
    exit::{UsageError, tell},
    serve::{Config, Service, comparable_secrets},
};
use anyhow::{Result, bail};
use interven_live::fingerprint_name;
use interven_store_postgres::{PostgresOptions, PostgresStore};

pub(super) async fn run(command: SecretsCommand) -> Result<()> {
    let SecretsCommand::Forget { name } = command;
    if !comparable_secrets().any(|known| known == name) {
        let names: Vec<_> = comparable_secrets().collect();
        bail!(UsageError(format!("`{name}` is none of {}", names.join(", "))));
    }
    let config = Config::of_process(Service::Serve, None)?;
    let Some(DatabaseUrl::Postgres(url)) = config.database else {
        bail!(UsageError("name the database that services share in DATABASE_URL: postgres://…".to_owned()));
    };
    let options = PostgresOptions { auto_migrate: false, ..PostgresOptions::new(url.reveal()) };
    let store = PostgresStore::open(options).await?;
    let was_known = store.forget_installation_value(&fingerprint_name(&name)).await;
    store.close().await;
    tell(match was_known? {
        true => {
            "forgotten; the next service that starts decides anew, so start every service with the new one"
        }
        false => "no service has been started with it",
    });
    Ok(())
}
