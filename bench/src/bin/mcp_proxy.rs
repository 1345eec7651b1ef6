//! What the MCP guard adds to a call: the same server asked directly, through a guard with policies of its own, and through
//! a guard with a gateway on SQLite. The server answers at once, so that nothing but the way is measured.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bench::{Latencies, Serving, program_beside_this_one};
use clap::Parser;
use serde_json::{Value, json};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Calls one after the other
    #[arg(long, default_value_t = 2000)]
    calls: u32,
    /// Calls in flight at once, for the throughput
    #[arg(long, default_value_t = 5000)]
    burst: u32,
    /// Bytes of text in the arguments of a call
    #[arg(long, default_value_t = 1000)]
    bytes: usize,
    /// Be the server
    #[arg(long, hide = true)]
    serve: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    if asked.serve {
        return answer_everything();
    }
    let interven = program_beside_this_one("interven")?;
    let itself = std::env::current_exe()?;
    let server = [itself.into_os_string(), "--serve".into()];
    let place = tempfile::tempdir()?;
    let pins = place.path().join("pins.lock");
    let guard = |options: &[&str]| {
        let mut command: Vec<OsString> = vec![interven.clone().into_os_string()];
        command.extend(["mcp-guard", "proxy", "--server", "bench", "--pins"].map(OsString::from));
        command.push(pins.clone().into_os_string());
        command.extend(options.iter().map(OsString::from));
        command.push("--".into());
        command.extend(server.clone());
        command
    };
    let data = place.path().join("data");
    let gateway = Serving::start(&interven, &data).await?;
    let told: Value = serde_json::from_slice(&std::fs::read(data.join("bootstrap.json"))?)?;
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let environment = [("INTERVEN_GATEWAY_URL", text("gateway_url")), ("INTERVEN_API_KEY", text("api_key"))];
    for (name, command) in [
        ("direct", server.to_vec()),
        ("local policies", guard(&["--local"])),
        ("gateway, SQLite", guard(&[])),
    ] {
        measure(name, &command, &environment, &asked)?;
    }
    drop(gateway);
    Ok(())
}

fn measure(
    name: &str,
    command: &[OsString],
    environment: &[(&str, String)],
    asked: &Arguments,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut connected = Connected::start(command, environment)?;
    connected.call(0, asked.bytes)?;
    let first = begun.elapsed();
    let mut latencies = Latencies::new()?;
    for id in 1..=asked.calls {
        let begun = Instant::now();
        connected.call(id, asked.bytes)?;
        latencies.record(begun.elapsed());
    }
    let resident = resident_bytes(connected.child.id()).unwrap_or_default() >> 20;
    let seconds = connected.burst(asked.calls, asked.burst, asked.bytes)?.as_secs_f64();
    println!("{name}: {latencies}");
    println!(
        "  {:.0} calls/s with many in flight; first answer after {:.0} ms, process starts included; {resident} MiB",
        f64::from(asked.burst) / seconds,
        first.as_secs_f64() * 1e3
    );
    Ok(())
}

struct Connected {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Connected {
    fn start(command: &[OsString], environment: &[(&str, String)]) -> anyhow::Result<Self> {
        let (program, arguments) = command.split_first().context("no command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("`{}` could not be started", Path::new(program).display()))?;
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { child, input, output })
    }

    fn call(&mut self, id: u32, bytes: usize) -> anyhow::Result<()> {
        self.input.write_all(&request(id, bytes))?;
        self.answered()
    }

    fn answered(&mut self) -> anyhow::Result<()> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the server has gone");
        ensure!(!line.contains("isError"), "refused: {line}");
        Ok(())
    }

    /// How long `count` calls take that are sent without waiting.
    fn burst(mut self, after: u32, count: u32, bytes: usize) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut input = self.input;
        let sending = std::thread::spawn(move || -> std::io::Result<ChildStdin> {
            for id in after + 1..=after + count {
                input.write_all(&request(id, bytes))?;
            }
            Ok(input)
        });
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            ensure!(self.output.read_line(&mut line)? > 0, "the server has gone");
            ensure!(!line.contains("isError"), "refused: {line}");
        }
        let took = begun.elapsed();
        drop(sending.join().ok());
        self.child.wait()?;
        Ok(took)
    }
}

fn request(id: u32, bytes: usize) -> Vec<u8> {
    let text = "The meeting moved to noon, please bring the notes of last week. ".repeat(bytes / 64 + 1);
    let params =
        json!({"name": "read_note", "arguments": {"title": format!("note {id}"), "text": text.get(..bytes)}});
    let mut line = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string();
    line.push('\n');
    line.into_bytes()
}

/// The server: every request gets the same short result.
fn answer_everything() -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        let result =
            json!({"content": [{"type": "text", "text": "Sunny, 21 degrees, light wind from the west."}]});
        writeln!(output, "{}", json!({"jsonrpc": "2.0", "id": request.get("id"), "result": result}))?;
        output.flush()?;
    }
    Ok(())
}

fn resident_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
}
