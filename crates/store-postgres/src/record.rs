//! One batch of scans of a tenant in one transaction and two round trips: all that settling them needs is read at once,
//! they are settled in memory, and all that came of it is written at once, the COMMIT behind it.
//!
//! The tenant is locked from the first statement to the COMMIT, which does not wait for the disk. What waits is a transaction
//! behind it that writes nothing but a mark into the server's log: the log is flushed in its order, so once the mark is
//! durable, so is the batch, and only then are its scans answered. Meanwhile the next batch, of this process or another, is
//! on its way. What it builds on may still be lost in a crash, but then it is lost itself: its own mark is further behind.

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
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};
use tokio_postgres::error::Severity;
use write::Page;

/// Sealed requests of one batch, in bytes: what is more waits for the next. One statement holds 1 GB at most.
const MOST_BYTES: usize = 32 << 20;

/// Positions per row of `activity_spans`.
pub(crate) const SPAN: i64 = 1_024;

/// Lets go of the tenant without waiting for the disk.
const COMMIT: &str = "SET LOCAL synchronous_commit = off; COMMIT";

/// Durable once it is answered, with everything that was committed before. Where the server waits for standbys, so does this.
/// Nobody reads the message.
const DURABLE: &str = "SELECT pg_logical_emit_message(true, 'interven', '')";

/// A batch after its COMMIT.
pub(crate) struct Committed {
    /// Those that did not fit.
    pub left: Vec<Job>,
    /// Ends when the batch is durable and its scans are answered.
    pub answered: Option<JoinHandle<()>>,
}

/// Records a batch and sees to it that each of its scans is answered. Returns as soon as the tenant is free for the next.
pub(crate) async fn record(store: &Arc<Inner>, tenant: TenantId, batch: Vec<Job>) -> Committed {
    let ask = Ask::of_scans(batch.iter().map(|job| &job.scan));
    let (tx, mut book) = match begin(store, tenant, &ask).await {
        Ok(begun) => begun,
        Err(error) => {
            for job in batch {
                Job::answer(job.apart().1, Err(nothing_written(error.clone())));
            }
            return Committed { left: Vec::new(), answered: None };
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
    for (reply, error) in refused {
        Job::answer(reply, Err(error));
    }
    let (committed, is_free) = oneshot::channel();
    let store = Arc::clone(store);
    let answered = tokio::spawn(async move {
        let written = finish(tx, tenant, &book, &receipts, committed).await;
        if written.is_ok() && !receipts.is_empty() {
            store.recorder.count_commit(receipts.len());
        }
        for (reply, receipt) in replies.into_iter().zip(receipts) {
            Job::answer(reply, written.clone().map(|()| receipt));
        }
    });
    // Free too when it was dropped: then there was no COMMIT.
    let _ = is_free.await;
    Committed { left, answered: Some(answered) }
}

/// Records scans that were settled and answered without the store. Says how many the log did not hold yet.
pub(crate) async fn append(store: &Arc<Inner>, tenant: TenantId, scans: &[Settled]) -> StoreResult<u64> {
    let (mut tx, mut book) = begin(store, tenant, &Ask::of_settled(scans)).await?;
    let appended: Vec<Option<Receipt>> =
        scans.iter().map(|scan| book.append(scan)).collect::<StoreResult<_>>()?;
    let receipts: Vec<Receipt> = appended.into_iter().flatten().collect();
    // Whoever holds an agent in memory knows its trust from answers given without the store.
    if !receipts.is_empty() {
        send(&tx, Page::of(tenant, &book, &receipts).statements()?, None).await?;
        let moved = receipts.iter().map(|receipt| Change::Agent(tenant, receipt.settled.row.agent_id));
        moved.chain(announced(tenant, &receipts)).for_each(|change| tx.announce(change));
        tx.commit().await?;
    }
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

/// What subscribers hear of.
fn announced(tenant: TenantId, receipts: &[Receipt]) -> impl Iterator<Item = Change> {
    receipts.iter().flat_map(move |receipt| {
        let approval = match &receipt.settled.approval {
            ApprovalEffect::None => None,
            ApprovalEffect::Create(new) => Some(new.approval_id),
            ApprovalEffect::Use { approval_id, .. } => Some(*approval_id),
        };
        let approval = approval.map(|id| Change::Approval(tenant, id));
        approval.into_iter().chain([Change::Activity(tenant, receipt.ledger_seq)])
    })
}

/// Writes, commits, and waits until it is durable. `committed` hears when others may go on.
async fn finish(
    tx: Tx,
    tenant: TenantId,
    book: &Book,
    receipts: &[Receipt],
    committed: oneshot::Sender<()>,
) -> StoreResult<()> {
    if !receipts.is_empty() {
        send(&tx, Page::of(tenant, book, receipts).statements()?, Some(committed)).await?;
        tx.close(announced(tenant, receipts));
    }
    Ok(())
}

/// All statements in one round trip, in their order; with `committed`, the COMMIT and what makes it durable behind them.
/// Where one of them fails, PostgreSQL makes a rollback of the COMMIT and calls that no error: so each is looked at.
async fn send(tx: &Tx, page: Vec<Prepared<'_>>, committed: Option<oneshot::Sender<()>>) -> StoreResult<()> {
    let client = tx.client();
    let commits = committed.is_some();
    // The server said no before the COMMIT, and so nothing was written. Without a word from it nobody knows.
    let (was_refused, is_committed) = (AtomicBool::new(false), AtomicBool::new(false));
    let sent = async {
        let mut statements = Vec::new();
        for prepared in &page {
            statements.push(client.prepare_cached(prepared.sql).await?);
        }
        let changes = statements.iter().zip(&page).map(|(statement, prepared)| {
            let params = prepared.values();
            async move { client.execute(statement, &params).await.map(drop) }
        });
        let mut all: Vec<Sent<'_, ()>> = changes.map(|change| Box::pin(change) as _).collect();
        if let Some(committed) = committed {
            let durable = client.prepare_cached(DURABLE).await?;
            all.push(Box::pin(async {
                client.batch_execute(COMMIT).await?;
                is_committed.store(true, Relaxed);
                // Nobody waits for it when the runtime stops.
                let _ = committed.send(());
                Ok(())
            }));
            all.push(Box::pin(async move { client.execute(&durable, &[]).await.map(drop) }));
        }
        let sent = all_at_once(all).await;
        let is_refusal = |error: &tokio_postgres::Error| {
            error.as_db_error().is_some_and(|said| said.parsed_severity() == Some(Severity::Error))
        };
        was_refused.store(sent.as_ref().is_err_and(is_refusal) && !is_committed.load(Relaxed), Relaxed);
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
