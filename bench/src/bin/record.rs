//! How fast a store records: callers that each record one scan after the other, on one tenant and on eight, on either
//! backend. The disk is asked to keep what it is told.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bench::{Backend, Latencies};
use clap::Parser;
use interven_store::{Actor, AgentClaim, Lesson, RateLimit, ScanEntry, Store};
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::postgres::{Cluster, Durability};
use interven_testkit::store_conformance::a_plain_scan;
use interven_types::{AgentId, RuntimeType, TenantId, Timestamp};
use serde_json::json;
use std::time::SystemTime;
use tokio::task::JoinSet;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// sqlite, postgres, or both in turn
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    store: Vec<Backend>,
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    tenants: Vec<usize>,
    #[arg(long, value_delimiter = ',', default_value = "1,32,128")]
    callers: Vec<usize>,
    /// Seconds that are measured, after one that is not
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Agents of each tenant.
const AGENTS: usize = 16;

/// A store, and what is removed with it.
enum Opened {
    Sqlite { store: SqliteStore, _directory: tempfile::TempDir },
    Postgres { store: PostgresStore, _cluster: Box<Cluster> },
}

impl Opened {
    async fn new(backend: Backend) -> anyhow::Result<Self> {
        Ok(match backend {
            Backend::Sqlite => {
                let directory = tempfile::tempdir()?;
                let options = SqliteOptions::new(directory.path().join("interven.db"));
                Self::Sqlite { store: SqliteStore::open(options).await?, _directory: directory }
            }
            Backend::Postgres => {
                let cluster =
                    Cluster::start(Durability::Full, &["max_wal_size = '4GB'", "shared_buffers = '512MB'"]);
                let store = PostgresStore::open(PostgresOptions::new(cluster.database())).await?;
                Self::Postgres { store, _cluster: Box::new(cluster) }
            }
        })
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite { store, .. } => Arc::new(store.clone()),
            Self::Postgres { store, .. } => Arc::new(store.clone()),
        }
    }

    fn commits(&self) -> u64 {
        match self {
            Self::Sqlite { store, .. } => store.writer_load().batches,
            Self::Postgres { store, .. } => store.recorder_load().commits,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    println!("store     tenants  callers   scans/s     p50 ms     p99 ms   scans per commit");
    for backend in asked.store {
        let opened = Opened::new(backend).await?;
        for (round, tenants) in asked.tenants.iter().enumerate() {
            let callees = callees(&*opened.store(), round, *tenants).await?;
            for callers in &asked.callers {
                run(&opened, &callees, *callers, Duration::from_secs(1)).await?;
                let before = opened.commits();
                let limit = Duration::from_secs(asked.seconds);
                let latencies = run(&opened, &callees, *callers, limit).await?;
                let commits = opened.commits() - before;
                println!(
                    "{backend:<9} {tenants:>7} {callers:>8} {:>9.0} {:>10.3} {:>10.3} {:>18.1}",
                    latencies.count() as f64 / limit.as_secs_f64(),
                    latencies.milliseconds_at(0.5),
                    latencies.milliseconds_at(0.99),
                    latencies.count() as f64 / commits.max(1) as f64,
                );
            }
        }
    }
    Ok(())
}

async fn callees(
    store: &dyn Store,
    round: usize,
    tenants: usize,
) -> anyhow::Result<Vec<(TenantId, AgentId)>> {
    let mut all = Vec::new();
    for number in 0..tenants {
        let name = format!("tenant-{round}-{number}");
        let tenant = store.create_tenant(&name, &Actor::system(), now()).await?.tenant_id;
        for number in 0..AGENTS {
            let claim = AgentClaim::Name(format!("agent-{number}"));
            let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await?;
            all.push((tenant, agent.agent_id));
        }
    }
    Ok(all)
}

async fn run(
    opened: &Opened,
    callees: &[(TenantId, AgentId)],
    callers: usize,
    limit: Duration,
) -> anyhow::Result<Latencies> {
    let mut running = JoinSet::new();
    let end = Instant::now() + limit;
    for caller in 0..callers {
        let store = opened.store();
        // Those next to each other belong to different tenants.
        let place = (caller * AGENTS + caller / (callees.len() / AGENTS).max(1)) % callees.len();
        let (tenant, agent) = *callees.get(place).context("there is a callee")?;
        running.spawn(async move {
            let mut latencies = Latencies::new()?;
            while Instant::now() < end {
                let begun = Instant::now();
                store.record_scan(tenant, scan(agent)).await?;
                latencies.record(begun.elapsed());
            }
            anyhow::Ok(latencies)
        });
    }
    let mut all = Latencies::new()?;
    for latencies in running.join_all().await {
        all.add(&latencies?)?;
    }
    Ok(all)
}

/// An allowed call as the gateway would record it: documents and body of the usual size.
fn scan(agent: AgentId) -> ScanEntry {
    let scan = a_plain_scan(agent, now(), |_, settled| {
        settled.trust.clean_streak = (settled.trust.clean_streak + 1) % 50;
        settled.lesson = Some(Lesson::default());
        settled.row.facts = json!({"name": "worker", "baseline": "b".repeat(500)});
        settled.row.sealed_request = vec![7; 900];
    });
    ScanEntry { rate_limit: std::num::NonZeroU32::new(10_000_000).map(RateLimit::per_minute), ..scan }
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
