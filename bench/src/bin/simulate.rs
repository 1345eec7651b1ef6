//! What a simulation of policies takes: recorded scans judged anew per second, and what live scans feel meanwhile.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bench::{Bodies, Mix, Pace, Plan, Serving, Subject, load};
use clap::Parser;
use serde::Deserialize;

/// A draft with a rule that stops some of the calls that are recorded, and others that do not.
const DRAFT: &str = r#"
name: Draft
rules:
  - rule_id: comments
    match: { tool_names: [github], verbs: [WRITE] }
    condition: { body_contains_any: [merge, rollback] }
    action: REQUIRE_APPROVAL
  - rule_id: secrets
    condition: { has_data_class: [SECRETS, PII] }
    action: DENY
"#;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Seconds in which scans are recorded, and of each measurement of live scans
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often everything recorded is simulated
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    turns: u32,
    /// Live scans per second beside a simulation
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "500,1000,2048")]
    mix: Mix,
}

/// What is read of the report.
#[derive(Deserialize)]
struct Simulated {
    scans: u64,
    changed: u64,
    elapsed_ms: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let (program, scratch) = (asked.subject.program()?, asked.subject.scratch()?);
    let (data, draft) = (scratch.path().join("data"), scratch.path().join("draft.yaml"));
    std::fs::write(&draft, DRAFT)?;
    let serving = Serving::start(&program, &data).await?;
    let bodies = Arc::new(Bodies::of_mix(&asked.mix));
    let plan = |pace| Plan {
        target: serving.target().clone(),
        pace,
        duration: Duration::from_secs(asked.seconds),
        warm_up: Duration::from_secs(1),
        connections: 32,
        bodies: bodies.clone(),
    };
    println!("{} cores, bodies {} (bytes:weight)", std::thread::available_parallelism()?, asked.mix);
    load(&plan(Pace::AsAnswered)).await?;
    for _ in 0..asked.turns {
        let Simulated { scans, changed, elapsed_ms } = simulate(&program, &data, &draft)?;
        let rate = scans * 1_000 / elapsed_ms.max(1);
        println!(
            "simulate                     {rate:>7}/s  {scans} scans, {changed} changed, {elapsed_ms} ms"
        );
    }
    println!("live scans alone             {}", load(&plan(Pace::Arrivals(asked.rate))).await?.latencies);
    let is_measured = Arc::new(AtomicBool::new(false));
    let beside = {
        let (program, data, draft, is_measured) = (program, data, draft, is_measured.clone());
        tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
            while !is_measured.load(Ordering::Relaxed) {
                simulate(&program, &data, &draft)?;
            }
            Ok(())
        })
    };
    let report = load(&plan(Pace::Arrivals(asked.rate))).await?;
    is_measured.store(true, Ordering::Relaxed);
    println!("live scans beside it         {}", report.latencies);
    beside.await??;
    if let Some(bytes) = serving.resident_bytes() {
        println!("server after it all          {} MiB resident", bytes >> 20);
    }
    serving.kill()?;
    Ok(if report.error_count() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn simulate(program: &Path, data: &Path, draft: &Path) -> anyhow::Result<Simulated> {
    let mut command = Command::new(program);
    command.args(["policy", "simulate", "--json", "--data-dir"]).arg(data).arg(draft);
    let output = command.stdin(Stdio::null()).output()?;
    ensure!(matches!(output.status.code(), Some(0 | 1)), "the simulation ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the report")
}
