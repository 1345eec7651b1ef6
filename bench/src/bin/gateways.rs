//! One, two and four gateways on one PostgreSQL beside the embedded database: scans per second and latency, as fast as
//! answers come and at a fixed rate; and how soon each gateway refuses a key that was revoked at telemetry.
//!
//! Gateways, PostgreSQL and this program share the machine, so more gateways do not mean more processors: what shows is what
//! sharing costs.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bench::{
    Backend, Bodies, Connection, Database, Fleet, Latencies, Mix, Pace, Plan, Report, Serving, Subject,
    Target, load,
};
use clap::Parser;
use hyper::StatusCode;
use tokio::task::JoinSet;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Numbers of gateways
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    gateways: Vec<usize>,
    /// Tenants among whom the load is shared: scans of one tenant are recorded one batch after another
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    tenants: u16,
    /// Connections, of all gateways together
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Scans per second of the measurement at a fixed rate, of all gateways together
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    /// Keys that are revoked, with notifications and again without
    #[arg(long, default_value_t = 50)]
    revocations: u32,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "2048")]
    mix: Mix,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let (program, scratch) = (asked.subject.program()?, asked.subject.scratch()?);
    println!(
        "{} cores, {} s each, {} connections, {} tenants, bodies {} (bytes:weight)",
        std::thread::available_parallelism()?,
        asked.seconds,
        asked.connections,
        asked.tenants,
        asked.mix
    );
    let mut errors = 0;
    let embedded = Serving::start(&program, &scratch.path().join("data")).await?;
    errors += measure("sqlite, gateways: 1", std::slice::from_ref(embedded.target()), &asked).await?;
    embedded.kill()?;
    for number in &asked.gateways {
        let fleet = start(&program, scratch.path(), *number, true)?;
        let mut targets = Vec::new();
        for tenant in 0..asked.tenants {
            let tenant = format!("tenant-{tenant}");
            fleet.1.make_tenant(&tenant).await?;
            targets.extend(fleet.1.targets(&fleet.1.make_key(&tenant).await?)?);
        }
        known_everywhere(&targets).await?;
        errors += measure(&format!("postgres, gateways: {number}"), &targets, &asked).await?;
    }
    for (name, listens) in [("notified", true), ("polling alone", false)] {
        let fleet = start(&program, scratch.path(), 2, listens)?;
        let noticed = time_revocations(&fleet.1, asked.revocations).await?;
        println!("{:<28} {noticed}", format!("revoked key, {name}"));
    }
    Ok(if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On a server of their own, which must outlive them.
fn start(
    program: &Path,
    directory: &Path,
    gateways: usize,
    listens: bool,
) -> anyhow::Result<(Database, Fleet)> {
    let database = Database::new(Backend::Postgres, directory);
    let fleet = Fleet::start(program, directory, &database, gateways, listens)?;
    Ok((database, fleet))
}

/// Loads all targets at once, each with its share, and prints a line for each pace. Answers with how many scans failed.
async fn measure(name: &str, targets: &[Target], asked: &Arguments) -> anyhow::Result<u64> {
    let bodies = Arc::new(Bodies::of_mix(&asked.mix));
    let mut errors = 0;
    for (pace, share) in
        [("closed loop", Pace::AsAnswered), ("fixed rate", Pace::Arrivals(share_of(asked.rate, targets)))]
    {
        let mut loads = JoinSet::new();
        for target in targets {
            let plan = Plan {
                target: target.clone(),
                pace: share,
                duration: Duration::from_secs(asked.seconds),
                warm_up: Duration::from_secs(2),
                connections: (asked.connections / targets.len()).max(1),
                bodies: bodies.clone(),
            };
            loads.spawn(async move { load(&plan).await });
        }
        let reports = loads.join_all().await.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
        let report = Report::together(&reports)?;
        let title = format!("{name}, {pace}");
        println!(
            "{title:<34} {:>7.0}/s  {}  errors {}",
            report.rate(),
            report.latencies,
            report.error_count()
        );
        for (kind, count) in &report.errors {
            println!("{:<34} {count} × {kind}", "");
        }
        errors += report.error_count();
    }
    Ok(errors)
}

#[expect(clippy::cast_precision_loss, reason = "a few targets")]
fn share_of(rate: f64, targets: &[Target]) -> f64 {
    rate / targets.len() as f64
}

/// How long a key may take to be known everywhere, and no longer known.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits until every target lets its key in.
async fn known_everywhere(targets: &[Target]) -> anyhow::Result<()> {
    for target in targets {
        let mut connection = Connection::open(target).await?;
        answers(&mut connection, |status| status == StatusCode::OK).await?;
    }
    Ok(())
}

/// Asks one scan after another until an answer has such a status; says when it came.
async fn answers(connection: &mut Connection, is_it: impl Fn(StatusCode) -> bool) -> anyhow::Result<Instant> {
    let body = Bodies::of_mix(&"400".parse()?).at(0);
    let begun = Instant::now();
    while begun.elapsed() < LONGEST {
        if is_it(connection.scan(body.clone()).await?.0) {
            return Ok(Instant::now());
        }
    }
    anyhow::bail!("a gateway did not notice within {} s", LONGEST.as_secs())
}

/// From telemetry's answer to each gateway's first refusal, while both are asked one scan after another.
async fn time_revocations(fleet: &Fleet, revocations: u32) -> anyhow::Result<Latencies> {
    const TENANT: &str = "acme";
    fleet.make_tenant(TENANT).await?;
    let mut noticed = Latencies::new()?;
    for _ in 0..revocations {
        let key = fleet.make_key(TENANT).await?;
        let targets = fleet.targets(&key)?;
        known_everywhere(&targets).await?;
        let mut callers = JoinSet::new();
        for target in targets {
            let mut connection = Connection::open(&target).await?;
            callers.spawn(async move {
                answers(&mut connection, |status| status == StatusCode::UNAUTHORIZED).await
            });
        }
        fleet.revoke(TENANT, &key).await?;
        let revoked = Instant::now();
        while let Some(refused) = callers.join_next().await {
            // Zero when a gateway was faster than telemetry's answer.
            noticed.record(refused.context("a caller ended")??.saturating_duration_since(revoked));
        }
    }
    ensure!(noticed.count() > 0, "no key was revoked");
    Ok(noticed)
}
