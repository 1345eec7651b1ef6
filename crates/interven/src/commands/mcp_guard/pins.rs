//! `interven mcp-guard pins`: a person looks and decides.

use crate::{
    cli::{DecideArgs, PinsCommand, PinsFileArgs},
    exit::{Exit, UsageError},
    terminal::print,
};
use anyhow::Result;
use interven_guard::mcp::{LockFile, Offer, Pins, ServerPins, Trust, differences, install::Places, reveal};
use interven_types::Timestamp;
use serde_json::Value;
use std::{
    env,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

const FILE: &str = "mcp-pins.lock";

/// The file that was named; else that of the project, where it has an `.interven`; else that of the user.
pub(super) fn lock_file(args: &PinsFileArgs) -> Result<LockFile> {
    let project = Path::new(".interven");
    let path = match &args.pins {
        Some(path) => path.clone(),
        None if project.is_dir() => project.join(FILE),
        None => {
            let places = Places::of_user(|name| env::var(name).ok());
            let places = places.ok_or_else(|| {
                UsageError("no home directory is known; name the file of pins with --pins".to_owned())
            })?;
            places.config.join("interven").join(FILE)
        }
    };
    let absolute = std::path::absolute(&path).unwrap_or_else(|_| PathBuf::from(&path));
    Ok(LockFile::new(absolute))
}

pub(super) fn run(command: PinsCommand) -> Result<Exit> {
    match command {
        PinsCommand::List { file, server, json } => list(&file, server.as_deref(), json),
        PinsCommand::Show { file, server, tool } => show(&file, &server, &tool),
        PinsCommand::Diff { file, server, tool } => diff(&file, server.as_deref(), tool.as_deref()),
        PinsCommand::Approve(args) => decide(&args, "approved", Pins::approve),
        PinsCommand::Reject(args) => decide(&args, "rejected", Pins::reject),
    }
}

fn list(file: &PinsFileArgs, server: Option<&str>, json: bool) -> Result<Exit> {
    let file = lock_file(file)?;
    let pins = file.read()?;
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&pins)?))?;
    }
    let mut waiting = 0;
    let mut text = String::new();
    for (name, known) in pins.servers.iter().filter(|(name, _)| server.is_none_or(|server| server == *name)) {
        let _ = writeln!(text, "{name}");
        for (tool, pin) in &known.tools {
            let state = match (known.waiting.get(tool), pin.removed) {
                (Some(offer), _) if offer.rejected => "changed, rejected",
                (Some(_), _) => "changed, waits",
                (None, true) => "no longer offered",
                (None, false) if pin.trusted == Trust::Approved => "approved",
                (None, false) => "pinned on first use",
            };
            let _ = writeln!(text, "  {:<36} {state}", reveal(tool));
        }
        for (tool, offer) in known.waiting.iter().filter(|(tool, _)| !known.tools.contains_key(*tool)) {
            let _ = writeln!(
                text,
                "  {:<36} {}",
                reveal(tool),
                if offer.rejected { "rejected" } else { "new, waits" }
            );
        }
        waiting += known.waiting.values().filter(|offer| !offer.rejected).count();
    }
    if text.is_empty() {
        text = format!("nothing is pinned in `{}`\n", file.path().display());
    }
    if waiting > 0 {
        let _ = writeln!(text, "{waiting} wait for you: interven mcp-guard pins diff");
    }
    if !json {
        print(&text)?;
    }
    Ok(if waiting > 0 { Exit::Findings } else { Exit::Ok })
}

fn server_of<'a>(pins: &'a Pins, file: &LockFile, server: &str) -> Result<&'a ServerPins> {
    Ok(pins.servers.get(server).ok_or_else(|| {
        let names: Vec<&str> = pins.servers.keys().map(String::as_str).collect();
        UsageError(format!(
            "`{}` has no server `{server}`; it has: {}",
            file.path().display(),
            names.join(", ")
        ))
    })?)
}

fn show(file: &PinsFileArgs, server: &str, tool: &str) -> Result<Exit> {
    let file = lock_file(file)?;
    let pins = file.read()?;
    let known = server_of(&pins, &file, server)?;
    let pin = known.tools.get(tool).map(|pin| (&pin.fingerprint, pin.since, &pin.descriptor));
    let offer = known.waiting.get(tool).map(|offer| (&offer.fingerprint, offer.since, &offer.descriptor));
    let (fingerprint, since, descriptor) =
        pin.or(offer).ok_or_else(|| UsageError(format!("the server `{server}` has no tool `{tool}`")))?;
    let what = if pin.is_some() { "pinned" } else { "waits" };
    print(&format!("{what} since {since}\n{fingerprint}\n{}", shown(descriptor, "")))?;
    Ok(Exit::Ok)
}

fn diff(file: &PinsFileArgs, server: Option<&str>, tool: Option<&str>) -> Result<Exit> {
    let file = lock_file(file)?;
    let pins = file.read()?;
    if let Some(server) = server {
        server_of(&pins, &file, server)?;
    }
    let mut text = String::new();
    let wanted = pins.servers.iter().filter(|(name, _)| server.is_none_or(|server| server == *name));
    for (name, known) in wanted {
        for (tool, offer) in known.waiting.iter().filter(|(name, _)| tool.is_none_or(|tool| tool == *name)) {
            text.push_str(&difference(name, tool, known, offer));
        }
    }
    if text.is_empty() {
        print("nothing waits\n")?;
        return Ok(Exit::Ok);
    }
    print(&text)?;
    Ok(Exit::Findings)
}

fn difference(server: &str, tool: &str, known: &ServerPins, offer: &Offer) -> String {
    let state = if offer.rejected { "rejected" } else { "waits" };
    let mut text = format!("{server} {}: {state} since {}\n", reveal(tool), offer.since);
    for reason in &offer.reasons {
        let _ = writeln!(text, "  ! {}", reveal(reason));
    }
    match known.tools.get(tool) {
        None => text.push_str(&shown(&offer.descriptor, "  + ")),
        Some(pin) => {
            for change in differences(&pin.descriptor, &offer.descriptor) {
                let _ = writeln!(text, "  {}", reveal(&change.place));
                for (sign, value) in [("    - ", &change.was), ("    + ", &change.now)] {
                    if let Some(value) = value {
                        text.push_str(&shown(value, sign));
                    }
                }
            }
        }
    }
    text
}

/// A value for a person's eyes: texts as they read, nothing hidden.
fn shown(value: &Value, before: &str) -> String {
    let text = match value {
        Value::String(text) => reveal(text),
        other => readable(other),
    };
    text.lines().map(|line| format!("{before}{line}\n")).collect()
}

/// JSON in lines, with every character that hides made visible.
fn readable(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    reveal(&text)
}

fn decide(
    args: &DecideArgs,
    done: &str,
    change: fn(&mut Pins, &str, Option<&str>, Timestamp) -> Vec<String>,
) -> Result<Exit> {
    let file = lock_file(&args.file)?;
    let now = Timestamp::from(SystemTime::now());
    let names = file.update(|pins| change(pins, &args.server, args.tool.as_deref(), now))?;
    if names.is_empty() {
        server_of(&file.read()?, &file, &args.server)?;
        let what = args.tool.as_deref().unwrap_or("tool");
        return Err(UsageError(format!("no `{what}` of `{}` waits", args.server)).into());
    }
    let names: Vec<String> = names.iter().map(|name| reveal(name)).collect();
    print(&format!(
        "{done}: {}\nthe client sees it when it asks for the tools again: restart or reload it\n",
        names.join(", ")
    ))?;
    Ok(Exit::Ok)
}
