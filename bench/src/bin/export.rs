//! What an export takes: bytes per second of each format over many rows, and the most memory that the server has held.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bench::{Bodies, Mix, Pace, Plan, Serving, Subject, load};
use clap::Parser;
use rusqlite::Connection;

const FORMATS: [&str; 7] = ["json", "ndjson", "csv", "splunk", "datadog", "ocsf", "cef"];

#[derive(Parser)]
#[command(about)]
struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Rows to export: scans of a second, and copies of their rows
    #[arg(long, default_value_t = 1_000_000)]
    rows: u32,
    /// Sizes of requests in bytes and their weights
    #[arg(long, default_value = "500,1000,2048")]
    mix: Mix,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let asked = Arguments::parse();
    let (program, scratch) = (asked.subject.program()?, asked.subject.scratch()?);
    let data = scratch.path().join("data");
    let serving = Serving::start(&program, &data).await?;
    let scans = Plan {
        target: serving.target().clone(),
        pace: Pace::AsAnswered,
        duration: Duration::from_secs(1),
        warm_up: Duration::ZERO,
        connections: 32,
        bodies: Arc::new(Bodies::of_mix(&asked.mix)),
    };
    load(&scans).await?;
    serving.kill()?;
    multiply(&data.join("interven.db"), asked.rows)?;

    let serving = Serving::start(&program, &data).await?;
    let before = serving.resident_bytes().unwrap_or_default();
    println!(
        "{} cores, {} rows, bodies {} (bytes:weight), server before {} MiB",
        std::thread::available_parallelism()?,
        asked.rows,
        asked.mix,
        before >> 20
    );
    for format in FORMATS {
        let Taken { bytes, time, peak } = export(&program, &data, format, &serving)?;
        let per_second = bytes as f64 / 1e6 / time.as_secs_f64();
        let rows_per_second = f64::from(asked.rows) / time.as_secs_f64();
        println!(
            "{format:<8} {per_second:>6.0} MB/s  {rows_per_second:>8.0} rows/s  {:>6} MB  server at most {} MiB",
            bytes / 1_000_000,
            peak >> 20
        );
    }
    serving.kill()?;
    Ok(ExitCode::SUCCESS)
}

/// Copies rows behind the last until there are so many. Nothing but the log is copied: an export reads nothing else.
fn multiply(database: &Path, rows: u32) -> anyhow::Result<()> {
    let db = Connection::open(database)?;
    db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;")?;
    let mut columns = db.prepare("SELECT name FROM pragma_table_info('activity_log')")?;
    let columns: Vec<String> = columns.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let copied = columns.iter().map(|column| match column.as_str() {
        "ledger_seq" => "?1 + row_number() OVER (ORDER BY ledger_seq)",
        "trace_id" => {
            "printf('%s-%s-4%s-8%s-%s', lower(hex(randomblob(4))), lower(hex(randomblob(2))),
                substr(lower(hex(randomblob(2))), 2), substr(lower(hex(randomblob(2))), 2), lower(hex(randomblob(6))))"
        }
        other => other,
    });
    let sql = format!(
        "INSERT INTO activity_log ({}) SELECT {} FROM activity_log ORDER BY ledger_seq LIMIT ?2",
        columns.join(", "),
        copied.collect::<Vec<_>>().join(", ")
    );
    loop {
        let there: u32 = db.query_row("SELECT max(ledger_seq) FROM activity_log", [], |row| row.get(0))?;
        if there >= rows {
            break;
        }
        db.execute(&sql, [there, (rows - there).min(there)])?;
    }
    db.execute("UPDATE tenant_counters SET ledger_seq = (SELECT max(ledger_seq) FROM activity_log)", [])?;
    Ok(())
}

struct Taken {
    bytes: u64,
    time: Duration,
    /// The most bytes that the server was seen to hold.
    peak: u64,
}

fn export(program: &Path, data: &Path, format: &str, serving: &Serving) -> anyhow::Result<Taken> {
    let begun = Instant::now();
    let mut command = Command::new(program);
    command.args(["activity", "export", "--format", format, "--data-dir"]).arg(data);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut output = child.stdout.take().context("its output")?;
    let (mut bytes, mut peak, mut buffer) = (0, 0, vec![0; 1 << 20]);
    loop {
        let read = output.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        bytes += read as u64;
        peak = peak.max(serving.resident_bytes().unwrap_or_default());
    }
    let status = child.wait()?;
    ensure!(status.success(), "the export ended with {status}");
    Ok(Taken { bytes, time: begun.elapsed(), peak })
}
