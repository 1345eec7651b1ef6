//! What a coding agent waits for `interven hook` before each tool call: the start of the process, reading the event, the verdict of
//! a gateway on SQLite or of the pack in the process, the answer, and the end of the process. Beside it, a process of the same
//! program that does nothing.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::ensure;
use bench::{Latencies, Serving, program_beside_this_one};
use clap::Parser;
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Starts of each kind, in turns
    #[arg(long, default_value_t = 200)]
    starts: u32,
    /// Starts whose memory is read; reading slows them down
    #[arg(long, default_value_t = 20)]
    memory_starts: u32,
}

struct Kind {
    name: &'static str,
    arguments: &'static [&'static str],
    event: String,
    asks_gateway: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let program = program_beside_this_one("interven")?;
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let gateway = Serving::start(&program, &data).await?;
    let told: Value = serde_json::from_slice(&fs::read(data.join("bootstrap.json"))?)?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let environment = [("INTERVEN_GATEWAY_URL", text("gateway_url")), ("INTERVEN_API_KEY", text("api_key"))];

    let event = |tool: &str, input: Value| {
        json!({ "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input }).to_string()
    };
    let command =
        event("Bash", json!({ "command": "cargo test --workspace", "description": "run the tests" }));
    let file = event(
        "Write",
        json!({ "file_path": "/srv/app/notes.md", "content": "The quick brown fox jumps over the lazy dog. ".repeat(1_456) }),
    );
    let judge: &[&str] = &["hook", "claude-code", "--local"];
    let ask: &[&str] = &["hook", "claude-code"];
    let kinds = [
        Kind {
            name: "nothing (--version)",
            arguments: &["--version"],
            event: String::new(),
            asks_gateway: false,
        },
        Kind { name: "gateway, command line", arguments: ask, event: command.clone(), asks_gateway: true },
        Kind { name: "gateway, 64 KB file", arguments: ask, event: file.clone(), asks_gateway: true },
        Kind { name: "local, command line", arguments: judge, event: command, asks_gateway: false },
        Kind { name: "local, 64 KB file", arguments: judge, event: file, asks_gateway: false },
    ];
    let mut measured = Vec::new();
    for kind in kinds {
        measured.push((kind, Latencies::new()?));
    }
    for _ in 0..asked.starts {
        for (kind, latencies) in &mut measured {
            let begun = Instant::now();
            start(&program, kind, &environment, false)?;
            latencies.record(begun.elapsed());
        }
    }
    for (kind, latencies) in &measured {
        let mut peak = 0;
        for _ in 0..asked.memory_starts {
            peak = peak.max(start(&program, kind, &environment, true)?);
        }
        println!("{:<24} {latencies}  peak memory {:.1} MiB", kind.name, peak as f64 / 1024.0);
    }
    gateway.kill()
}

/// Runs the program once; its peak memory in KiB, as last seen while it ran, where that is asked for and `/proc` says it.
fn start(
    program: &Path,
    kind: &Kind,
    environment: &[(&str, String)],
    sees_memory: bool,
) -> anyhow::Result<u64> {
    let mut command = Command::new(program);
    command.args(kind.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if kind.asks_gateway {
        command.envs(environment.iter().map(|(name, value)| (name, value)));
    } else {
        command.env_remove("INTERVEN_GATEWAY_URL").env_remove("INTERVEN_API_KEY");
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who needs no event may be gone already.
        let _ = stdin.write_all(kind.event.as_bytes());
    }
    let mut peak = 0;
    if sees_memory {
        let status = format!("/proc/{}/status", child.id());
        while child.try_wait()?.is_none() {
            peak = fs::read_to_string(&status).ok().as_deref().and_then(peak_kib).unwrap_or(0).max(peak);
        }
    }
    let ended = child.wait()?;
    ensure!(ended.success(), "{}: the program ended with {ended}", kind.name);
    Ok(peak)
}

fn peak_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
