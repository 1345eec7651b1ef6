//! `interven audit verify`: of a server, of an exported directory, or of one proof.

use super::{LOGS, exported::ExportedLog, keys::Keys, read_named, remote::RemoteLog};
use crate::{
    cli::{ServerArgs, VerifyArgs},
    connect,
    exit::{Exit, UsageError, tell},
    terminal::{Terminal, print, printable},
};
use anyhow::{Context as _, Result};
use interven_client::{ClientError, ControlClient};
use interven_ledger::{
    Checkpoint, Entry, Hash, Question, Receipt, Report, Source, Tile, VerifierKey, notes_of, verify,
};
use serde::Serialize;
use serde_json::Value;
use std::{path::Path, sync::Arc};
use tokio::runtime::Handle;

/// Findings that are printed of one log; the rest is counted. With `--json` all of them are.
const MOST_PRINTED: usize = 100;

/// What came out for one log.
#[derive(Debug, Serialize)]
struct Verified {
    log: &'static str,
    /// Events that were looked at.
    events: u64,
    /// Size of the newest checkpoint, if that is this log's.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<u64>,
    /// Of the events, those under it.
    sealed: u64,
    /// Events that retention took; their hashes are left.
    pruned: u64,
    /// Checkpoints kept elsewhere that were compared.
    kept: usize,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    what: String,
}

pub(super) async fn run(server: &ServerArgs, args: VerifyArgs, terminal: Terminal) -> Result<Exit> {
    let keys = Keys::given(&args.key)?;
    if let Some(path) = &args.proof {
        return verify_proof(path, &keys, terminal);
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        return Err(UsageError(format!("--from {from} is after --to {to}")).into());
    }
    let task = Task {
        kept: args.checkpoint.iter().map(|path| read_kept(path)).collect::<Result<Vec<_>>>()?.concat(),
        positions: (args.from.is_some() || args.to.is_some())
            .then_some((args.from.unwrap_or(1), args.to.unwrap_or(u64::MAX))),
        keys,
    };
    let verified = match args.dir {
        Some(dir) => task.of_export(&dir)?,
        None => task.of_server(server).await?,
    };
    terminal.show(&verified, |verified| verified.iter().map(told).collect())?;
    let is_right = verified.iter().all(|log| log.findings.is_empty());
    Ok(if is_right { Exit::Ok } else { Exit::Findings })
}

/// The notes of a file of checkpoints, each with the file's name.
fn read_kept(path: &Path) -> Result<Vec<(String, String)>> {
    let notes = notes_of(&read_named(path)?);
    if notes.is_empty() {
        return Err(UsageError(format!("`{}` holds no checkpoint", path.display())).into());
    }
    Ok(notes.into_iter().map(|note| (path.display().to_string(), note)).collect())
}

/// What is asked for, of whichever source.
struct Task {
    kept: Vec<(String, String)>,
    positions: Option<(u64, u64)>,
    keys: Keys,
}

impl Task {
    async fn of_server(mut self, server: &ServerArgs) -> Result<Vec<Verified>> {
        let client = connect::control(server)?;
        if self.keys.is_empty() {
            self.keys = Keys::of_server(&client.ledger().await?)?;
        }
        let task = Arc::new(self);
        let newest_run =
            async || Ok::<_, ClientError>(client.retention().await?.run.map(|run| run.started_at));
        loop {
            let before = newest_run().await?;
            let verified = Arc::clone(&task).of_client(&client).await?;
            // Retention that began meanwhile takes rows of which the audit log, as it was read, did not say so yet.
            if newest_run().await? == before {
                return Ok(verified);
            }
        }
    }

