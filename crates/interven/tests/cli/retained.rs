//! Retention takes rows, and the log still verifies: on both backends, and while it is looked at.

use crate::{
    fleet::Fleet,
    world::{Ran, World, interven, run},
};
use interven_store::{AgentClaim, Store};
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::store_conformance::a_plain_scan;
use interven_types::{RuntimeType, Timestamp};
use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, SystemTime},
};

const OLD: u64 = 300;
const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Records scans of three days ago, the first of the first tenant.
async fn record_old_scans(store: &dyn Store) {
    let tenant = store.tenants().await.unwrap()[0].tenant_id;
    let then = Timestamp::from(SystemTime::now()).saturating_sub(THREE_DAYS);
    let claim = AgentClaim::Name("old".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, then).await.unwrap().agent_id;
    for _ in 0..OLD {
        store.record_scan(tenant, a_plain_scan(agent, then, |_, _| ())).await.unwrap();
    }
}

/// Of 300 old scans, a whole run of 256 is gone, and nothing is missed.
fn must_be_pruned_and_verified(command: impl Fn(&[&str]) -> Ran) {
    let ran = command(&["admin", "retention", "status", "--json"]).must_exit(0).json();
    assert_eq!((&ran["run"]["through"], &ran["run"]["pruned"]["scans"]), (&256.into(), &256.into()), "{ran}");
    let verified = command(&["audit", "verify", "--json"]).must_exit(0).json();
    assert_eq!(
        (&verified[1]["log"], &verified[1]["pruned"]),
        (&"activity".into(), &256.into()),
        "{verified}"
    );
}

fn sealed(command: impl Fn(&[&str]) -> Ran) {
    while command(&["audit", "verify", "--json"]).json()[1]["sealed"].as_u64().unwrap_or(0) < OLD {
        thread::sleep(Duration::from_millis(50));
    }
    command(&["admin", "settings", "set", "retention_days=1"]).must_exit(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_verifies_while_retention_begins_and_after_it() {
    let world = World::start();
    let home = world.home();
    world.stop();
    let store = SqliteStore::open(SqliteOptions::new(home.path().join("data/interven.db"))).await.unwrap();
    record_old_scans(&store).await;
    store.close().await;
    let world = World::start_in(&home);
    sealed(|arguments| world.interven(arguments));

    // Retention runs from beginning to end after the audit log was read, and before the other log is.
    let data_dir = world.data_dir();
    let watched = watched(&world.text("telemetry_url"), "/ledger/activity/entries", move || {
        let mut command = interven();
        command.args(["admin", "retention", "run", "--data-dir"]).arg(data_dir);
        run(&mut command, "").must_exit(0);
    });
    let token = std::fs::read_to_string(home.path().join("data/admin.token")).unwrap();
    let mut verify = interven();
    verify
        .args(["audit", "verify", "--json", "--server", &watched])
        .env("INTERVEN_ADMIN_TOKEN", token.trim());
    let found = run(&mut verify, "").must_exit(0).json();
    assert_eq!(found[1]["pruned"], 256, "{found}");

    must_be_pruned_and_verified(|arguments| world.interven(arguments));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_postgres_verifies_after_retention() {
    let fleet = Fleet::start(&[]);
    fleet.admin(&["admin", "tenant", "create", "acme"]).must_exit(0);
    let store = PostgresStore::open(PostgresOptions::new(&fleet.url)).await.unwrap();
    record_old_scans(&store).await;
    store.close().await;
    sealed(|arguments| fleet.admin(arguments));
    fleet.admin(&["admin", "retention", "run"]).must_exit(0);
    must_be_pruned_and_verified(|arguments| fleet.admin(arguments));
}

/// An address that leads to `to`. Before the first request whose head holds `path` is passed on, `first` is done.
fn watched(to: &str, path: &'static str, first: impl FnOnce() + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let to = to.strip_prefix("http://").unwrap().to_owned();
    thread::spawn(move || {
        let mut first = Some(first);
        for from in listener.incoming() {
            let (mut from, mut server) = (from.unwrap(), TcpStream::connect(&to).unwrap());
            let (mut answers, mut back) = (server.try_clone().unwrap(), from.try_clone().unwrap());
            thread::spawn(move || {
                // The client may be gone before the end.
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Write);
            });
            let mut bytes = [0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut bytes) {
                if String::from_utf8_lossy(&bytes[..read]).contains(path)
                    && let Some(first) = first.take()
                {
                    first();
                }
                server.write_all(&bytes[..read]).unwrap();
            }
        }
    });
    address
}
