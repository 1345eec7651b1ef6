//! `interven gateway` and `interven telemetry`: one service in a process of its own, on a database that several share.

use super::{
    Config, Service,
    first_start::url_of,
    logs,
    plane::{Planes, bind, live_options, spool_options},
    shared_secrets::SharedSecrets,
    shutdown, tell,
};
use crate::{
    cli::AloneArgs,
    database::{Database, DatabaseUrl},
    exit::{Exit, UsageError},
};
use anyhow::{Context as _, Result};
use interven_live::{Live, LiveOptions};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::watch};

pub(crate) async fn run_gateway(args: &AloneArgs) -> Result<Exit> {
    run(Service::Gateway, args).await
}

pub(crate) async fn run_telemetry(args: &AloneArgs) -> Result<Exit> {
    run(Service::Telemetry, args).await
}

/// Runs one service until it is told to stop. What it cannot start without is told before anything is opened.
async fn run(service: Service, args: &AloneArgs) -> Result<Exit> {
    let config = Config::of_process(service, args.config.as_deref())?;
    let url = shared_database(service, config.database.as_ref())?;
    let secrets = SharedSecrets::read(service)?;
    let spool = match service {
        Service::Telemetry => None,
        _ => spool_options(&config, None)?,
    };
    logs::start_logging(&config)?;
    let stop = shutdown::on_signal().context("signals cannot be listened to")?;
    let listener = match service {
        Service::Telemetry => bind(config.telemetry_addr, "telemetry", "TELEMETRY_ADDR").await?,
        _ => bind(config.gateway_addr, "the gateway", "GATEWAY_ADDR").await?,
    };
    let database = Database::open(url, config.database_settings).await?;
    let served =
        serve_one(service, &config, live_options(&config, spool), secrets, &database, listener, stop).await;
    database.close().await;
    served.map(|()| Exit::Ok)
}

/// An embedded database belongs to one process.
fn shared_database(service: Service, url: Option<&DatabaseUrl>) -> Result<&DatabaseUrl> {
    match url {
        Some(url @ DatabaseUrl::Postgres(_)) => Ok(url),
        _ => Err(UsageError(format!(
            "`interven {}` needs postgres://… in DATABASE_URL: an embedded database belongs to one process; run `interven serve`, \
             or move the database with `interven admin copy`",
            service.name()
        ))
        .into()),
    }
}

async fn serve_one(
    service: Service,
    config: &Config,
    options: LiveOptions,
    secrets: SharedSecrets,
    database: &Database,
    listener: TcpListener,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let store = database.store();
    let live = Live::start(store, secrets.master_keys()?, options).await?;
    secrets.agree(&live).await?;
    let url = url_of(&listener)?;
    tell(&format!("interven {} {}  {url}\n", service.name(), env!("CARGO_PKG_VERSION")));
    let is_empty = live.store.tenants().await?.is_empty();
    let planes = Planes::new(config, Arc::clone(&live), stop)?;
    match service {
        Service::Telemetry => {
            if is_empty {
                tell(&first_steps(&url));
            }
            planes.serve_telemetry(listener, secrets.admin_token()?).await;
        }
        _ => {
            let base = config.approval_base_url.clone();
            let base = base.unwrap_or_else(|| format!("http://{}", config.telemetry_addr));
            planes.serve_gateway(listener, base, secrets.keys_admin_secret()?).await;
        }
    }
    planes.seal().await;
    Ok(())
}

/// What an empty database lacks, as commands to paste where INTERVEN_ADMIN_TOKEN is set.
fn first_steps(url: &str) -> String {
    format!(
        "\n  the database is empty; with INTERVEN_ADMIN_TOKEN set, make a tenant, its first person and its first key:\n  \
         interven admin --server {url} tenant create NAME\n  \
         interven admin --server {url} user create you@example.com --role admin\n  \
         interven admin --server {url} key create first\n\n"
    )
}
