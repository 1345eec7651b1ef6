//! `interven admin detectors`: what a tenant says of detectors. Each change is one new version of its settings, made only
//! if nobody made another in between.

mod document;
mod file;

use crate::{
    cli::{DetectorSetArgs, ExceptArgs, TenantDetectorsCommand},
    exit::{Exit, UsageError, tell},
    terminal::{Terminal, or_dash, print, table},
};
use anyhow::{Context as _, Result};
use document::Document;
use interven_classify::hash_value;
use interven_client::{ControlClient, DetectorList};
use interven_types::{DetectorOverride, FindingException};
use serde_json::{Value, json};
use std::io::{Read as _, stdin};

pub(super) async fn run(
    client: &ControlClient,
    command: TenantDetectorsCommand,
    terminal: Terminal,
) -> Result<Exit> {
    match command {
        TenantDetectorsCommand::List => terminal.show(&client.detectors().await?, listed)?,
        TenantDetectorsCommand::Exceptions => {
            let settings = client.settings().await?;
            let exceptions: Vec<FindingException> = Document::of(settings)?.read("finding_exceptions")?;
            terminal.show(&exceptions, |list| excepted(list))?;
        }
        TenantDetectorsCommand::Add { file } => {
            let tried = file::try_file(&file)?;
            if !terminal.is_json() {
                print(&tried.table())?;
            }
            if let Some(problem) = tried.problem {
                tell(&format!("interven: {}: {problem}", file.display()));
                return Ok(Exit::Findings);
            }
            let told = change(client, |document| document.put_detectors(&tried.detectors)).await?;
            terminal.show(&told, said)?;
        }
        TenantDetectorsCommand::Remove { id } => {
            terminal.show(&change(client, |document| document.remove_detector(&id)).await?, said)?;
        }
        TenantDetectorsCommand::Disable { id } => {
            terminal.show(&change(client, |document| document.set_enabled(&id, false)).await?, said)?;
        }
        TenantDetectorsCommand::Enable { id } => {
            terminal.show(&change(client, |document| document.set_enabled(&id, true)).await?, said)?;
        }
        TenantDetectorsCommand::Set(args) => {
            let wanted = changed(&args)?;
            terminal
                .show(&change(client, |document| document.set_override(&args.id, wanted)).await?, said)?;
        }
        TenantDetectorsCommand::Except(args) => {
            let exception = exception(args)?;
            terminal.show(&change(client, |document| document.add_exception(&exception)).await?, said)?;
        }
        TenantDetectorsCommand::Unexcept { number } => {
            terminal.show(&change(client, |document| document.remove_exception(number)).await?, said)?;
        }
        TenantDetectorsCommand::Hash => hash(terminal)?,
    }
    Ok(Exit::Ok)
}

/// Reads the value from the standard input: an argument would stand in the list of processes and in the shell's history.
pub(super) fn hash(terminal: Terminal) -> Result<()> {
    let hash = hash_value(&read_value()?);
    terminal.show(&json!({ "value_sha256": hash }), |_| format!("{hash}\n"))
}

/// All of the standard input but the line end that `echo` adds.
fn read_value() -> Result<String> {
    let mut text = String::new();
    stdin().lock().read_to_string(&mut text).context("the standard input cannot be read as UTF-8")?;
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        return Err(UsageError("no value on the standard input".to_owned()).into());
    }
    Ok(value.to_owned())
}

/// Changes the settings as they are now; someone else's change in between is a conflict.
async fn change(client: &ControlClient, edit: impl FnOnce(&mut Document) -> Result<String>) -> Result<Value> {
    let mut document = Document::of(client.settings().await?)?;
    let done = edit(&mut document)?;
    let changed = client.update_settings(&document.settings, Some(document.version)).await?;
    Ok(json!({
        "changed": done,
        "settings_version": changed.version,
        "secret_patterns_hash": changed.secret_patterns_hash,
    }))
}

fn said(told: &Value) -> String {
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let version = told.get("settings_version").and_then(Value::as_u64).unwrap_or_default();
    format!("{}\nsettings version {version}, detectors {}\n", text("changed"), text("secret_patterns_hash"))
}

fn listed(list: &DetectorList) -> String {
    let rows = list.detectors.iter().map(|d| {
        [
            d.id.clone(),
            d.class.to_string(),
            word(&d.confidence),
            d.weight.to_string(),
            d.origin.clone(),
            if d.enabled { "on" } else { "off" }.to_owned(),
            d.summary.clone(),
        ]
    });
    let rows = table(["DETECTOR", "CLASS", "CONFIDENCE", "WEIGHT", "ORIGIN", "STATE", "SUMMARY"], rows);
    format!("{rows}settings version {}, detectors {}\n", list.settings_version, list.secret_patterns_hash)
}

fn excepted(list: &[FindingException]) -> String {
    let rows = list.iter().enumerate().map(|(n, e)| {
        let hash = e.value_sha256.as_ref().map(|hash| hash.chars().take(12).collect::<String>() + "…");
        [
            (n + 1).to_string(),
            or_dash(hash),
            or_dash(e.path.as_ref()),
            or_dash(e.tool.as_ref()),
            or_dash(e.detector.as_ref()),
            or_dash(e.class),
            or_dash(e.expires_at),
            e.note.clone(),
        ]
    });
    table(["NUMBER", "VALUE", "PATH", "TOOL", "DETECTOR", "CLASS", "EXPIRES", "NOTE"], rows)
}

/// What is to be set of the detector; nothing takes back what was.
fn changed(args: &DetectorSetArgs) -> Result<DetectorOverride> {
    let confidence = args.confidence.as_deref().map(|text| read_word("--confidence", text)).transpose()?;
    Ok(DetectorOverride { confidence, weight: args.weight })
}

fn exception(args: ExceptArgs) -> Result<FindingException> {
    Ok(FindingException {
        value_sha256: if args.value_from_stdin { Some(hash_value(&read_value()?)) } else { None },
        path: args.path,
        tool: args.tool,
        detector: args.detector,
        class: args.class.as_deref().map(|text| read_word("--class", text)).transpose()?,
        note: args.note,
        expires_at: args.expires,
    })
}

/// A word of the API, whatever its case.
fn read_word<T: serde::de::DeserializeOwned>(option: &str, text: &str) -> Result<T> {
    let read = serde_json::from_value(Value::String(text.to_uppercase()));
    Ok(read.map_err(|error| UsageError(format!("`{option} {text}`: {error}")))?)
}

/// A word as the API writes it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}
