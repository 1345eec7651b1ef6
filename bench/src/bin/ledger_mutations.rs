//! Edits a ledger at random, directly in its database, and counts what the verifier finds.
//!
//! Each edit is looked for with the log's key and with checkpoints of half and of all of the log, and undone.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use anyhow::Context as _;
use bench::{EDITS, Edit, Forger, Outcome, Random, SealedLedger};
use clap::Parser;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    edits: u64,
    /// Scans in the log; a tenth as many changes of the control plane stand in the other
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(20..=10_000_000))]
    rows: u64,
    /// Copies that are edited at once
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=64))]
    copies: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Of one kind of edit.
#[derive(Default)]
struct Count {
    edits: u64,
    found: u64,
    named: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut random = Random::from_seed(asked.seed);
    let making = SealedLedger::make(&path, asked.rows, &mut random);
    let ledger = tokio::runtime::Runtime::new()?.block_on(making)?;

    let began = Instant::now();
    let events = Forger::at(&path, ledger.clone(), 0)?.verify_untouched()?;
    let rate = events as f64 / began.elapsed().as_secs_f64();
    let sealing = ledger.sealing.as_secs_f64();
    println!("{events} events sealed in {sealing:.2} s and verified at {rate:.0} a second");
    println!("{} edits, seed {}", asked.edits, asked.seed);

    let threads: Vec<_> = (0..asked.copies)
        .map(|copy| {
            let own = home.path().join(format!("copy-{copy}.db"));
            std::fs::copy(&path, &own)?;
            let edits = asked.edits / asked.copies + u64::from(copy < asked.edits % asked.copies);
            let (ledger, seed) = (ledger.clone(), asked.seed.wrapping_add(copy * 1_000_003));
            Ok(std::thread::spawn(move || edit(own, ledger, seed, edits, copy == 0)))
        })
        .collect::<std::io::Result<_>>()?;
    let mut counts: BTreeMap<Edit, Count> = BTreeMap::new();
    for thread in threads {
        let outcomes = thread.join().ok().context("a thread ended in a panic")??;
        for outcome in outcomes {
            let count = counts.entry(outcome.edit).or_default();
            count.edits += 1;
            count.found += u64::from(outcome.is_found);
            count.named += u64::from(outcome.is_named);
            if !outcome.is_found || !outcome.is_named {
                println!("not found, or not by its position: {outcome:?}");
            }
        }
    }
    println!("| edit | edits | found | named by position |\n| --- | --: | --: | --: |");
    let (mut edits, mut found) = (0, 0);
    for (edit, count) in &counts {
        println!("| {edit:?} | {} | {} | {} |", count.edits, count.found, count.named);
        edits += count.edits;
        found += count.found;
    }
    println!("| all | {edits} | {found} | |\n{:.0} s", began.elapsed().as_secs_f64());
    Ok(if edits == found { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn edit(
    path: PathBuf,
    ledger: SealedLedger,
    seed: u64,
    edits: u64,
    tells: bool,
) -> anyhow::Result<Vec<Outcome>> {
    let mut forger = Forger::at(&path, ledger, seed)?;
    let mut random = Random::from_seed(seed);
    let mut outcomes = Vec::new();
    let mut told = Instant::now();
    for number in 1..=edits {
        let kind = *random.pick(&EDITS).context("no kinds of edits")?;
        outcomes.push(forger.try_edit(kind)?);
        if tells && told.elapsed() > Duration::from_secs(30) {
            println!("{number} of {edits}");
            told = Instant::now();
        }
    }
    forger.verify_untouched()?;
    Ok(outcomes)
}
