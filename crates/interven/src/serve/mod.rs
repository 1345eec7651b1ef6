//! The services: `interven serve` runs them in one process, `interven gateway` and `interven telemetry` apart.

mod alone;
mod banner;
mod config;
mod first_start;
mod logs;
mod plane;
mod secrets;
mod shared_secrets;
mod shutdown;

pub(crate) use alone::{run_gateway, run_telemetry};
pub(crate) use config::{Config, Service};
pub(crate) use secrets::{master_keys, prepare_new_master_key};
pub(crate) use shared_secrets::comparable_secrets;
pub(crate) use shutdown::{on_signal, stopped};

use crate::{
    cli::ServeArgs,
    database::{Database, DatabaseUrl},
    exit::Exit,
    installation::{DataDir, create_private_dir},
};
use anyhow::{Context as _, Result};
use interven_live::Live;
use plane::{Planes, bind, live_options, spool_options};
use std::io::Write as _;
use tokio::{net::TcpListener, sync::watch};

/// Runs all of it until it is told to stop.
pub(crate) async fn run(args: &ServeArgs) -> Result<Exit> {
    let config = Config::of_process(Service::Serve, args.config.as_deref())?;
    logs::start_logging(&config)?;
    let stop = shutdown::on_signal().context("signals cannot be listened to")?;
    // Removed when it goes out of scope, after everything in it was closed.
    let temporary = match args.ephemeral {
        true => {
            Some(tempfile::Builder::new().prefix("interven-").tempdir().context("no temporary directory")?)
        }
        false => None,
    };
    let data_dir =
        DataDir::new(temporary.as_ref().map_or(args.data_dir.as_path(), |directory| directory.path()));
    create_private_dir(data_dir.path())?;

    let url = config.database.clone().unwrap_or_else(|| DatabaseUrl::Sqlite(data_dir.database()));
    let database = Database::open(&url, config.database_settings).await?;
    let served = serve_database(&config, &data_dir, &database, stop).await;
    database.close().await;
    served.map(|()| Exit::Ok)
}

/// What listens, bound before anything is written, so that a busy port leaves no half-made installation.
struct Listeners {
    gateway: TcpListener,
    telemetry: TcpListener,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self> {
        let gateway = bind(config.gateway_addr, "the gateway", "GATEWAY_ADDR").await?;
        let telemetry = bind(config.telemetry_addr, "telemetry", "TELEMETRY_ADDR").await?;
        Ok(Self { gateway, telemetry })
    }
}

async fn serve_database(
    config: &Config,
    data_dir: &DataDir,
    database: &Database,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let listeners = Listeners::bind(config).await?;
    let addresses = first_start::Addresses::of(&listeners.gateway, &listeners.telemetry)?;
    let store = database.store();
    let is_in_use = !store.tenants().await?.is_empty();
    let masters = secrets::master_keys(data_dir, is_in_use)?;
    let admin_token = secrets::admin_token(data_dir)?;
    let keys_admin_secret = secrets::keys_admin_secret(&admin_token)?;
    let spool = spool_options(config, Some(data_dir.path()))?;
    let live = Live::start(store, masters, live_options(config, spool)).await?;
    secrets::forget_previous_master_key(data_dir)?;
    let finished = first_start::finish(&live, data_dir, &addresses, &config.admin_user).await?;

    let sample = banner::sample_credential(&interven_live::fresh_token()?);
    tell(&banner::banner(&finished, data_dir, &sample));

    let approval_base_url = config.approval_base_url.clone().unwrap_or_else(|| addresses.telemetry.clone());
    let planes = Planes::new(config, live, stop)?;
    tokio::join!(
        planes.serve_gateway(listeners.gateway, approval_base_url, keys_admin_secret),
        planes.serve_telemetry(listeners.telemetry, admin_token),
    );
    planes.seal().await;
    Ok(())
}

/// Nobody may be reading; the services run all the same.
fn tell(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}
