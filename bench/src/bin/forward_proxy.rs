//! What `interven proxy` adds to a call, and how many it carries: an upstream called directly, through a proxy that judges in its own
//! process, and through one that asks a gateway. All are processes of their own on this machine.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use anyhow::{Context as _, ensure};
use bench::{Connection, Latencies, NullHandler, Serving, Target, program_beside_this_one};
use bytes::Bytes;
use clap::Parser;
use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Seconds that each is measured, one call after the other and with 32 connections
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    #[arg(long, default_value_t = 32)]
    connections: usize,
}

/// What an agent sends: one kilobyte of JSON with nothing to find in it.
fn body() -> Bytes {
    let text = "the quick brown fox jumps over the lazy dog. ".repeat(22);
    format!(r#"{{"method":"POST","url":"https://a.example/","text":"{text}"}}"#).into()
}

/// Killed when dropped.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Proxy {
    fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<(Self, String)> {
        let mut command = Command::new(program);
        command.args(["proxy", "--listen", "127.0.0.1:0"]).args(arguments).env("RUST_LOG", "error");
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no output")?;
        let proxy = Self(child);
        let mut banner = String::new();
        BufReader::new(stdout).read_line(&mut banner)?;
        let address = banner.split_whitespace().find(|word| word.starts_with("http://"));
        Ok((proxy, address.context("the proxy did not start")?.trim_end_matches('/').to_owned()))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let program = program_beside_this_one("interven")?;
    let upstream = NullHandler::start()?;
    let home = TempDir::new()?;
    let gateway = Serving::start(&program, home.path()).await?;
    let data_dir = home.path().to_str().context("a path that is no text")?;
    let (_local, local) = Proxy::start(&program, &["--local"])?;
    let (_asking, asking) = Proxy::start(&program, &["--data-dir", data_dir])?;
    let through = format!("/proxy/{}/v1/scan", upstream.target().base());
    println!("{:<50} {:>8} {:>8} {:>10}", "", "p50 ms", "p99 ms", "calls/s");
    for (name, target, path) in [
        ("direct", upstream.target().clone(), "/v1/scan"),
        ("proxy, judging in its process", Target::new(&local, None)?, through.as_str()),
        ("proxy, asking a gateway", Target::new(&asking, None)?, through.as_str()),
    ] {
        for connections in [1, asked.connections] {
            let (latencies, rate) =
                measure(&target, path, connections, Duration::from_secs(asked.seconds)).await?;
            let name = format!("{name}, {connections} connection(s)");
            let (p50, p99) = (latencies.milliseconds_at(0.5), latencies.milliseconds_at(0.99));
            println!("{name:<50} {p50:>8.3} {p99:>8.3} {rate:>10.0}");
        }
    }
    drop(gateway);
    Ok(())
}

/// Each connection waits for its answer before it calls again.
async fn measure(
    target: &Target,
    path: &str,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<(Latencies, f64)> {
    let warm_up = Duration::from_millis(500);
    let begun = Instant::now();
    let mut callers = Vec::new();
    for _ in 0..connections {
        let (target, path, body) = (target.clone(), path.to_owned(), body());
        callers.push(tokio::spawn(async move {
            let mut connection = Connection::open(&target).await?;
            let mut latencies = Latencies::new()?;
            while begun.elapsed() < warm_up + duration {
                let start = Instant::now();
                let (status, answer) = connection.post(&path, body.clone()).await?;
                ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&answer));
                if begun.elapsed() > warm_up {
                    latencies.record(start.elapsed());
                }
            }
            anyhow::Ok(latencies)
        }));
    }
    let mut all = Latencies::new()?;
    for caller in callers {
        all.add(&caller.await??)?;
    }
    let rate = all.count() as f64 / duration.as_secs_f64();
    Ok((all, rate))
}
