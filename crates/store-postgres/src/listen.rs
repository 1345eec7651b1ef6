//! Hearing of what other processes change: at once by NOTIFY, and within a poll where that channel is cut.

use crate::{Inner, changes::Heard, connections::Connections, error::told, partitions, session::Session};
use interven_store::{Change, StoreResult};
use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Weak},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Error};
use uuid::Uuid;

/// How often revisions are compared.
const POLL_EVERY: Duration = Duration::from_millis(500);
/// How long a notification may take that a poll has overtaken.
const OVERTAKEN: Duration = Duration::from_millis(100);
/// Pauses between attempts to listen again: doubled from the first up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);
/// How often a silent channel is tried, and how long an answer to that may take, or to listening at all.
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// The two ways of hearing, and what is made ahead of time. They end when the store is dropped, too.
pub(crate) struct Listener(Vec<JoinHandle<()>>);

impl Listener {
    /// Without `connections` it only polls.
    pub(crate) fn start(store: &Arc<Inner>, connections: Option<Connections>) -> Self {
        let mut tasks = vec![tokio::spawn(poll(Arc::downgrade(store))), partitions::keep_making(store)];
        tasks.extend(connections.map(|connections| tokio::spawn(listen(Arc::downgrade(store), connections))));
        Self(tasks)
    }

    pub(crate) async fn stop(self) {
        for task in self.0 {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Inner {
    /// Tells the subscribers of this process.
    pub(crate) fn tell(&self, change: Change) {
        // Without subscribers there is nobody to tell.
        let _ = self.changes.send(change);
    }

    fn hear(&self, payload: &str) {
        match Heard::read(payload) {
            Heard::Told { writer, .. } if writer == self.writer => {}
            Heard::Told { announcement, revision, .. } => {
                self.revisions.lock().hear(&BTreeMap::from([(announcement.tenant.0, revision)]));
                self.tell(announcement.change);
            }
            Heard::Untold => self.tell(Change::Everything),
        }
    }
}

/// Takes what is stored by now as known: what comes later is heard.
pub(crate) async fn begin(store: &Inner) -> StoreResult<()> {
    let stored = stored(store).await?;
    store.revisions.lock().catch_up(&stored);
    Ok(())
}

/// Takes the changes that are stored as known. Answers whether any of them was missed.
async fn catch_up(store: &Inner) -> StoreResult<bool> {
    let stored = stored(store).await?;
    let has_missed = || store.revisions.lock().has_missed(&stored);
    if has_missed() {
        sleep(OVERTAKEN).await;
    }
    let has_missed = has_missed();
    store.revisions.lock().catch_up(&stored);
    Ok(has_missed)
}

/// The revision of each tenant.
async fn stored(store: &Inner) -> StoreResult<Vec<(Uuid, i64)>> {
    let session = Session::open(&store.pool, store.transaction_timeout).await?;
    // Changes by hand are counted under an id that no tenant has.
    let sql = "SELECT tenant_id, revision FROM tenant_counters UNION ALL
         SELECT '00000000-0000-0000-0000-000000000000'::uuid, count(*) FROM changes_by_hand";
    session.rows(sql, &[], |row| Ok((row.uuid("tenant_id")?, row.number("revision")?))).await
}

async fn poll(store: Weak<Inner>) {
    let mut ticks = interval(POLL_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_well = true;
    loop {
        ticks.tick().await;
        let Some(store) = store.upgrade() else { return };
        match catch_up(&store).await {
            Ok(has_missed) => {
                if has_missed {
                    store.tell(Change::Everything);
                }
                is_well = true;
            }
            // Said once: the scans that fail meanwhile say it loud enough.
            Err(error) if is_well => {
                tracing::warn!(%error, "cannot tell whether another process changed anything");
                is_well = false;
            }
            Err(_) => {}
        }
    }
}

async fn listen(store: Weak<Inner>, connections: Connections) {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Err(error) = listen_once(&store, &connections, &mut pause).await {
            tracing::warn!(
                error = told(&error),
                "the channel of notifications was cut; changes are found by polling meanwhile"
            );
        }
        if store.strong_count() == 0 {
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

/// Listens until the connection is lost. What was missed before is found by the next poll.
async fn listen_once(
    store: &Weak<Inner>,
    connections: &Connections,
    pause: &mut Duration,
) -> Result<(), Error> {
    let Ok(connected) = timeout(PROBE_LIMIT, connections.connect()).await else { return Ok(()) };
    let (client, mut connection) = connected?;
    let (payloads, mut heard) = mpsc::unbounded_channel();
    let _driving = Driving(tokio::spawn(async move {
        while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
            if let AsyncMessage::Notification(notification) = message? {
                let _ = payloads.send(notification.payload().to_owned());
            }
        }
        Ok::<(), Error>(())
    }));
    let Ok(listening) = timeout(PROBE_LIMIT, client.batch_execute("LISTEN interven")).await else {
        return Ok(());
    };
    listening?;
    *pause = FIRST_PAUSE;
    loop {
        match timeout(PROBE_EVERY, heard.recv()).await {
            Ok(Some(payload)) => match store.upgrade() {
                Some(store) => store.hear(&payload),
                None => return Ok(()),
            },
            Ok(None) => return Ok(()),
            Err(_) if store.strong_count() == 0 => return Ok(()),
            Err(_) => match timeout(PROBE_LIMIT, client.check_connection()).await {
                Ok(alive) => alive?,
                Err(_) => return Ok(()),
            },
        }
    }
}

/// Ends the task that moves a connection on.
struct Driving(JoinHandle<Result<(), Error>>);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}
