//! `interven audit witness`: hands checkpoints to where the owner of the database cannot change them.

use super::{LOGS, keys::Keys, remote::RemoteLog};
use crate::{
    cli::WitnessArgs,
    exit::{Exit, UsageError, tell},
    terminal::print,
};
use anyhow::{Context as _, Result, bail};
use interven_client::{ControlClient, post_text};
use interven_ledger::{Checkpoint, Question, notes_of, verify_roots};
use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::Path,
    process::Command,
};
use tokio::runtime::Handle;

/// In a Git repository.
const FILE: &str = "interven.checkpoints";

/// The newest checkpoint of a log, opened.
struct Newest {
    log: &'static str,
    note: String,
    checkpoint: Checkpoint,
}

pub(super) async fn run(client: ControlClient, to: WitnessArgs) -> Result<Exit> {
    let keys = Keys::quietly_of_server(&client.ledger().await?)?;
    let mut newest = Vec::new();
    for log in LOGS {
        let note = client.ledger_checkpoint(log).await?;
        let checkpoint = Checkpoint::open(&note, keys.of_log(log)?)
            .with_context(|| format!("the newest checkpoint of the {log} log cannot be trusted"))?;
        // An empty log has nothing to bear witness of.
        if checkpoint.size > 0 {
            newest.push(Newest { log, note, checkpoint });
        }
    }
    match (to.file, to.url, to.git) {
        (Some(file), ..) => append(&client, &keys, &newest, &file).await,
        (_, Some(url), _) => post(&newest, &url).await,
        (.., Some(repository)) => commit(&client, &keys, &newest, &repository).await,
        _ => {
            newest.iter().try_for_each(|newest| print(&format!("{}\n", newest.note)))?;
            Ok(Exit::Ok)
        }
    }
}

/// Appends what is new, once all of it goes on from what the file holds.
async fn append(client: &ControlClient, keys: &Keys, newest: &[Newest], file: &Path) -> Result<Exit> {
    let name = file.display();
    let held = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(UsageError(format!("`{name}` cannot be read: {error}")).into()),
    };
    let mut added = String::new();
    for Newest { log, note, checkpoint } in newest {
        let key = keys.of_log(log)?;
        let earlier: Vec<String> = notes_of(&held)
            .into_iter()
            .filter(|note| Checkpoint::origin_of(note) == Some(key.name()))
            .collect();
        if earlier.last() == Some(note) {
            tell(&format!("interven: the {log} log is still at {} events", checkpoint.size));
            continue;
        }
        if let Some(last) = earlier.last() {
            let last = Checkpoint::open(last, key).with_context(|| {
                format!("the last checkpoint of the {log} log in `{name}` is not of this server")
            })?;
            let source = RemoteLog { client: client.clone(), log, runtime: Handle::current() };
            if let Some(finding) = disagreement(source, checkpoint.clone(), last).await? {
                bail!(
                    "the {log} log does not go on from what `{name}` holds, and nothing was written: {finding}"
                );
            }
        }
        added.push_str(&format!("{note}\n"));
        tell(&format!("interven: the {log} log is at {} events", checkpoint.size));
    }
    let mut open = OpenOptions::new();
    let written = open.create(true).append(true).open(file).and_then(|mut opened| {
        opened.write_all(added.as_bytes())?;
        opened.sync_all()
    });
    written.map_err(|error| UsageError(format!("`{name}` cannot be written: {error}")))?;
    Ok(Exit::Ok)
}

/// Whether the tree of `newest` does not begin with that of `last`, and why.
async fn disagreement(mut source: RemoteLog, newest: Checkpoint, last: Checkpoint) -> Result<Option<String>> {
    let compare = move || {
        let kept = [last];
        let question = Question { newest: &newest, kept: &kept, positions: None, pruned_through: 0 };
        verify_roots(&mut source, &question)
    };
    let report =
        tokio::task::spawn_blocking(compare).await.context("the comparison ended before its time")??;
    Ok(report.findings.first().map(ToString::to_string))
}

async fn post(newest: &[Newest], url: &str) -> Result<Exit> {
    for Newest { log, note, checkpoint } in newest {
        post_text(url, note).await?;
        tell(&format!("interven: {url} took the checkpoint of {} events of the {log} log", checkpoint.size));
    }
    Ok(Exit::Ok)
}

async fn commit(client: &ControlClient, keys: &Keys, newest: &[Newest], repository: &Path) -> Result<Exit> {
    git(repository, &["rev-parse", "--git-dir"])?;
    append(client, keys, newest, &repository.join(FILE)).await?;
    git(repository, &["add", "--", FILE])?;
    if git(repository, &["status", "--porcelain", "--", FILE])?.is_empty() {
        return Ok(Exit::Ok);
    }
    let sizes: Vec<String> =
        newest.iter().map(|newest| format!("{} {}", newest.log, newest.checkpoint.size)).collect();
    git(repository, &["commit", "--quiet", "-m", &format!("Checkpoints: {}", sizes.join(", ")), "--", FILE])?;
    Ok(Exit::Ok)
}

/// What Git prints, or what it has against it.
fn git(repository: &Path, arguments: &[&str]) -> Result<String> {
    let ran = Command::new("git").arg("-C").arg(repository).args(arguments).output();
    let output = ran.map_err(|error| UsageError(format!("git cannot be run: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(UsageError(format!("git in `{}`: {}", repository.display(), said.trim())).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
