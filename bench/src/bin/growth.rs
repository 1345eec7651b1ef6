//! Times scans on a log that grows: what a scan costs must not depend on how many are recorded.
//!
//! The rows in between are copies of scans that the gateway recorded, made by the database itself, without their documents
//! and bodies, so that ten million of them fit on a disk.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bench::{Backend, Bodies, Database, Pace, Plan, Serving, load, program_beside_this_one};
use clap::Parser;
use tokio::time::timeout;

/// For sealing what was copied.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between two looks at how far that is.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// The program; by default the one that was built with this
    #[arg(long)]
    interven: Option<PathBuf>,
    /// sqlite or postgres; the latter on a server of its own
    #[arg(long, default_value = "sqlite")]
    store: Backend,
    /// How many rows the log has when scans are timed
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    rows: Vec<u64>,
    /// Scans per second
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// The scans that are copied.
const TEMPLATES: u64 = 256;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    ensure!(asked.rows.is_sorted(), "the log only grows: `--rows` from few to many");
    let program = match asked.interven {
        Some(path) => path,
        None => program_beside_this_one("interven")?,
    };
    let scratch = tempfile::tempdir()?;
    let data_dir = scratch.path().join("data");
    let database = Database::new(asked.store, &data_dir);
    let bodies = Arc::new(Bodies::of_mix(&"512:8,4096:2".parse()?));
    let plan = |target: &bench::Target, rate: f64, seconds: Duration, warm_up: Duration| Plan {
        target: target.clone(),
        pace: Pace::Arrivals(rate),
        duration: seconds,
        warm_up,
        connections: asked.connections,
        bodies: Arc::clone(&bodies),
    };
    let first = Serving::start_on(&program, &data_dir, &database).await?;
    load(&plan(first.target(), TEMPLATES as f64, Duration::from_secs(1), Duration::ZERO)).await?;
    first.kill()?;

    println!("| store | rows | start ms | p50 ms | p99 ms | max ms | errors |");
    println!("| --- | --: | --: | --: | --: | --: | --: |");
    for rows in asked.rows {
        database.grow(rows).with_context(|| format!("the log could not grow to {rows} rows"))?;
        let serving = Serving::start_on(&program, &data_dir, &database).await?;
        // The copies are sealed first: in a log that grew by itself they would be.
        timeout(PATIENCE, async {
            while database.sealed()? < rows {
                tokio::time::sleep(LOOK).await;
            }
            anyhow::Ok(())
        })
        .await
        .context("the copies were not sealed in time")??;
        let seconds = Duration::from_secs(asked.seconds);
        let report = load(&plan(serving.target(), asked.rate, seconds, Duration::from_secs(2))).await?;
        println!(
            "| {} | {rows} | {} | {:.2} | {:.2} | {:.1} | {} |",
            asked.store,
            serving.start_time().as_millis(),
            report.latencies.milliseconds_at(0.5),
            report.latencies.milliseconds_at(0.99),
            report.latencies.longest_milliseconds(),
            report.error_count()
        );
        serving.kill()?;
    }
    Ok(())
}
