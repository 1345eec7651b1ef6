//! The two services as they run, in one process or apart.

use super::{Config, shutdown};
use crate::{build::build_info, exit::UsageError, installation::create_private_dir};
use anyhow::{Context as _, Result};
use interven_egress::{Egress, EgressError, SystemLookup};
use interven_gateway::Gateway;
use interven_http::{ServeOptions, serve};
use interven_live::{Live, LiveOptions, SpoolOptions};
use interven_telemetry::Telemetry;
use interven_types::Secret;
use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

/// With a spool, a store that has not recorded a scan in this time counts as away.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn bind(addr: SocketAddr, what: &str, variable: &str) -> Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!("{what} cannot listen on {addr}: stop what uses it, or set {variable} to another address")
    })
}

pub(super) fn live_options(config: &Config, spool: Option<SpoolOptions>) -> LiveOptions {
    LiveOptions {
        max_body_bytes: config.max_body_bytes,
        trusted_proxies: config.trusted_proxies.clone(),
        spool,
        seal_every: config.ledger_seal,
        ..LiveOptions::default()
    }
}

/// Where scans are kept while the store is away, if they are: by default in the data directory, where there is one.
pub(super) fn spool_options(config: &Config, data_dir: Option<&Path>) -> Result<Option<SpoolOptions>> {
    let Some(spool) = &config.spool else { return Ok(None) };
    let directory = spool.directory.clone().or_else(|| data_dir.map(|path| path.join("spool")));
    let directory = directory.ok_or_else(|| {
        UsageError("STORE_FAILURE_MODE=spool needs a directory of this process alone in SPOOL_DIR".to_owned())
    })?;
    create_private_dir(&directory)?;
    Ok(Some(SpoolOptions { directory, max_bytes: spool.max_bytes, store_timeout: STORE_TIMEOUT }))
}

/// What the services of this process share.
pub(super) struct Planes<'a> {
    config: &'a Config,
    live: Arc<Live>,
    egress: Option<Arc<Egress>>,
    stop: watch::Receiver<bool>,
}

impl<'a> Planes<'a> {
    /// # Errors
    /// The file of authorities cannot be used.
    pub(super) fn new(config: &'a Config, live: Arc<Live>, stop: watch::Receiver<bool>) -> Result<Self> {
        let egress = egress_of(config)?;
        tokio::task::spawn_blocking(warm_up);
        let (stopping, asked) = (Arc::clone(&live), stop.clone());
        tokio::spawn(async move {
            shutdown::stopped(asked).await;
            stopping.begin_stopping();
        });
        Ok(Self { config, live, egress, stop })
    }

    pub(super) async fn serve_gateway(
        &self,
        listener: TcpListener,
        approval_base_url: String,
        keys_admin_secret: Secret,
    ) {
        let live = Arc::clone(&self.live);
        let mut gateway = Gateway::new(live, build_info(self.live.now()), approval_base_url);
        gateway.keys_admin_secret = Some(keys_admin_secret);
        gateway.egress = self.egress.clone();
        gateway.replay_window = self.config.replay_window;
        gateway.body_timeout = self.config.body_timeout;
        serve(listener, interven_gateway::router(gateway), self.options(), self.stopped()).await;
    }

    pub(super) async fn serve_telemetry(&self, listener: TcpListener, admin_token: Secret) {
        let live = Arc::clone(&self.live);
        let mut telemetry = Telemetry::new(live, admin_token, build_info(self.live.now()));
        telemetry.body_timeout = self.config.body_timeout;
        serve(listener, interven_telemetry::router(telemetry), self.options(), self.stopped()).await;
    }

    /// Once nothing more is recorded: a clean stop leaves nothing outside a checkpoint.
    pub(super) async fn seal(&self) {
        self.live.seal_all().await;
    }

    fn stopped(&self) -> impl Future<Output = ()> + use<> {
        shutdown::stopped(self.stop.clone())
    }

    fn options(&self) -> ServeOptions {
        ServeOptions {
            max_connections: self.config.max_connections,
            drain_delay: self.config.drain_delay,
            drain_timeout: self.config.drain_timeout,
            ..ServeOptions::default()
        }
    }
}

/// A machine that trusts no authority can call no tool; everything else works there.
fn egress_of(config: &Config) -> Result<Option<Arc<Egress>>> {
    match Egress::new(config.egress.clone(), Arc::new(SystemLookup)) {
        Ok(egress) => Ok(Some(Arc::new(egress))),
        Err(error @ EgressError::BadAuthorities { .. }) => Err(UsageError(error.to_string()).into()),
        Err(error) => {
            tracing::warn!(%error, "the tool gateway can call nobody");
            Ok(None)
        }
    }
}

/// Patterns compile on first use: done now, beside the first requests, no scan has to wait for one.
fn warm_up() {
    if let Err(error) = interven_classify::Classifier::builtin().warm_up() {
        tracing::error!(%error, "a shipped detector does not compile");
    }
}
