//! How fast this disk makes an append durable: the floor under every durable record without group commit.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::PathBuf;
use std::time::Duration;

use bench::{DiskPlan, time_appends};
use clap::Parser;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// The directory whose disk is meant
    #[arg(long, default_value = ".")]
    directory: PathBuf,
    /// How many appends
    #[arg(long, default_value_t = 5_000)]
    appends: u64,
    /// How many bytes each
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(1..=1 << 24))]
    bytes: u32,
    /// After how many seconds to end in any case
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
}

fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let plan = DiskPlan {
        appends: asked.appends,
        bytes: usize::try_from(asked.bytes)?,
        limit: Duration::from_secs(asked.seconds),
    };
    let latencies = time_appends(&asked.directory, plan)?;
    println!("{} appends of {} bytes, each durable before the next", latencies.count(), asked.bytes);
    println!("{latencies}");
    Ok(())
}