    async fn of_client(self: Arc<Self>, client: &ControlClient) -> Result<Vec<Verified>> {
        let mut notes = Vec::new();
        for log in LOGS {
            let note = match client.ledger_checkpoint(log).await {
                // The server has none that it stands by, and says why.
                Err(ClientError::Refused(refusal)) if refusal.status == 409 => Err(refusal.message),
                answer => Ok(answer?),
            };
            notes.push((log, note));
        }
        let (client, runtime) = (client.clone(), Handle::current());
        let task = move || {
            self.each(&notes, |log, _| {
                Ok(RemoteLog { client: client.clone(), log, runtime: runtime.clone() })
            })
        };
        tokio::task::spawn_blocking(task).await.context("the verification ended before its time")?
    }

    fn of_export(mut self, dir: &Path) -> Result<Vec<Verified>> {
        if self.keys.is_empty() {
            self.keys = Keys::of_export(dir)?;
        }
        let mut notes = Vec::new();
        for log in LOGS {
            notes.push((log, Ok(read_named(&dir.join(log).join("checkpoint"))?)));
        }
        self.each(&notes, |log, size| Ok(ExportedLog { dir: dir.join(log), size }))
    }

    /// Verifies each log under its newest checkpoint.
    fn each<S: Source>(
        &self,
        notes: &[(&'static str, Result<String, String>)],
        open: impl Fn(&'static str, u64) -> Result<S>,
    ) -> Result<Vec<Verified>>
    where
        S::Error: std::error::Error + Send + Sync + 'static,
    {
        self.check_kept()?;
        let mut pruned_through = 0;
        let mut verified = Vec::new();
        for (log, note) in notes {
            let key = self.keys.of_log(log)?;
            let (kept, mut findings) = self.kept_of(key);
            let mut report = Report::default();
            let opened =
                note.clone().and_then(|note| Checkpoint::open(&note, key).map_err(|error| error.to_string()));
            let newest = match opened {
                Ok(newest) => newest,
                Err(reason) => {
                    let what = format!("there is no newest checkpoint to trust: {reason}");
                    findings.push(Found { first: None, last: None, what });
                    verified.push(told_of(log, None, kept.len(), report, findings));
                    continue;
                }
            };
            let positions = self.positions.filter(|_| *log == "activity");
            let mut watched = Watched { source: open(log, newest.size)?, pruned_through: 0 };
            // The audit log itself is never pruned; what it says of the other holds once it is verified.
            let allowed = if *log == "activity" { pruned_through } else { 0 };
            let question = Question { newest: &newest, kept: &kept, positions, pruned_through: allowed };
            report = verify(&mut watched, &question)?;
            pruned_through = watched.pruned_through;
            verified.push(told_of(log, Some(newest.size), kept.len(), report, findings));
        }
        Ok(verified)
    }

    /// A file of another log's checkpoints would prove nothing, and look as if it did.
    fn check_kept(&self) -> Result<()> {
        let concerns = |(_, note): &(String, String)| {
            Checkpoint::origin_of(note).is_some_and(|origin| self.keys.of_origin(origin).is_some())
        };
        match self.kept.first() {
            Some((file, _)) if !self.kept.iter().any(concerns) => {
                Err(UsageError(format!("`{file}` holds no checkpoint of the logs that the keys are of"))
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// Those of the kept checkpoints that are of the log of `key`, and what is wrong with some of them.
    fn kept_of(&self, key: &VerifierKey) -> (Vec<Checkpoint>, Vec<Found>) {
        let (mut kept, mut findings) = (Vec::new(), Vec::new());
        for (file, note) in
            self.kept.iter().filter(|(_, note)| Checkpoint::origin_of(note) == Some(key.name()))
        {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) => kept.push(checkpoint),
                Err(error) => {
                    findings.push(Found { first: None, last: None, what: format!("in `{file}`, {error}") });
                }
            }
        }
        (kept, findings)
    }
}

fn told_of(
    log: &'static str,
    checkpoint: Option<u64>,
    kept: usize,
    report: Report,
    mut findings: Vec<Found>,
) -> Verified {
    let found = report.findings.iter().map(|finding| Found {
        first: Some(finding.first),
        last: Some(finding.last),
        what: finding.to_string(),
    });
    findings.extend(found);
    Verified {
        log,
        events: report.events,
        checkpoint,
        sealed: report.sealed,
        pruned: report.pruned,
        kept,
        findings,
    }
}

fn told(log: &Verified) -> String {
    let mut text = format!("{:<8}  {} events looked at", log.log, log.events);
    if let Some(size) = log.checkpoint {
        text.push_str(&format!(", {} of them under the checkpoint of {size}", log.sealed));
    }
    if log.pruned > 0 {
        text.push_str(&format!("; {} taken by retention, their hashes are left", log.pruned));
    }
    match log.kept {
        0 => {}
        1 => text.push_str("; compared with 1 kept checkpoint"),
        many => text.push_str(&format!("; compared with {many} kept checkpoints")),
    }
    let verdict = if log.findings.is_empty() {
        "everything matches".to_owned()
    } else {
        format!("{} findings", log.findings.len())
    };
    text.push_str(&format!(": {verdict}\n"));
    for found in log.findings.iter().take(MOST_PRINTED) {
        text.push_str(&format!("          {}\n", printable(&found.what)));
    }
    if log.findings.len() > MOST_PRINTED {
        text.push_str(&format!(
            "          and {} more; --json prints all\n",
            log.findings.len() - MOST_PRINTED
        ));
    }
    text
}

/// Notes what the audit log says that retention took.
struct Watched<S> {
    source: S,
    pruned_through: u64,
}

impl<S: Source> Source for Watched<S> {
    type Error = S::Error;

    fn recorded(&mut self) -> Result<u64, S::Error> {
        self.source.recorded()
    }

    fn tile(&mut self, tile: Tile, width: u64) -> Result<Vec<Hash>, S::Error> {
        self.source.tile(tile, width)
    }

    fn entries(&mut self, from: i64) -> Result<Vec<Entry>, S::Error> {
        let entries = self.source.entries(from)?;
        let events = entries.iter().filter_map(|entry| entry.event.as_ref().ok());
        let pruned = events.filter_map(|event| pruned_through(event)).max().unwrap_or(0);
        self.pruned_through = self.pruned_through.max(pruned);
        Ok(entries)
    }
}

/// `details` of an event `retention.prune`: `{"activity_through": 512}`.
fn pruned_through(event: &[u8]) -> Option<u64> {
    let event: Value = serde_json::from_slice(event).ok()?;
    let details = event
        .get("details")
        .filter(|_| event.get("action").is_some_and(|action| action == "retention.prune"))?;
    let details: Value = serde_json::from_str(details.as_str()?).ok()?;
    details.get("activity_through")?.as_u64()
}

fn verify_proof(path: &Path, keys: &Keys, terminal: Terminal) -> Result<Exit> {
    let proved = Receipt::parse(&read_named(path)?).map_err(|error| error.to_string()).and_then(|receipt| {
        let origin = Checkpoint::origin_of(&receipt.note).unwrap_or_default();
        let key =
            keys.of_origin(origin).ok_or_else(|| format!("--key gives no key of its log, `{origin}`"))?;
        let checkpoint = receipt.verify(key).map_err(|error| error.to_string())?;
        Ok((receipt, checkpoint))
    });
    let (receipt, checkpoint) = match proved {
        Ok(proved) => proved,
        Err(reason) => {
            print(&format!("not proved: {}\n", printable(&reason)))?;
            return Ok(Exit::Findings);
        }
    };
    let (position, size) = (receipt.index + 1, checkpoint.size);
    tell(&format!(
        "proved: position {position} of {}, under its checkpoint of {size} events",
        checkpoint.origin
    ));
    let event: Value = serde_json::from_slice(&receipt.event)?;
    terminal.show(&event, |event| format!("{event:#}\n"))?;
    Ok(Exit::Ok)
}
