//! `interven admin copy`: a whole installation, from the embedded database into PostgreSQL.

use crate::{
    cli::CopyArgs,
    database::DatabaseUrl,
    exit::{UsageError, tell},
    progress::ProgressBar,
    terminal::{counted, print},
};
use anyhow::{Context as _, Result, bail};
use interven_ledger::{Entry, Hash};
use interven_store::{COPIED_TABLES, CopiedRows, LedgerStore as _, Log, TenantStore as _};
use interven_store_postgres::{CopyTarget, PostgresOptions, PostgresStore};
use interven_store_sqlite::{CopySource, OpenError};
use std::path::PathBuf;
use tokio::{sync::mpsc, task::JoinHandle};

/// Batches that were read and are not yet written.
const READ_AHEAD: usize = 4;
/// Events that are looked at together.
const EVENTS: u32 = 1_000;

pub(super) async fn run(args: &CopyArgs) -> Result<()> {
    let (from, to) = endpoints(args)?;
    let (total, mut batches, reader) = read(from).await?;
    let mut target = CopyTarget::open(PostgresOptions::new(&to)).await?;
    let mut progress = ProgressBar::new("rows");
    let mut read = 0;
    while let Some(batch) = batches.recv().await {
        target.take(&batch).await?;
        read += batch.rows.len() as u64;
        progress.show(read, total);
    }
    // Only what was read to its end may become durable.
    reader.await.context("the reader ended early")??;
    if read != total {
        bail!("{read} of {total} rows were read; nothing was copied");
    }
    let copied = target.commit().await?;
    drop(progress);
    let verified = verify(&to).await?;
    print(&format!(
        "copied {} in {}; {} of the logs verified\n",
        counted(usize::try_from(copied)?, "row", "rows"),
        counted(COPIED_TABLES.len(), "table", "tables"),
        counted(verified, "event", "events")
    ))?;
    tell(
        "the services on the new database need the same INTERVEN_CREDENTIAL_ENCRYPTION_KEY: it is in secrets.json of the data \
         directory, or where it was set",
    );
    Ok(())
}

fn endpoints(args: &CopyArgs) -> Result<(PathBuf, String)> {
    match (DatabaseUrl::parse(&args.from), DatabaseUrl::parse(&args.to)) {
        (Ok(DatabaseUrl::Sqlite(from)), Ok(DatabaseUrl::Postgres(to))) => Ok((from, to.reveal().to_owned())),
        (Err(error), _) => bail!(UsageError(format!("--from: {error}"))),
        (_, Err(error)) => bail!(UsageError(format!("--to: {error}"))),
        _ => bail!(UsageError(
            "copies go from sqlite://PATH to postgres://…, in this direction alone".to_owned()
        )),
    }
}

/// Makes every event of the logs again from what is stored now, and compares it with the hash that its tree is built on.
async fn verify(to: &str) -> Result<usize> {
    let store =
        PostgresStore::open(PostgresOptions { auto_migrate: false, ..PostgresOptions::new(to) }).await?;
    let mut verified = 0;
    for tenant in store.tenants().await? {
        for log in Log::ALL {
            let mut from = Some(i64::MIN);
            while let Some(first) = from {
                let entries = store.entries(tenant.tenant_id, log, first, EVENTS).await?;
                from = entries.last().and_then(|last| last.position.checked_add(1));
                if let Some(wrong) = entries.iter().find(|entry| !is_itself(entry)) {
                    bail!(
                        "the copy differs: event {} of the {} log of `{}` is not what was recorded; drop the new database and \
                         look at the old one with `interven audit verify`",
                        wrong.position,
                        log.as_str(),
                        tenant.name
                    );
                }
                verified += entries.len();
            }
        }
    }
    store.close().await;
    Ok(verified)
}

fn is_itself(entry: &Entry) -> bool {
    entry.event.as_ref().is_ok_and(|event| entry.leaf_hash == Some(Hash::of_leaf(event)))
}

type Reading = (u64, mpsc::Receiver<CopiedRows>, JoinHandle<Result<(), OpenError>>);

/// Reads on a thread of its own, a few batches ahead. It holds the database until the last row was taken.
async fn read(from: PathBuf) -> Result<Reading> {
    let opening = tokio::task::spawn_blocking(move || {
        let source = CopySource::open(&from)?;
        Ok::<_, OpenError>((source.count()?, source))
    });
    let (total, source) = opening.await.context("the source cannot be opened")??;
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let reader =
        tokio::task::spawn_blocking(move || source.read(|batch| sender.blocking_send(batch).is_ok()));
    Ok((total, receiver, reader))
}
