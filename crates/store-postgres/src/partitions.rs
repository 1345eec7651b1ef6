//! Monthly partitions of `activity_log`, made ahead of time by whoever runs, and dropped once retention has taken every row
//! of a month that is over. What no partition is for, such as a clock that is years off, is caught by the default one.

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

/// Gives the room of past months back whole, which rows that are deleted do not. Dropping takes the lock that scans take too,
/// in their order: it gives up quickly, and tries again later.
const DROP: &str = "DO $$
DECLARE
    partition regclass;
    is_empty boolean;
BEGIN
    SET LOCAL lock_timeout = '2s';
    FOR partition IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent = 'activity_log'::regclass AND inhrelid::regclass::text ~ '^activity_log_\\d{4}_\\d\\d$'
            AND right(inhrelid::regclass::text, 7) < to_char(now() - interval '1 month', 'YYYY_MM')
    LOOP
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', partition) INTO is_empty;
        CONTINUE WHEN NOT is_empty;
        LOCK TABLE activity_log IN ACCESS EXCLUSIVE MODE;
        EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s)', partition) INTO is_empty;
        IF is_empty THEN
            EXECUTE format('DROP TABLE %s', partition);
        END IF;
    END LOOP;
END
$$";

/// The task that makes and drops them. It ends when the store is dropped.
pub(crate) fn keep_making(store: &Arc<Inner>) -> JoinHandle<()> {
    let store = Arc::downgrade(store);
    tokio::spawn(async move {
        loop {
            sleep(MAKE_EVERY).await;
            let Some(store) = store.upgrade() else { return };
            make_now(&store).await;
            drop_empty(&store).await;
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
    run(store, &MAKE.replace("MONTHS_AHEAD", &MONTHS_AHEAD.to_string())).await
}

/// An empty month costs a little room, and each query a look at its name.
pub(crate) async fn drop_empty(store: &Inner) {
    if let Err(error) = run(store, DROP).await {
        tracing::info!(%error, "empty partitions of past months could not be dropped; it is tried again");
    }
}

async fn run(store: &Inner, sql: &str) -> StoreResult<()> {
    let session = Session::open(&store.pool, store.transaction_timeout).await?;
    session.run(session.client().batch_execute(sql)).await
}
