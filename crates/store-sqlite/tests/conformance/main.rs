//! The embedded store keeps what every store promises, and what only a file must.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there and then")]

mod upgrades;

use interven_store::{
    ActivityFilter, ActivityStore, Actor, AgentClaim, AgentStore, AuditStore, Change, Precedent, Settled,
    Store, TenantStore,
};
use interven_store_sqlite::{OpenError, SqliteOptions, SqliteStore};
use interven_testkit::store_conformance::{self, a_plain_scan};
use interven_types::{AgentId, RuntimeType, TenantId, Timestamp};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// A store in a directory of its own, with one tenant and one agent.
struct World {
    directory: TempDir,
    store: SqliteStore,
    tenant: TenantId,
    agent: AgentId,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory.path().join("data.db")).await.unwrap();
        let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
        let claim = AgentClaim::Name("worker".into());
        let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap();
        Self { directory, store, tenant, agent: agent.agent_id }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("data.db")
    }

    /// As an operator's shell would.
    fn shell(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    async fn scan(&self, settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static) -> u64 {
        let entry = a_plain_scan(self.agent, now(), settle);
        self.store.record_scan(self.tenant, entry).await.unwrap().ledger_seq
    }
}

fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

async fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    SqliteStore::open(SqliteOptions::new(path)).await
}

