//! Kills `interven serve`, or the PostgreSQL server under it, under load, again and again, and counts acknowledged
//! decisions that the log no longer holds.
//!
//! A `kill -9` loses what the process had not handed to the system; it cannot show what a power failure loses.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use bench::{Backend, Bodies, Connection, Database, Mix, Random, Receipt, Serving, Subject, Target, compare};
use clap::{Parser, ValueEnum};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// For the first answer after a start.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rounds: u32,
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    /// The earliest kill, in milliseconds of load
    #[arg(long, default_value_t = 50)]
    earliest: u64,
    /// The latest kill
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    latest: u64,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "512:8,4096:2")]
    mix: Mix,
    /// sqlite or postgres; the latter on a server of its own
    #[arg(long, default_value = "sqlite")]
    store: Backend,
    /// Who is killed
    #[arg(long, value_enum, default_value = "gateway")]
    victim: Victim,
    /// A directory that is kept, instead of one that is removed at the end
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Repeats the moments of an earlier run
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Victim {
    /// `interven serve`, with gateway and telemetry
    Gateway,
    /// The PostgreSQL server, at once and without its shutdown
    Database,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    ensure!(asked.earliest <= asked.latest, "the earliest kill is later than the latest");
    let (program, scratch) = (asked.subject.program()?, asked.subject.scratch()?);
    let data_dir = asked.data_dir.unwrap_or_else(|| scratch.path().join("data"));
    let database = Database::new(asked.store, &data_dir);
    let bodies = Arc::new(Bodies::of_mix(&asked.mix));
    let seed = asked.seed.map_or_else(seed_of_now, Ok)?;
    println!("seed {seed}");

    let mut random = Random::from_seed(seed);
    let mut receipts = Vec::new();
    let mut last: Option<Receipt> = None;
    let mut serving = Serving::start_on(&program, &data_dir, &database).await?;
    for round in 1..=asked.rounds {
        let moment = asked.earliest + random.below(asked.latest - asked.earliest + 1);
        let answered = Arc::new(Notify::new());
        let callers = call_until_refused(serving.target(), asked.connections, &bodies, &answered);
        // Counted from the first answer: a kill before it would test nothing.
        let first = timeout(PATIENCE, answered.notified()).await;
        first.with_context(|| format!("round {round}: nothing was acknowledged"))?;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        let (told, back) = match asked.victim {
            Victim::Gateway => {
                serving.kill().with_context(|| format!("round {round}"))?;
                let told = callers.join_all().await;
                serving = Serving::start_on(&program, &data_dir, &database)
                    .await
                    .with_context(|| format!("round {round}"))?;
                (told, serving.start_time())
            }
            Victim::Database => {
                let Database::Postgres(cluster, _) = &database else {
                    bail!(
                        "the embedded database dies with its gateway: `--victim database` needs `--store postgres`"
                    )
                };
                cluster.kill();
                let told = callers.join_all().await;
                cluster.restart();
                (told, serving.healthy_again().await.with_context(|| format!("round {round}"))?)
            }
        };
        let told: Vec<Receipt> = told.into_iter().flatten().collect();

        // From the last entry of the round before, so that a gap between two rounds shows.
        let entries = database.read_entries(last.as_ref().map_or(0, |last| last.ledger_seq))?;
        let expected: Vec<Receipt> = told.iter().cloned().chain(last).collect();
        last = entries.last().map(|entry| entry.receipt.clone());
        let losses = compare(&expected, &entries);
        println!(
            "round {round}: killed after {moment} ms, {} acknowledged, healthy again in {} ms; {losses}",
            told.len(),
            back.as_millis(),
        );
        receipts.extend(told);
    }
    // Once more and whole: a later start may have lost what an earlier one still had.
    let losses = compare(&receipts, &database.read_entries(0)?);
    println!("{} kills, {} acknowledged: {losses}", asked.rounds, receipts.len());
    Ok(if losses.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each caller keeps every receipt it was given, until one call is not answered with a decision.
fn call_until_refused(
    target: &Target,
    callers: u32,
    bodies: &Arc<Bodies>,
    answered: &Arc<Notify>,
) -> JoinSet<Vec<Receipt>> {
    let mut tasks = JoinSet::new();
    for caller in 0..u64::from(callers) {
        let (target, bodies, answered) = (target.clone(), bodies.clone(), answered.clone());
        tasks.spawn(async move {
            let mut receipts = Vec::new();
            let Ok(mut connection) = Connection::open(&target).await else { return receipts };
            // Callers start at different places of the pool.
            let mut turn = caller * 31;
            while let Ok((status, body)) = connection.scan(bodies.at(turn)).await
                && status.is_success()
            {
                turn += 1;
                receipts.extend(Receipt::read(&body));
                answered.notify_one();
            }
            receipts
        });
    }
    tasks
}

fn seed_of_now() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() & u128::from(u64::MAX))?)
}
