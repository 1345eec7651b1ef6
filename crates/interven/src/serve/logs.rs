//! Log lines on the standard error.

use super::config::{Config, LogFormat};
use anyhow::{Result, anyhow};
use std::io::{IsTerminal as _, stderr};
use tracing_subscriber::EnvFilter;

pub(crate) fn start_logging(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log_filter)
        .map_err(|error| anyhow!("log_filter (RUST_LOG): `{}`: {error}", config.log_filter))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match config.log_format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow!("logging cannot start: {error}"))
}