/// The one line an operator reads.
async fn refusal(path: &Path) -> String {
    open(path).await.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_every_promise_of_the_traits() {
    let directory = tempfile::tempdir().unwrap();
    let opened = AtomicU32::new(0);
    store_conformance::run_all(async || {
        let number = opened.fetch_add(1, Ordering::Relaxed);
        let store = open(&directory.path().join(format!("{number}.db"))).await.unwrap();
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_there_after_a_restart() {
    let world = World::new().await;
    world.scan(|_, _| ()).await;
    world.store.close().await;
    assert!(world.store.ping().await.is_err(), "a closed store serves nobody");
    let again = open(&world.path()).await.unwrap();
    again.ping().await.unwrap();
    assert_eq!(again.scans_in_month(world.tenant, now()).await.unwrap(), 1);
    let verdict: String = world.shell().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let world = World::new().await;
    world.scan(|_, settled| settled.row.sealed_request = vec![7; 100_000]).await;
    world.store.close().await;
    let whole = std::fs::read(world.path()).unwrap();
    let page = 4_096;
    let damaged: [(&str, Vec<u8>); 4] = [
        ("half written", whole[..whole.len() / 2].to_vec()),
        ("text", b"hello, this is not a database\n".repeat(200)),
        ("overwritten within", [&whole[..page * 2], &[0xa5; 8_192], &whole[page * 4..]].concat()),
        ("its header alone", whole[..100].to_vec()),
    ];
    for (case, bytes) in damaged {
        let path = world.directory.path().join(format!("{case}.db"));
        std::fs::write(&path, bytes).unwrap();
        let line = refusal(&path).await;
        assert!(line.contains(&format!("{case}.db` is damaged or no database")), "{case}: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    std::fs::create_dir(directory.path().join("directory.db")).unwrap();
    for place in ["file/data.db", "absent/data.db", "directory.db"] {
        let line = refusal(&directory.path().join(place)).await;
        assert!(line.contains(&format!("{place}` cannot be written")), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_one_file_is_refused_until_the_first_ends() {
    let world = World::new().await;
    let line = refusal(&world.path()).await;
    assert!(line.contains("data.db` is in use by another running instance"), "{line}");
    world.store.close().await;
    open(&world.path()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_build_is_refused() {
    let world = World::new().await;
    world.store.close().await;
    let cases = [
        ("UPDATE schema_migrations SET checksum = 'x' WHERE version = 1", "migration 1 (`initial`) differs"),
        ("INSERT INTO schema_migrations VALUES (9999, 'future', 'x', '')", "schema 9999"),
    ];
    for (tampering, expected) in cases {
        world.shell().execute_batch(tampering).unwrap();
        let line = refusal(&world.path()).await;
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_trust_update_is_noticed_and_kept() {
    let world = World::new().await;
    world
        .scan(|_, settled| {
            settled.trust.trust_score = 0.1;
            settled.trust.deny_count_24h = 9;
        })
        .await;
    let mut changes = world.store.changes();
    let sql = format!(
        "UPDATE agent_trust_state SET trust_score = 1.0, scrutiny_until = NULL, high_risk_count_1h = 0,
         critical_count_24h = 0, ti_match_count_24h = 0, semantic_match_count_24h = 0, deny_count_24h = 0,
         approval_count_24h = 0, updated_at = datetime('now') WHERE agent_id = '{}'",
        world.agent
    );
    assert_eq!(world.shell().execute(&sql, []).unwrap(), 1);
    let noticed = async { while changes.recv().await.unwrap() != Change::Everything {} };
    tokio::time::timeout(Duration::from_secs(2), noticed).await.unwrap();

    world
        .scan(|known, settled| {
            assert_eq!((known.trust.trust_score, known.trust.deny_count_24h), (1.0, 0));
            settled.trust.clean_streak += 1;
        })
        .await;
    let trust = world.store.agent(world.tenant, world.agent).await.unwrap().trust;
    assert_eq!((trust.trust_score, trust.deny_count_24h, trust.clean_streak), (1.0, 0, 1));
    assert!(now().since(trust.updated_at) < Duration::from_secs(60), "the shell's time is read as UTC");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_stands_in_a_trust_cell_is_read_safely() {
    let world = World::new().await;
    let cases = [
        ("trust_score = NULL", 0.0, false),
        ("trust_score = 'high'", 0.0, false),
        ("trust_score = 7", 1.0, false),
        ("trust_score = -3", 0.0, false),
        ("trust_score = 0.5, scrutiny_until = 'tomorrow'", 0.5, true),
        ("scrutiny_until = x'ff'", 0.5, true),
        ("scrutiny_until = '2020-01-01 00:00:00', deny_count_24h = 'many'", 0.5, false),
        ("scrutiny_until = NULL, deny_count_24h = -5, updated_at = NULL", 0.5, false),
    ];
    for (assignment, score, is_watched) in cases {
        world.shell().execute(&format!("UPDATE agent_trust_state SET {assignment}"), []).unwrap();
        let trust = world.store.agent(world.tenant, world.agent).await.unwrap().trust;
        assert_eq!(trust.trust_score, score, "{assignment}");
        assert_eq!(trust.scrutiny_until.is_some_and(|until| now() < until), is_watched, "{assignment}");
        assert_eq!(trust.deny_count_24h, 0, "{assignment}");
        world.scan(|_, _| ()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_trust_that_cannot_be_read_stops_no_scan_and_hides_no_other() {
    let world = World::new().await;
    let (tenant, agent) = (world.tenant, world.agent);
    for (kind, trace) in [("DENY", "NULL"), ("deny", "'no trace'"), ("deny", "NULL")] {
        let sql = format!(
            "INSERT INTO trust_events (tenant_id, agent_id, at, kind, delta, score_after, trace_id)
             VALUES ('{tenant}', '{agent}', '{}', '{kind}', -0.1, 0.9, {trace})",
            now()
        );
        world.shell().execute(&sql, []).unwrap();
    }
    world.scan(|known, _| assert_eq!(known.denials_1h, 1)).await;
    assert_eq!(world.store.trust_events(tenant, agent, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_row_of_the_log_does_not_hide_the_others() {
    let world = World::new().await;
    for _ in 0..3 {
        world.scan(|_, _| ()).await;
    }
    let damage = "UPDATE activity_log SET verdict = '{' WHERE ledger_seq = 2";
    assert_eq!(world.shell().execute(damage, []).unwrap(), 1);
    let filter = ActivityFilter { limit: 10, ..ActivityFilter::default() };
    let rows = world.store.sealed_activity(world.tenant, &filter).await.unwrap();
    let read: Vec<_> = rows.into_iter().map(|(seq, row)| (seq, row.map(|row| row.ledger_seq).ok())).collect();
    assert_eq!(read, [(3, Some(3)), (2, None), (1, Some(1))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_or_panics_harms_no_other() {
    let world = World::new().await;
    let mut running = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (store, tenant) = (world.store.clone(), world.tenant);
        let entry = a_plain_scan(world.agent, now(), move |_, settled| match number % 3 {
            0 => panic!("a defect in a settling step"),
            // Twice the same trace: the second breaks a constraint.
            1 => settled.row.trace_id = interven_types::TraceId(uuid::Uuid::from_u128(1)),
            _ => settled.trust.clean_streak += 1,
        });
        running.spawn(async move { store.record_scan(tenant, entry).await });
    }
    let results = running.join_all().await;
    let given: BTreeSet<u64> = results.into_iter().flatten().map(|receipt| receipt.ledger_seq).collect();
    assert_eq!(given, (1..=11).collect(), "ten good ones and the first of the twins");
    assert_eq!(world.scan(|_, _| ()).await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_scans_at_once_leave_no_gap() {
    let world = World::new().await;
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let (store, tenant) = (world.store.clone(), world.tenant);
        let entry = a_plain_scan(world.agent, now(), |_, _| ());
        running.spawn(async move { store.record_scan(tenant, entry).await.unwrap().ledger_seq });
    }
    let given: BTreeSet<u64> = running.join_all().await.into_iter().collect();
    assert_eq!(given, (1..=2_000).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_at_once_and_recovers() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        SqliteOptions { queue_len: 2, max_batch: 1, ..SqliteOptions::new(directory.path().join("data.db")) };
    let store = SqliteStore::open(options).await.unwrap();
    let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
    let claim = AgentClaim::Name("worker".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap().agent_id;

    let (started, has_started) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let blocking = a_plain_scan(agent, now(), move |_, _| {
        started.send(()).unwrap();
        released.recv().unwrap();
    });
    let running = tokio::spawn({
        let store = store.clone();
        async move { store.record_scan(tenant, blocking).await }
    });
    tokio::task::spawn_blocking(move || has_started.recv().unwrap()).await.unwrap();
    // The writer is held: two may wait, the third is refused.
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (store, entry) = (store.clone(), a_plain_scan(agent, now(), |_, _| ()));
        waiting.spawn(async move { store.record_scan(tenant, entry).await });
    }
    let refused = waiting.join_next().await.unwrap().unwrap().unwrap_err();
    assert!(refused.to_string().contains("too many writes wait"), "{refused}");
    release.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
}
