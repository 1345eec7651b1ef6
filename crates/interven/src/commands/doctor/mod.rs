//! `interven doctor`: whether a block blocks on this machine.

mod edges;

use super::hook::{DEFAULT_PACK, name_judge};
use crate::{cli::DoctorArgs, connect, exit::Exit, terminal::print};
use anyhow::Result;
use interven_guard::{Guard, Judge, Mode, Ruling};
use interven_types::{Decision, FailMode, ScanRequest};
use serde_json::json;

/// What is known of one part, and what is to be done about it.
struct Finding {
    health: Health,
    part: String,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Ok,
    Warning,
    Failure,
}

impl Finding {
    fn new(health: Health, part: impl Into<String>, text: impl Into<String>) -> Self {
        Self { health, part: part.into(), text: text.into() }
    }

    fn ok(part: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Health::Ok, part, text)
    }

    fn warning(part: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Health::Warning, part, text)
    }

    fn failure(part: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Health::Failure, part, text)
    }
}

pub(super) async fn run(mut args: DoctorArgs) -> Result<Exit> {
    let mut findings = judging(&mut args).await;
    findings.extend(edges::hooks(&args.project)?);
    findings.extend(edges::mcp_servers());
    for finding in &findings {
        let word = match finding.health {
            Health::Ok => "ok     ",
            Health::Warning => "warning",
            Health::Failure => "FAILURE",
        };
        print(&format!("{word}  {}: {}\n", finding.part, finding.text))?;
    }
    let has_failed = findings.iter().any(|finding| finding.health == Health::Failure);
    Ok(if has_failed { Exit::Findings } else { Exit::Ok })
}

async fn judging(args: &mut DoctorArgs) -> Vec<Finding> {
    // As the hooks do.
    let named = name_judge(&mut args.judge);
    if args.judge.local && args.judge.packs.is_empty() {
        args.judge.packs.push(DEFAULT_PACK.into());
    }
    let guard = match named.and_then(|()| connect::guard(&args.judge, "doctor", Mode::Enforce)) {
        Ok(guard) => guard,
        Err(error) => return vec![Finding::failure("settings", format!("{error:#}"))],
    };
    let mut findings = vec![settings(&guard)];
    if let Judge::Gateway(client) = &guard.judge {
        let address = &client.settings().gateway_url;
        findings.push(match client.is_healthy().await {
            true => Finding::ok("gateway", format!("`{address}` can decide and record")),
            false => Finding::failure(
                "gateway",
                format!("`{address}` is not there or cannot record; see `curl {address}/health`"),
            ),
        });
    }
    findings.push(verdict(&guard.ask(&leak()).await));
    findings
}

fn settings(guard: &Guard) -> Finding {
    match (&guard.judge, guard.fail_mode()) {
        (Judge::Gateway(_), FailMode::Closed) => {
            Finding::ok("settings", "a call that the gateway does not judge is blocked")
        }
        (Judge::Gateway(_), FailMode::Open) => Finding::warning(
            "settings",
            "calls go through while the gateway is out of order, because INTERVEN_FAIL_OPEN or --fail-open says so",
        ),
        _ => Finding::warning(
            "settings",
            "this machine judges by itself, and nothing is recorded; set INTERVEN_API_KEY and INTERVEN_GATEWAY_URL to use a gateway",
        ),
    }
}

/// A message with a key that looks real and is nobody's.
fn leak() -> ScanRequest {
    let body = json!({"channel": "#doctor", "text": leaked_key()});
    ScanRequest::new("POST", "https://slack.com/api/chat.postMessage", body)
}

/// In pieces, so that no search for secrets stops at this program. The key of Amazon's own documents will not do: it is known to be an example.
fn leaked_key() -> String {
    ["AKIA", "Q3EGZKXW2TNLYB7H"].concat()
}

fn verdict(ruling: &Ruling) -> Finding {
    let part = "a leaked key";
    let why = ruling.answer().map(|answer| answer.reason_codes.join(", ")).unwrap_or_default();
    match ruling {
        Ruling::Stop { .. } => Finding::ok(part, format!("blocked: {why}")),
        Ruling::GoWith { .. } => Finding::ok(part, format!("taken out: {why}")),
        Ruling::Hold { .. } => Finding::ok(part, format!("held for a person: {why}")),
        Ruling::Go { answer } if answer.would_be.is_some_and(|decision| decision != Decision::Allow) => {
            Finding::warning(part, "only watched: the key, its environment or the tenant is in monitor mode")
        }
        Ruling::Go { .. } => Finding::failure(
            part,
            format!(
                "let through ({why}): no policy forbids it; see `interven policy list`, and put one in force with `interven policy apply`"
            ),
        ),
        Ruling::LetThrough { fault } => {
            Finding::failure(part, format!("let through, as nobody judged it ({}): {fault}", fault.code))
        }
        Ruling::Fault { fault } => {
            Finding::failure(part, format!("blocked, but only as nobody judged it ({}): {fault}", fault.code))
        }
    }
}
