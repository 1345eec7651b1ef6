//! The speed of this machine's gateway in one table: beside a bare handler and the disk, measured in one run.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bench::{
    Bodies, DiskPlan, Mix, NullHandler, Pace, Plan, Report, Serving, Subject, Target, load, time_appends,
};
use clap::Parser;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How often handler and gateway take turns; the ratio is that of the medians
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    turns: u32,
    /// Scans per second of the measurement at a fixed rate
    #[arg(long, default_value_t = 2_000.0)]
    rate: f64,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "2048")]
    mix: Mix,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let (program, scratch) = (asked.subject.program()?, asked.subject.scratch()?);
    let cores = std::thread::available_parallelism()?;
    println!(
        "{cores} cores, {} s each, {} connections, bodies {} (bytes:weight)",
        asked.seconds, asked.connections, asked.mix
    );

    let disk = DiskPlan { appends: 2_000, bytes: 4_096, limit: Duration::from_secs(asked.seconds) };
    println!("append and fsync             {}", time_appends(scratch.path(), disk)?);

    let null = NullHandler::start()?;
    let serving = Serving::start(&program, &scratch.path().join("data")).await?;
    println!("gateway healthy after        {} ms", serving.start_time().as_millis());
    print_memory("gateway idle", &serving);

    let bodies = Arc::new(Bodies::of_mix(&asked.mix));
    let plan = |target: &Target, pace| Plan {
        target: target.clone(),
        pace,
        duration: Duration::from_secs(asked.seconds),
        warm_up: Duration::from_secs(2),
        connections: asked.connections,
        bodies: bodies.clone(),
    };
    let mut errors = 0;
    let (mut bare, mut durable) = (Vec::new(), Vec::new());
    for _ in 0..asked.turns {
        for (name, target, rates) in [
            ("bare handler, closed loop", null.target(), &mut bare),
            ("gateway, closed loop", serving.target(), &mut durable),
        ] {
            let report = load(&plan(target, Pace::AsAnswered)).await?;
            print_row(name, &report);
            errors += report.error_count();
            rates.push(report.rate());
        }
    }
    let ratio = median(&mut durable) / median(&mut bare).max(f64::EPSILON);
    println!("gateway : bare handler       {:.0} %", ratio * 100.0);
    for (name, target) in
        [("bare handler, fixed rate", null.target()), ("gateway, fixed rate", serving.target())]
    {
        let report = load(&plan(target, Pace::Arrivals(asked.rate))).await?;
        print_row(name, &report);
        errors += report.error_count();
    }
    print_memory("gateway after load", &serving);
    serving.kill()?;
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print_row(name: &str, report: &Report) {
    println!("{name:<28} {:>7.0}/s  {}  errors {}", report.rate(), report.latencies, report.error_count());
    for (kind, count) in &report.errors {
        println!("{:<28} {count} × {kind}", "");
    }
}

fn print_memory(name: &str, serving: &Serving) {
    if let Some(bytes) = serving.resident_bytes() {
        println!("{:<28} {} MiB resident", name, bytes >> 20);
    }
}

/// The middle of an odd number of rates, the higher middle of an even one; 0 of none.
fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(0.0)
}
