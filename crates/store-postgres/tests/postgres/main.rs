//! The store on a real server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails there and then")]

mod opening;
mod telling;

use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_types::Timestamp;

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(PostgresOptions::new(url)).await.unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000)
}
