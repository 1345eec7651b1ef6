//! `interven admin backup` and `restore`: the embedded database as one file, and back.

use crate::{
    cli::{BackupArgs, RestoreArgs, ServerArgs},
    connect,
    exit::{UsageError, tell},
    installation::{DataDir, create_private_dir},
    serve::master_keys,
    terminal::counted,
};
use anyhow::{Context as _, Result, bail};
use interven_live::wrapped_under;
use interven_store_sqlite::{Inspected, OpenError, SqliteStore};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

pub(super) async fn backup(server: &ServerArgs, args: &BackupArgs) -> Result<()> {
    let out = &args.out;
    if out.exists() {
        return Err(UsageError(format!("`{}` exists; name another file", out.display())).into());
    }
    // Whole under its name, or not there.
    let part = Part(PathBuf::from(format!("{}.part", out.display())));
    let database = DataDir::new(&server.data_dir).database();
    // Held until it is copied, so that no server starts meanwhile.
    let lock = match &server.server {
        Some(_) => None,
        None => lock_stopped(&database)?,
    };
    match lock {
        Some(_lock) => SqliteStore::copy(&database, &part.0)?,
        None => download(server, &part.0).await?,
    }
    let about = SqliteStore::inspect(&part.0)?;
    fs::rename(&part.0, out).with_context(|| format!("`{}` cannot be written", out.display()))?;
    let bytes = fs::metadata(out)?.len();
    tell(&format!(
        "{bytes} bytes to `{}`: {}; it opens with the master key {}, which is not in it",
        out.display(),
        contents(&about),
        masters(&about)
    ));
    Ok(())
}

/// The lock of the data directory's database, when there is one that nobody serves.
fn lock_stopped(database: &Path) -> Result<Option<File>> {
    if !database.exists() {
        return Ok(None);
    }
    match SqliteStore::lock(database) {
        Ok(lock) => Ok(Some(lock)),
        Err(OpenError::AlreadyRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn download(server: &ServerArgs, part: &Path) -> Result<()> {
    let mut download = connect::control(server)?.backup().await?;
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(part).with_context(|| format!("`{}` cannot be written", part.display()))?;
    while let Some(piece) = download.next().await? {
        file.write_all(&piece)?;
    }
    Ok(file.sync_all()?)
}

/// A half-made file, removed unless it was renamed.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

pub(super) fn restore(data_dir: &Path, args: &RestoreArgs) -> Result<()> {
    let data_dir = DataDir::new(data_dir);
    let (from, database) = (&args.from, data_dir.database());
    if !from.is_file() {
        return Err(UsageError(format!("`{}` is no file", from.display())).into());
    }
    create_private_dir(data_dir.path())?;
    let _lock = SqliteStore::lock(&database)?;
    if database.exists() && !args.force {
        let problem = format!("`{}` exists; with --force it is moved aside", database.display());
        return Err(UsageError(problem).into());
    }
    let part = Part(PathBuf::from(format!("{}.restored", database.display())));
    SqliteStore::copy(from, &part.0)?;
    let about = SqliteStore::inspect(&part.0)?;
    check_key(&data_dir, &about)?;
    if database.exists() {
        let aside = move_aside(&database)?;
        tell(&format!("what was there is in `{}`", aside.display()));
    }
    fs::rename(&part.0, &database).with_context(|| format!("`{}` cannot be written", database.display()))?;
    File::open(data_dir.path())?.sync_all()?;
    tell(&format!(
        "restored to `{}`: {}; start `interven serve`, then `interven audit verify` says whether the record is whole",
        database.display(),
        contents(&about)
    ));
    Ok(())
}

fn contents(about: &Inspected) -> String {
    let rows = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let tenants = counted(rows(about.tenants), "tenant", "tenants");
    format!("{tenants}, {}", counted(rows(about.scans), "scan", "scans"))
}

/// The key that the restored server will be started with must open what the file holds.
fn check_key(data_dir: &DataDir, about: &Inspected) -> Result<()> {
    let keys = master_keys(data_dir, true)?;
    match about.data_keys.iter().find(|row| !keys.opens(row)) {
        None => Ok(()),
        Some(row) => bail!(
            "the master key given does not open the data key `{}` of this backup, which lies under {}; put that key back \
             first: `secrets.json`, or INTERVEN_CREDENTIAL_ENCRYPTION_KEY",
            row.fingerprint,
            masters(about)
        ),
    }
}

fn masters(about: &Inspected) -> String {
    let under: BTreeSet<_> = about.data_keys.iter().filter_map(wrapped_under).collect();
    match under.is_empty() {
        true => "that it was written with".to_owned(),
        false => under.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    }
}

/// Database and write-ahead log, under a name that is free.
fn move_aside(database: &Path) -> Result<PathBuf> {
    let aside = (1..).map(|number| PathBuf::from(format!("{}.before-restore-{number}", database.display())));
    let aside =
        aside.take(10_000).find(|path| !path.exists()).context("no name is free beside the database")?;
    for suffix in ["-wal", "-shm", ""] {
        let of = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if of(database).exists() {
            fs::rename(of(database), of(&aside))
                .with_context(|| format!("`{}` cannot be moved aside", database.display()))?;
        }
    }
    Ok(aside)
}
