//! PostgreSQL behind a network with weather, and PostgreSQL that refuses: both modes, and everything acknowledged is there once.

use crate::world::{Answer, World, eventually, spool_in};
use interven_live::SpoolOptions;
use interven_store::{ActivityFilter, Store};
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_testkit::{
    ChaosProxy, Direction, Weather,
    postgres::{Cluster, Durability},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What one call to the store may take.
const LIMIT: Duration = Duration::from_secs(2);
/// An answer is there by then, whatever happens: a caller, a tenant and a record are three calls at most.
const ANSWERED: Duration = Duration::from_secs(8);

/// Both services on a database of a cluster, with a network between.
struct Scene {
    world: World,
    proxy: ChaosProxy,
    cluster: Arc<Cluster>,
    database: String,
    /// Traces of scans that were answered with a decision.
    answered: Mutex<BTreeSet<String>>,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn start(cluster: Arc<Cluster>, is_spooling: bool) -> Self {
        let address = cluster.database();
        let proxy = ChaosProxy::to(cluster.port()).await;
        let url = address.replace(&format!(":{}/", cluster.port()), &format!(":{}/", proxy.port()));
        let database = address.rsplit('/').next().unwrap().to_owned();
        let options = PostgresOptions {
            connect_timeout: LIMIT,
            statement_timeout: LIMIT,
            transaction_timeout: LIMIT,
            ..PostgresOptions::new(url)
        };
        let store: Arc<dyn Store> = Arc::new(PostgresStore::open(options).await.unwrap());
        let directory = tempfile::tempdir().unwrap();
        let spool = SpoolOptions { store_timeout: LIMIT, ..spool_in(directory.path()) };
        let world = World::start(store, is_spooling.then_some(spool)).await;
        let answered = Mutex::default();
        let scene = Self { world, proxy, cluster, database, answered, _directory: directory };
        scene.recovers().await;
        scene
    }

    async fn say(&self) -> Answer {
        let started = Instant::now();
        let answer = self.world.say("hello").await;
        assert!(started.elapsed() < ANSWERED, "took {:?}: {answer:?}", started.elapsed());
        match answer.status {
            200 => _ = self.answered.lock().unwrap().insert(answer.text("trace_id")),
            _ => assert_eq!(answer.code(), (503, "AUDIT_UNAVAILABLE"), "{answer:?}"),
        }
        answer
    }

    async fn health(&self) -> (u16, u16) {
        let gateway = self.world.agent("GET", "/health", Value::Null).await.status;
        (gateway, self.world.operator("GET", "/health", Value::Null).await.status)
    }

    fn sql(&self, sql: &str) {
        self.cluster.sql(&self.database, sql);
    }

    /// By itself, with nothing waiting.
    async fn recovers(&self) {
        eventually("both services are well", async || self.health().await == (200, 200)).await;
        eventually("nothing waits", async || {
            self.world.live.spool_state().is_none_or(|spool| spool.waiting == 0)
        })
        .await;
        eventually("scans are recorded", async || self.say().await.body["ledger_seq"].is_u64()).await;
    }

    /// The database goes away, as `what` says.
    async fn goes_away(&self, what: &str, weather: Weather) {
        let is_spooling = self.world.live.spool_state().is_some();
        let wanted = if is_spooling { (200, Value::Null) } else { (503, Value::Null) };
        eventually(what, async || {
            self.proxy.set(weather);
            // Of what was under way some may still arrive.
            for _ in 0..3 {
                let answer = self.say().await;
                if (answer.status, answer.body["ledger_seq"].clone()) == wanted {
                    return true;
                }
            }
            // A change of the tenant was announced and could not be loaded any more: the caller would have to be looked up.
            self.proxy.set(Weather::Clear);
            self.recovers().await;
            false
        })
        .await;
        assert_eq!(self.health().await, (wanted.0, 503), "{what}");
        let started = Instant::now();
        let read = self.world.operator("GET", "/api/telemetry/settings", Value::Null).await;
        assert!(started.elapsed() < ANSWERED, "{what}");
        let change = self.world.operator("POST", "/api/telemetry/keys", json!({"name": "new"})).await;
        for answer in [read, change] {
            assert!(answer.status == 200 || answer.code() == (503, "UNAVAILABLE"), "{what}: {answer:?}");
        }
    }

    /// Everything that was answered is there, once, and positions have no gap.
    async fn everything_is_there_once(&self) {
        let mut rows = Vec::new();
        loop {
            let filter =
                ActivityFilter { after_seq: Some(rows.len() as u64), limit: 1_000, ..Default::default() };
            let page = self.world.live.store.activity(self.world.tenant, &filter).await.unwrap();
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        let positions: Vec<_> = rows.iter().map(|row| row.ledger_seq).collect();
        assert_eq!(positions, (1..=rows.len() as u64).collect::<Vec<_>>());
        let recorded: BTreeSet<_> = rows.iter().map(|row| row.trace_id.to_string()).collect();
        assert_eq!(recorded.len(), rows.len(), "recorded twice");
        let lost: Vec<_> = self.answered.lock().unwrap().difference(&recorded).cloned().collect();
        assert_eq!(lost, Vec::<String>::new(), "answered and not recorded");
    }
}

async fn weathers(is_spooling: bool) {
    let scene = Scene::start(Cluster::shared(), is_spooling).await;
    let storms = [
        ("refused", Weather::Refused),
        ("silent", Weather::Silent),
        ("half-open, to the server", Weather::OneWay(Direction::ToServer)),
        ("half-open, to the client", Weather::OneWay(Direction::ToClient)),
        (
            "2.5 s for each answer",
            Weather::Slow { delay: Duration::from_millis(2_500), bytes_per_second: 1 << 20 },
        ),
        ("cut in the middle of a message", Weather::CutAfter(3)),
    ];
    for (what, weather) in storms {
        println!("weather: {what}");
        scene.goes_away(what, weather).await;
        scene.proxy.set(Weather::Clear);
        scene.recovers().await;
    }
    scene.proxy.set(Weather::Slow { delay: Duration::from_millis(50), bytes_per_second: 1 << 20 });
    let answer = scene.say().await;
    assert_eq!(answer.status, 200, "slow is not away: {answer:?}");
    scene.proxy.set(Weather::Clear);
    scene.recovers().await;
    scene.everything_is_there_once().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_weather_with_scans_refused() {
    weathers(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_weather_with_a_spool() {
    weathers(true).await;
}

/// Full and read-only, as PostgreSQL itself reports it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_recovers() {
    for is_spooling in [false, true] {
        let scene = Scene::start(Cluster::shared(), is_spooling).await;
        scene.sql(
            "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
             CREATE TRIGGER disk_is_full BEFORE INSERT ON activity_log FOR EACH ROW EXECUTE FUNCTION disk_is_full()",
        );
        let wanted = if is_spooling { 200 } else { 503 };
        eventually("the disk is full", async || {
            let answer = scene.say().await;
            (answer.status, &answer.body["ledger_seq"]) == (wanted, &Value::Null)
        })
        .await;
        scene.sql("DROP TRIGGER disk_is_full ON activity_log");
        scene.recovers().await;
        scene.everything_is_there_once().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_refuses_and_recovers() {
    for is_spooling in [false, true] {
        let scene = Scene::start(Cluster::shared(), is_spooling).await;
        let switch = |value: &str| {
            scene.cluster.sql(
                "postgres",
                &format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", scene.database),
            );
            let others = format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
                scene.database
            );
            scene.cluster.sql("postgres", &others);
        };
        switch("on");
        let wanted = if is_spooling { 200 } else { 503 };
        eventually("it is read-only", async || {
            let answer = scene.say().await;
            (answer.status, &answer.body["ledger_seq"]) == (wanted, &Value::Null)
        })
        .await;
        assert_eq!(scene.health().await, (wanted, 503));
        switch("off");
        scene.recovers().await;
        scene.everything_is_there_once().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_loses_nothing_that_was_answered() {
    for is_spooling in [false, true] {
        let cluster = Arc::new(Cluster::start(Durability::Full, &[]));
        let scene = Arc::new(Scene::start(cluster, is_spooling).await);
        for _ in 0..3 {
            let (stop, stopped) = tokio::sync::watch::channel(false);
            let mut agents = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let (scene, stopped) = (scene.clone(), stopped.clone());
                agents.spawn(async move {
                    while !*stopped.borrow() {
                        scene.say().await;
                    }
                });
            }
            let answered = || scene.answered.lock().unwrap().len();
            let before = answered();
            eventually("scans are answered", async || answered() > before + 20).await;
            let server = scene.clone();
            tokio::task::spawn_blocking(move || {
                server.cluster.kill();
                server.cluster.restart();
            })
            .await
            .unwrap();
            let before = answered();
            eventually("scans are answered again", async || answered() > before + 20).await;
            stop.send_replace(true);
            agents.join_all().await;
        }
        scene.recovers().await;
        scene.everything_is_there_once().await;
    }
}
