//! Arguments of whatever stands between an agent and its tools.

use clap::Args;
use std::path::PathBuf;

/// Who judges, and what happens when nobody can.
#[derive(Debug, Args)]
pub(crate) struct GuardArgs {
    /// Address of the gateway; the key comes from INTERVEN_API_KEY
    #[arg(long, value_name = "URL", env = "INTERVEN_GATEWAY_URL")]
    pub(crate) server: Option<String>,
    /// Data directory of a server on this machine, in place of an address and a key
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Judge in this process: no server, nothing is recorded, nobody can approve
    #[arg(long)]
    pub(crate) local: bool,
    /// With --local: policies in place of the defaults, a file or the name of a pack; repeat for more
    #[arg(long = "pack", value_name = "FILE|NAME", requires = "local")]
    pub(crate) packs: Vec<PathBuf>,
    /// Let calls through while the gateway is out of order, and say so; INTERVEN_FAIL_CLOSED=1 wins
    #[arg(long)]
    pub(crate) fail_open: bool,
    /// How long a call waits for a person, in seconds
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub(crate) wait: u64,
}
