//! `interven serve`: gateway and telemetry in one process, on one embedded database.

mod banner;
mod config;
mod first_start;
mod logs;
mod secrets;
mod shutdown;

use crate::{
    build::build_info,
    cli::ServeArgs,
    exit::Exit,
    installation::{DataDir, create_private_dir},
};
pub(crate) use secrets::prepare_new_master_key;

use anyhow::{Context as _, Result};
use config::Config;
use interven_http::{ServeOptions, serve};
use interven_live::{Live, LiveOptions};
use interven_store::TenantStore as _;
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_types::Secret;
use std::{io::Write as _, net::SocketAddr, sync::Arc};
use tokio::{net::TcpListener, sync::watch};

/// Runs until it is told to stop.
pub(crate) async fn run(args: &ServeArgs) -> Result<Exit> {
    let config = Config::load(args.config.as_deref(), |name| std::env::var(name).ok())?;
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

    let path = config.database.clone().unwrap_or_else(|| data_dir.database());
    let store = SqliteStore::open(SqliteOptions::new(path)).await?;
    let served = serve_store(&config, &data_dir, store.clone(), stop).await;
    store.close().await;
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

async fn bind(addr: SocketAddr, what: &str, variable: &str) -> Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!("{what} cannot listen on {addr}: stop what uses it, or set {variable} to another address")
    })
}

async fn serve_store(
    config: &Config,
    data_dir: &DataDir,
    store: SqliteStore,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let listeners = Listeners::bind(config).await?;
    let addresses = first_start::Addresses::of(&listeners.gateway, &listeners.telemetry)?;
    let is_in_use = !store.tenants().await?.is_empty();
    let masters = secrets::master_keys(data_dir, is_in_use)?;
    let admin_token = secrets::admin_token(data_dir)?;
    let options = LiveOptions {
        max_body_bytes: config.max_body_bytes,
        trusted_proxies: config.trusted_proxies.clone(),
        ..LiveOptions::default()
    };
    let live = Live::start(Arc::new(store), masters, options).await?;
    secrets::forget_previous_master_key(data_dir)?;
    let finished = first_start::finish(&live, data_dir, &addresses, &config.admin_user).await?;

    let sample = banner::sample_credential(&interven_live::fresh_token()?);
    let mut stdout = std::io::stdout().lock();
    // Nobody may be reading; the services run all the same.
    let _ = stdout.write_all(banner::banner(&finished, data_dir, &sample).as_bytes());
    let _ = stdout.flush();
    drop(stdout);

    let approval_base_url = config.approval_base_url.clone().unwrap_or_else(|| addresses.telemetry.clone());
    serve_both(config, listeners, live, admin_token, approval_base_url, stop).await;
    Ok(())
}

/// Patterns compile on first use: done now, beside the first requests, no scan has to wait for one.
fn warm_up() {
    if let Err(error) = interven_classify::Classifier::builtin().warm_up() {
        tracing::error!(%error, "a shipped detector does not compile");
    }
}

async fn serve_both(
    config: &Config,
    listeners: Listeners,
    live: Arc<Live>,
    admin_token: Secret,
    approval_base_url: String,
    stop: watch::Receiver<bool>,
) {
    let build = build_info(live.now());
    let mut gateway = interven_gateway::Gateway::new(Arc::clone(&live), build, approval_base_url);
    gateway.body_timeout = config.body_timeout;
    let mut telemetry = interven_telemetry::Telemetry::new(live, admin_token, build);
    telemetry.body_timeout = config.body_timeout;
    let options = ServeOptions {
        max_connections: config.max_connections,
        drain_timeout: config.drain_timeout,
        ..ServeOptions::default()
    };
    tokio::task::spawn_blocking(warm_up);
    tokio::join!(
        serve(listeners.gateway, interven_gateway::router(gateway), options, shutdown::stopped(stop.clone())),
        serve(listeners.telemetry, interven_telemetry::router(telemetry), options, shutdown::stopped(stop)),
    );
}
