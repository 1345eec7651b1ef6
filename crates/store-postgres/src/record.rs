//! One batch of scans of a tenant in one transaction and two round trips: all that settling them needs is read at once,
//! they are settled in memory, and all that came of it is written at once, the COMMIT behind it.

mod ask;
mod log;
pub(crate) mod read;
mod write;

use crate::{
    Inner,
    book::Book,
    columns::Prepared,
    error::unavailable,
    recorder::Job,
    session::{Sent, Tx, all_at_once},
};
use ask::Ask;
use interven_store::{ApprovalEffect, Change, Receipt, Settled, StoreError, StoreResult};
use interven_types::TenantId;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};
use tokio::time::Instant;
use tokio_postgres::error::Severity;
use write::Page;

/// Sealed requests of one batch, in bytes: what is more waits for the next. One statement holds 1 GB at most.
const MOST_BYTES: usize = 32 << 20;

/// Positions per row of `activity_spans`.
pub(crate) const SPAN: i64 = 1_024;

/// Records a batch and answers each of its scans. Gives back those that did not fit.
pub(crate) async fn record(store: &Arc<Inner>, tenant: TenantId, batch: Vec<Job>) -> Vec<Job> {
    let ask = Ask::of_scans(batch.iter().map(|job| &job.scan));
    let (tx, mut book) = match begin(store, tenant, &ask).await {
        Ok(begun) => begun,
        Err(error) => {
            for job in batch {
                Job::answer(job.apart().1, Err(nothing_written(error.clone())));
            }
            return Vec::new();
        }
    };
    let (mut receipts, mut replies, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (mut left, mut bytes) = (Vec::new(), 0);
    for job in batch {
        if bytes > MOST_BYTES {
            left.push(job);
            continue;
        }
        let (scan, reply) = job.apart();
        match book.record(scan) {
            Ok(receipt) => {
                bytes += receipt.settled.row.sealed_request.len();
                receipts.push(receipt);
                replies.push(reply);
            }
            Err(error) => refused.push((reply, error)),
        }
    }
    let written = finish(tx, tenant, &book, &receipts, Vec::new()).await;
    if written.is_ok() && !receipts.is_empty() {
        store.recorder.count_commit(receipts.len());
    }
    for (reply, error) in refused {
        Job::answer(reply, Err(error));
    }
    for (reply, receipt) in replies.into_iter().zip(receipts) {
        Job::answer(reply, written.clone().map(|()| receipt));
    }
    left
}

/// Records scans that were settled and answered without the store. Says how many the log did not hold yet.
pub(crate) async fn append(store: &Arc<Inner>, tenant: TenantId, scans: &[Settled]) -> StoreResult<u64> {
    let (tx, mut book) = begin(store, tenant, &Ask::of_settled(scans)).await?;
    let appended: Vec<Option<Receipt>> =
        scans.iter().map(|scan| book.append(scan)).collect::<StoreResult<_>>()?;
    let receipts: Vec<Receipt> = appended.into_iter().flatten().collect();
    // Whoever holds an agent in memory knows its trust from answers given without the store.
    let moved = receipts.iter().map(|receipt| Change::Agent(tenant, receipt.settled.row.agent_id)).collect();
    finish(tx, tenant, &book, &receipts, moved).await?;
    Ok(receipts.len() as u64)
}

/// How often a batch is begun at most.
const ATTEMPTS: u32 = 8;

/// Nothing is settled yet: what fails at once may go well on another connection. That is how a connection is replaced that
/// a restarted server has forgotten, and how a deadlock ends with somebody who mends trust by hand in another order.
async fn begin(store: &Arc<Inner>, tenant: TenantId, ask: &Ask) -> StoreResult<(Tx, Book)> {
    let begun = Instant::now();
    let mut attempt = 1;
    loop {
        match begin_once(store, tenant, ask).await {
            Err(StoreError::Unavailable(_))
                if attempt < ATTEMPTS && begun.elapsed() < store.transaction_timeout / 2 =>
            {
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

async fn begin_once(store: &Arc<Inner>, tenant: TenantId, ask: &Ask) -> StoreResult<(Tx, Book)> {
    let tx = Tx::open(store.clone()).await?;
    let book = read::book(&tx, tenant, ask).await?;
    Ok((tx, book))
}

/// Writes and commits; tells subscribers.
async fn finish(
    mut tx: Tx,
    tenant: TenantId,
    book: &Book,
    receipts: &[Receipt],
    told_everywhere: Vec<Change>,
) -> StoreResult<()> {
    if receipts.is_empty() {
        return Ok(());
    }
    let announced = receipts.iter().flat_map(|receipt| {
        let approval = match &receipt.settled.approval {
            ApprovalEffect::None => None,
            ApprovalEffect::Create(new) => Some(new.approval_id),
            ApprovalEffect::Use { approval_id, .. } => Some(*approval_id),
        };
        let approval = approval.map(|id| Change::Approval(tenant, id));
        approval.into_iter().chain([Change::Activity(tenant, receipt.ledger_seq)])
    });
    let page = Page::of(tenant, book, receipts);
    if told_everywhere.is_empty() {
        send(&tx, page.statements()?, true).await?;
        tx.close(announced);
        return Ok(());
    }
    send(&tx, page.statements()?, false).await?;
    told_everywhere.into_iter().chain(announced).for_each(|change| tx.announce(change));
    tx.commit().await
}

/// All statements in one round trip, in their order; with `commits`, the COMMIT behind them. Where one of them fails,
/// PostgreSQL makes a rollback of the COMMIT and calls that no error: so each is looked at.
async fn send(tx: &Tx, page: Vec<Prepared<'_>>, commits: bool) -> StoreResult<()> {
    let client = tx.client();
    // The server said no, and so nothing was written. Without a word from it nobody knows.
    let was_refused = AtomicBool::new(false);
    let sent = async {
        let mut statements = Vec::new();
        for prepared in &page {
            statements.push(client.prepare_cached(prepared.sql).await?);
        }
        let changes = statements.iter().zip(&page).map(|(statement, prepared)| {
            let params = prepared.values();
            async move { client.execute(statement, &params).await.map(drop) }
        });
        let changes: Vec<_> = changes.map(|change| Box::pin(change) as Sent<'_, ()>).collect();
        let commit = commits.then(|| Box::pin(client.batch_execute("COMMIT")) as Sent<'_, ()>);
        let sent = all_at_once(changes.into_iter().chain(commit).collect()).await;
        let is_refusal = |error: &tokio_postgres::Error| {
            error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
        };
        was_refused.store(sent.as_ref().is_err_and(is_refusal), Relaxed);
        sent
    };
    match tx.run(sent).await {
        Err(StoreError::Unavailable(why)) if commits && !was_refused.load(Relaxed) => {
            Err(StoreError::Unavailable(format!("{why}; whether the scan was recorded is not known")))
        }
        Err(error) => Err(nothing_written(error)),
        Ok(_) => Ok(()),
    }
}

/// Whatever kept a batch from its commit, to each of its scans it means the same. An unknown tenant stays one.
fn nothing_written(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(_) | StoreError::NotFound(_) => error,
        other => unavailable(&other.to_string()),
    }
}
