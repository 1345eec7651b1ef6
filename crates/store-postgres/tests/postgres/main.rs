//! The store on a real server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails there and then"
)]

mod dump;
mod gateways;
mod opening;
mod schema;
mod telling;
mod tls;
mod twins;

use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_testkit::{postgres::Cluster, store_conformance};
use interven_types::Timestamp;
use std::sync::Arc;

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(PostgresOptions::new(url)).await.unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_790_000_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_what_every_store_promises() {
    let cluster = Cluster::shared();
    store_conformance::run_all(async || Arc::new(open(&cluster.database()).await) as Arc<_>).await;
}
