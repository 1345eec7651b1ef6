//! `interven hook`: between a coding agent and its tools.

mod install;
mod judge;

pub(super) use judge::{DEFAULT_PACK, name_judge};

use crate::{
    cli::{HookArgs, HookCommand},
    exit::{Exit, UsageError, tell},
};
use anyhow::Result;
use interven_guard::hook::{Answer, Client};
use std::{
    env,
    io::{self, Write as _},
    process,
    time::Duration,
};

pub(crate) fn run(command: HookCommand) -> Result<Exit> {
    match command {
        HookCommand::ClaudeCode(args) => Ok(speak(Client::ClaudeCode, args)),
        HookCommand::Copilot(args) => Ok(speak(Client::Copilot, args)),
        HookCommand::Cursor(args) => Ok(speak(Client::Cursor, args)),
        HookCommand::Install(args) => install::install(args),
        HookCommand::Uninstall(args) => install::uninstall(&args),
    }
}

/// Every way out of here is an answer or exit code 2: with any other code clients go on with the call.
fn speak(client: Client, args: HookArgs) -> Exit {
    std::panic::set_hook(Box::new(|_| {
        tell("interven: the hook is broken, so that this call is blocked");
        process::exit(2);
    }));
    let answer = judge::judge(client, args);
    let is_heard = match &answer {
        Answer { stdout: Some(stdout), .. } => print_line(&stdout.to_string()),
        Answer { stdout: None, .. } => Ok(()),
    };
    if let Some(line) = &answer.stderr {
        tell(line);
    }
    match is_heard {
        Err(error) if answer.must_be_heard => {
            tell(&format!("interven: this call is blocked, as the answer cannot be written: {error}"));
            Exit::Blocked
        }
        _ if answer.code == 0 => Exit::Ok,
        _ => Exit::Blocked,
    }
}

fn print_line(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Below the 15 s after which clients are told to give up.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(12);
const TIMEOUT_VARIABLE: &str = "INTERVEN_TIMEOUT_MS";

/// How long judging may take, a person's time not counted.
fn timeout(args: &HookArgs) -> Result<Duration> {
    if let Some(milliseconds) = args.timeout_ms {
        return Ok(Duration::from_millis(milliseconds));
    }
    match env::var(TIMEOUT_VARIABLE).unwrap_or_default().trim() {
        "" => Ok(DEFAULT_TIMEOUT),
        text => match text.parse() {
            Ok(milliseconds @ 1..=600_000) => Ok(Duration::from_millis(milliseconds)),
            _ => {
                Err(UsageError(format!("{TIMEOUT_VARIABLE} must be 1 to 600000 milliseconds, not `{text}`"))
                    .into())
            }
        },
    }
}
