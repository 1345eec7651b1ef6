//! What classifying and redacting cost: sizes × kinds of bodies, clean, ordinary and hostile, as one Markdown table.
//!
//! A row is timed by turns with the clean body of its size, so that both see the same machine; what redacting adds is
//! without reading again what classifying read, as in a decision. p99 is that of the faster half of the turns. The last
//! line names what breaks the rules of [`Row::broken_rules`]; `--check` then fails.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

mod bodies;
mod search;
mod timing;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use interven_classify::Classifier;

use bodies::{Kind, kinds};
use timing::{Row, Stopwatch};

/// The gateway's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Only the kinds whose name contains this
    #[arg(default_value = "")]
    kind: String,
    /// Sizes of bodies in bytes
    #[arg(long, value_delimiter = ',', default_values_t = [512, 2 << 10, 10 << 10, 100 << 10, 1 << 20])]
    sizes: Vec<usize>,
    /// Milliseconds spent on each row
    #[arg(long, default_value_t = 200)]
    milliseconds: u64,
    /// Fail when a row breaks the rules
    #[arg(long)]
    check: bool,
    /// Instead of the table, try this many random mixes of the detectors' examples, and show the slowest
    #[arg(long, value_name = "MIXES")]
    search: Option<usize>,
    /// Seed of the search
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let began = Instant::now();
    let classifier = Classifier::builtin();
    let built = began.elapsed();
    classifier.warm_up()?;
    println!(
        "{} detectors, built in {} ms, patterns compiled in {} ms\n",
        classifier.detector_count(),
        built.as_millis(),
        (began.elapsed() - built).as_millis()
    );
    let stopwatch = Stopwatch::new(&classifier, Duration::from_millis(asked.milliseconds));
    if let Some(mixes) = asked.search {
        search::show_slowest(&stopwatch, mixes, asked.seed)?;
        return Ok(ExitCode::SUCCESS);
    }

    println!("{}", Row::HEAD);
    let mut broken = Vec::new();
    let selected: Vec<Kind> = kinds().into_iter().filter(|kind| kind.name.contains(&asked.kind)).collect();
    for size in asked.sizes {
        let clean = bodies::clean(size);
        for kind in &selected {
            let row = stopwatch.time(kind, size, &clean)?;
            println!("{row}");
            broken.extend(row.broken_rules());
        }
    }
    if broken.is_empty() {
        println!("\nEvery row keeps the rules.");
    } else {
        println!("\nRules broken: {}.", broken.join("; "));
    }
    Ok(if asked.check && !broken.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
