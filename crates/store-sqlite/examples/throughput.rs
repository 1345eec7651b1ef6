//! Scans recorded durably per second, by how many callers wait at once.
//!
//! `cargo run --release -p interven-store-sqlite --example throughput [directory] [seconds per row]`

use interven_store::{ActivityStore, Actor, AgentClaim, AgentStore, Lesson, TenantStore};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::store_conformance::a_plain_scan;
use interven_types::{AgentId, RuntimeType, TenantId, Timestamp};
use serde_json::json;
use std::{
    error::Error,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

const CALLERS: [usize; 3] = [1, 32, 256];

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

#[expect(clippy::print_stdout, reason = "the table is the product of this program")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let home = tempfile::tempdir_in(directory)?;
    let store = SqliteStore::open(SqliteOptions::new(home.path().join("data.db"))).await?;
    let tenant = store.create_tenant("acme", &Actor::system(), now()).await?.tenant_id;
    let claim = AgentClaim::Name("worker".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await?.agent_id;

    println!(
        "| callers | scans/s | p50 ms | p99 ms | scans per commit | writing µs per scan | ms per commit |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for callers in CALLERS {
        let before = store.writer_load();
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..callers {
            running.spawn(call_until(store.clone(), tenant, agent, until));
        }
        let mut waits: Vec<Duration> =
            running.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        waits.sort_unstable();
        let rate = waits.len() as f64 / seconds as f64;
        let quantile = |q: usize| waits.get(waits.len() * q / 100).map_or(0.0, |w| w.as_secs_f64() * 1e3);
        let after = store.writer_load();
        let (jobs, batches) = ((after.jobs - before.jobs) as f64, (after.batches - before.batches) as f64);
        println!(
            "| {callers} | {rate:.0} | {:.2} | {:.2} | {:.1} | {:.1} | {:.2} |",
            quantile(50),
            quantile(99),
            jobs / batches,
            (after.working - before.working).as_secs_f64() * 1e6 / jobs,
            (after.committing - before.committing).as_secs_f64() * 1e3 / batches
        );
    }
    store.close().await;
    Ok(())
}

/// One caller: the next scan once the last is durable. Returns how long each took.
async fn call_until(
    store: SqliteStore,
    tenant: TenantId,
    agent: AgentId,
    until: Instant,
) -> interven_store::StoreResult<Vec<Duration>> {
    let mut waits = Vec::new();
    while Instant::now() < until {
        let entry = a_plain_scan(agent, now(), |_, settled| {
            settled.trust.clean_streak += 1;
            settled.lesson = Some(Lesson::default());
            settled.row.facts = json!({"name": "worker", "baseline": vec!["x".repeat(100); 15]});
            settled.row.sealed_request = vec![0x5a; 2_048];
        });
        let begun = Instant::now();
        store.record_scan(tenant, entry).await?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}
