//! A whole installation moves from the embedded database into PostgreSQL.

use crate::{
    fleet,
    world::{MERGE, Ran, SLACK, World, interven, leaked_key, read_json, run},
};
use interven_testkit::postgres::Cluster;
use std::{path::Path, process::Command};

fn copy(from: &Path, to: &str) -> Command {
    let mut command = interven();
    command.args(["admin", "copy", "--to", to, "--from"]).arg(format!("sqlite://{}", from.display()));
    command
}

/// A server with something in most tables.
fn installation() -> World {
    let world = World::start();
    let held = world.scan("PUT", MERGE, "{}").must_exit(11).json();
    world.interven(&["approvals", "approve", held["approval_id"].as_str().unwrap()]).must_exit(0);
    let text = format!("{{\"text\":\"tab\\t, line\\n, \\\\ and é, key {}\"}}", leaked_key());
    world.scan("POST", SLACK, &text).must_exit(12);
    world.interven(&["admin", "agent", "suspend", "default-agent"]).must_exit(0);
    world.interven(&["admin", "user", "create", "ada@example.com"]).must_exit(0);
    world
}

#[track_caller]
fn refused(ran: Ran, code: i32, expected: &str) {
    let ran = ran.must_exit(code);
    assert!(ran.stderr.contains(expected) && ran.stdout.is_empty(), "`{expected}` is not in {ran:?}");
}

#[tokio::test]
async fn a_copy_has_every_row_verifies_and_is_gone_on_with() {
    let cluster = Cluster::shared();
    let world = installation();
    let (home, file) = (world.home(), world.data_dir().join("interven.db"));
    let (api_key, secrets) = (world.text("api_key"), read_json(&world.data_dir().join("secrets.json")));
    let url = cluster.database();
    refused(run(&mut copy(&file, &url), ""), 1, "another running instance");
    world.stop();

    let ran = run(&mut copy(&file, &url), "").must_exit(0);
    assert!(ran.stdout.contains(" events of the logs verified"), "{ran:?}");
    assert!(ran.stderr.contains("INTERVEN_CREDENTIAL_ENCRYPTION_KEY"), "{ran:?}");
    for table in interven_store::COPIED_TABLES {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        assert_eq!(cluster.sql(&url, &sql), rows_of(&file, &sql), "{}", table.name);
    }
    assert_eq!(cluster.sql(&url, "SELECT count(*) FROM activity_log"), "2");
    assert_eq!(cluster.sql(&url, "SELECT count(*) FROM activity_log_default"), "0");
    // What follows is numbered behind what was copied.
    let next = "SELECT nextval(pg_get_serial_sequence('trust_events', 'event_id')) > max(event_id) FROM trust_events";
    assert_eq!(cluster.sql(&url, next), "t");
    refused(run(&mut copy(&file, &url), ""), 1, "is not empty: `installation` has rows");
    let encryption_key = secrets["credential_encryption_key"].as_str().unwrap();
    let gateway = fleet::gateway(&url, &[("INTERVEN_CREDENTIAL_ENCRYPTION_KEY", encryption_key)], &home);
    let answer = gateway.scan(&api_key, "GET", fleet::READ).await;
    assert!(answer.has_reason("AGENT_SUSPENDED") && answer.body["ledger_seq"] == 3, "{answer:?}");
    // The source is as it was.
    World::start_in(&home).stop();
}

#[test]
fn a_copy_that_ends_early_leaves_the_target_empty() {
    let cluster = Cluster::shared();
    let world = installation();
    let (_home, file) = (world.home(), world.data_dir().join("interven.db"));
    world.stop();
    let url = cluster.database();
    let spoilt = "UPDATE agent_trust_state SET trust_score = 'mended by hand'";
    rusqlite::Connection::open(&file).unwrap().execute(spoilt, []).unwrap();
    refused(run(&mut copy(&file, &url), ""), 1, "`agent_trust_state`: invalid input syntax");
    assert_eq!(cluster.sql(&url, "SELECT count(*) FROM tenants"), "0");
    let mended = "UPDATE agent_trust_state SET trust_score = 1.0";
    rusqlite::Connection::open(&file).unwrap().execute(mended, []).unwrap();
    run(&mut copy(&file, &url), "").must_exit(0);
}

#[test]
fn what_cannot_be_copied_is_told() {
    let cluster = Cluster::shared();
    let home = tempfile::tempdir().unwrap();
    let nothing = home.path().join("none.db");
    let url = cluster.database();
    refused(run(&mut copy(&nothing, &url), ""), 1, "none.db` is not there");
    assert!(!nothing.exists());
    refused(run(&mut copy(&nothing, "sqlite://x.db"), ""), 2, "in this direction alone");
    refused(run(&mut copy(&nothing, "mysql://me:pw@db/x"), ""), 2, "--to: `mysql` is no kind of database");
    std::fs::write(&nothing, "").unwrap();
    refused(run(&mut copy(&nothing, &url), ""), 1, "`interven migrate up`");
}

fn rows_of(file: &Path, sql: &str) -> String {
    let connection = rusqlite::Connection::open(file).unwrap();
    let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    count.to_string()
}
