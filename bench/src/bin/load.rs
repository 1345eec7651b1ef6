//! Loads `POST /v1/scan` of a gateway on this machine and reports what its callers would have felt.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bodies, Mix, Pace, Plan, Target, load};
use clap::Parser;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// The gateway, on the loopback interface
    #[arg(long, env = "INTERVEN_GATEWAY_URL", default_value = "http://localhost:4000")]
    url: String,
    /// The agent's key
    #[arg(long, env = "INTERVEN_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Scans per second, whatever the answers do; without it each connection waits for its answer
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds of the same load before
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "2048", conflicts_with = "body")]
    mix: Mix,
    /// A file with the one request to send
    #[arg(long)]
    body: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let bodies = match &asked.body {
        Some(path) => Bodies::of_file(path)?,
        None => Bodies::of_mix(&asked.mix),
    };
    let plan = Plan {
        target: Target::new(&asked.url, asked.key.as_deref())?,
        pace: asked.rate.map_or(Pace::AsAnswered, Pace::Arrivals),
        duration: Duration::from_secs(asked.seconds),
        warm_up: Duration::from_secs(asked.warm_up),
        connections: asked.connections,
        bodies: Arc::new(bodies),
    };
    let report = load(&plan).await?;
    print!("{report}");
    Ok(if report.error_count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
