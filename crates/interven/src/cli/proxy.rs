//! Arguments of `interven proxy`.

use super::GuardArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ProxyArgs {
    #[command(subcommand)]
    pub(crate) what: Option<ProxyCommand>,
    #[command(flatten)]
    pub(crate) run: ProxyRunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProxyCommand {
    /// The authority that --tls-inspect signs with
    #[command(subcommand)]
    Ca(ProxyCaCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProxyCaCommand {
    /// Make an authority, and say how agents are told to trust it; one that is there stays
    Init(CaArgs),
    /// Print its certificate
    Show(CaArgs),
    /// Print where its certificate is
    Path(CaArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CaArgs {
    /// Where certificate and key are
    #[arg(long, value_name = "DIR", env = "INTERVEN_CA_DIR")]
    pub(crate) ca_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ProxyMode {
    Enforce,
    Monitor,
}

#[derive(Debug, Args)]
pub(crate) struct ProxyRunArgs {
    #[command(flatten)]
    pub(crate) guard: GuardArgs,
    #[command(flatten)]
    pub(crate) ca: CaArgs,
    /// Address to listen on; one that other machines reach wants a token in INTERVEN_PROXY_TOKEN
    #[arg(long, default_value = "127.0.0.1:4180", value_name = "ADDR")]
    pub(crate) listen: SocketAddr,
    /// monitor: every call goes, and what would have become of it is told
    #[arg(long, default_value = "enforce")]
    pub(crate) mode: ProxyMode,
    /// Look into HTTPS that comes by CONNECT, with certificates of `interven proxy ca init`
    #[arg(long)]
    pub(crate) tls_inspect: bool,
    /// Largest request body that is judged; what is larger is refused
    #[arg(long, default_value_t = 262_144, value_name = "BYTES")]
    pub(crate) max_body_bytes: usize,
    /// Seconds for the start of an answer, and for each pause in an answer or a tunnel
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) idle_timeout: u64,
    /// A name of this proxy beside localhost and addresses; repeat for more
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// Certificates to trust in upstreams beside those of this machine (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) upstream_ca: Option<PathBuf>,
}
