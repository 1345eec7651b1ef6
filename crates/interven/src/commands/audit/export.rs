//! `interven audit export`: both logs as files, in the layout of tiled logs (C2SP tlog-tiles).

use super::{LOGS, remote::RemoteLog};
use crate::{
    exit::{Exit, UsageError},
    terminal::{Terminal, print},
};
use anyhow::{Context as _, Result, bail};
use interven_client::ControlClient;
use interven_ledger::{
    Checkpoint, Entry, Source as _, TILE_WIDTH, Tile, TilePath, VerifierKey, bundle_bytes, tile_bytes,
};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};
use tokio::runtime::Handle;

pub(super) async fn run(client: ControlClient, dir: PathBuf, terminal: Terminal) -> Result<Exit> {
    make_empty(&dir)?;
    let mut keys = String::new();
    for status in client.ledger().await? {
        keys.push_str(&format!("{}\n", status.key));
    }
    write(&dir.join("keys"), keys.as_bytes())?;
    for log in LOGS {
        let note = client.ledger_checkpoint(log).await?;
        let key = keys
            .lines()
            .find(|key| key.split('+').next().is_some_and(|name| name.ends_with(&format!("/{log}"))));
        let key = VerifierKey::parse(key.unwrap_or_default())?;
        let size = Checkpoint::open(&note, &key)?.size;
        let source = RemoteLog { client: client.clone(), log, runtime: Handle::current() };
        let target = dir.join(log);
        let writing = move || write_log(source, &target, size, &note);
        let written =
            tokio::task::spawn_blocking(writing).await.context("the export ended before its time")??;
        if !terminal.is_json() {
            print(&format!(
                "{log:<8}  {written} of {size} events written to `{}`\n",
                dir.join(log).display()
            ))?;
        }
    }
    Ok(Exit::Ok)
}

/// The checkpoint last: a directory that has one is complete. Returns how many events there were.
fn write_log(mut source: RemoteLog, dir: &Path, size: u64, note: &str) -> Result<u64> {
    for level in 0..Tile::levels(size) {
        for tile in Tile::of_level(level, size) {
            let width = tile.width(size);
            let hashes = source.tile(tile, width)?;
            if hashes.len() as u64 != width {
                bail!("tile {level}/{} is missing; `interven audit verify` says more", tile.index);
            }
            write(&dir.join(TilePath::Hashes { tile, width }.to_string()), &tile_bytes(&hashes))?;
        }
    }
    let written = write_bundles(&mut source, dir, size)?;
    write(&dir.join("checkpoint"), note.as_bytes())?;
    Ok(written)
}

/// A bundle of which retention took events is left out: a bundle has no gaps.
fn write_bundles(source: &mut RemoteLog, dir: &Path, size: u64) -> Result<u64> {
    let mut written = 0;
    let mut waiting: Vec<Entry> = Vec::new();
    for bundle in Tile::of_level(0, size) {
        let leaves = bundle.leaves(size);
        let end = i64::try_from(leaves.end).unwrap_or(i64::MAX);
        while waiting.last().is_none_or(|last| last.position < end) {
            let start = i64::try_from(leaves.start).unwrap_or(i64::MAX);
            let page =
                source.entries(waiting.last().map_or(start, |last| last.position).saturating_add(1))?;
            if page.is_empty() {
                break;
            }
            waiting.extend(page);
        }
        let later = waiting.split_off(waiting.partition_point(|entry| entry.position <= end));
        let entries = std::mem::replace(&mut waiting, later);
        let width = bundle.width(size);
        if entries.len() as u64 != width {
            continue;
        }
        let mut events = Vec::new();
        for entry in entries {
            let at = entry.position;
            events.push(
                entry.event.map_err(|reason| anyhow::anyhow!("position {at} cannot be read: {reason}"))?,
            );
        }
        let bytes = bundle_bytes(events.iter().map(Vec::as_slice))
            .context("an event is longer than an entry may be")?;
        write(
            &dir.join(TilePath::Entries { index: bundle.index, width: width.min(TILE_WIDTH) }.to_string()),
            &bytes,
        )?;
        written += width;
    }
    Ok(written)
}

fn make_empty(dir: &Path) -> Result<()> {
    let name = dir.display();
    std::fs::create_dir_all(dir).map_err(|error| UsageError(format!("`{name}` cannot be made: {error}")))?;
    let mut files =
        std::fs::read_dir(dir).map_err(|error| UsageError(format!("`{name}` cannot be read: {error}")))?;
    if files.next().is_some() {
        return Err(UsageError(format!("`{name}` is not empty; export into a new directory")).into());
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = match std::fs::write(path, bytes) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, bytes))
        }
        other => other,
    };
    written.with_context(|| format!("`{}` cannot be written", path.display()))
}
