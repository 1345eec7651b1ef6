//! Monthly partitions of `activity_log`, made ahead of time by whoever runs. What no partition is for, such as a clock
//! that is years off, is caught by the default one.

use crate::{Inner, session::Session};
use interven_store::StoreResult;
use std::{sync::Arc, time::Duration};
use tokio::{task::JoinHandle, time::sleep};

/// Months made ahead, beside the current one: a process that is not restarted for a quarter misses none.
const MONTHS_AHEAD: i32 = 3;

const MAKE_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// Makes what is missing. Attaching takes a short lock on the default partition, and scans wait for whoever waits for a
/// lock: so it gives up quickly, and tries again later. A month of which the default partition holds rows stays there.
const MAKE: &str = "DO $$
DECLARE
    first timestamptz;
    partition text;
BEGIN
    SET LOCAL lock_timeout = '2s';
    PERFORM pg_advisory_xact_lock(46837836, 1);
    FOR ahead IN 0..MONTHS_AHEAD LOOP
        first := date_trunc('month', now()) + ahead * interval '1 month';
        partition := 'activity_log_' || to_char(first, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL OR EXISTS (
            SELECT 1 FROM activity_log_default WHERE created_at >= first AND created_at < first + interval '1 month');
        EXECUTE format('CREATE TABLE %I (LIKE activity_log INCLUDING ALL)', partition);
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT of_its_month CHECK (created_at >= %L AND created_at < %L)',
            partition, first, first + interval '1 month');
        EXECUTE format('ALTER TABLE activity_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, first, first + interval '1 month');
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT of_its_month', partition);
    END LOOP;
END
$$";

/// The task that makes them. It ends when the store is dropped.
pub(crate) fn keep_making(store: &Arc<Inner>) -> JoinHandle<()> {
    let store = Arc::downgrade(store);
    tokio::spawn(async move {
        loop {
            sleep(MAKE_EVERY).await;
            let Some(store) = store.upgrade() else { return };
            make_now(&store).await;
        }
    })
}

/// Without them everything works on: the default partition takes the rows.
pub(crate) async fn make_now(store: &Inner) {
    if let Err(error) = make(store).await {
        tracing::warn!(%error, "partitions for the months to come could not be made; it is tried again");
    }
}

async fn make(store: &Inner) -> StoreResult<()> {
    let session = Session::open(&store.pool, store.transaction_timeout).await?;
    let sql = MAKE.replace("MONTHS_AHEAD", &MONTHS_AHEAD.to_string());
    session.run(session.client().batch_execute(&sql)).await
}
