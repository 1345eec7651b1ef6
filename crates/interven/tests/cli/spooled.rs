//! A server whose database is held by another program, killed again and again.

use crate::world::{World, interven, run};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const ROUNDS: usize = 4;

fn start(home: &Rc<TempDir>) -> World {
    World::start_with(home, |serve| {
        serve.env("STORE_FAILURE_MODE", "spool");
    })
}

/// The trace of an answered scan, and whether it has a position.
fn scan(world: &World) -> Option<(String, bool)> {
    let ran = world.scan("GET", "https://api.github.com/user", "null");
    (ran.code == Some(0)).then(|| {
        let answer = ran.json();
        (answer["trace_id"].as_str().unwrap().to_owned(), answer["ledger_seq"].is_u64())
    })
}

fn recorded(database: &Connection) -> Vec<(i64, String)> {
    let mut rows =
        database.prepare("SELECT ledger_seq, trace_id FROM activity_log ORDER BY ledger_seq").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn what_was_answered_while_the_database_was_held_is_there_once_after_any_kill() {
    let home = Rc::new(TempDir::new().unwrap());
    let (mut answered, mut spooled) = (BTreeSet::new(), 0);
    let mut answer = |world: &World| {
        let scanned = scan(world);
        let is_spooled = scanned.as_ref().is_some_and(|(_, has_position)| !has_position);
        answered.extend(scanned.map(|(trace, _)| trace));
        spooled += usize::from(is_spooled);
        is_spooled
    };
    for round in 0..ROUNDS {
        let world = start(&home);
        answer(&world);
        let holder = Connection::open(world.data_dir().join("interven.db")).unwrap();
        holder.busy_timeout(Duration::from_secs(20)).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        while !answer(&world) {}
        for _ in 0..5 {
            answer(&world);
        }
        match round % 2 {
            // While the scans wait, or while they are handed over.
            0 => world.signal("KILL"),
            _ => {
                holder.execute_batch("ROLLBACK").unwrap();
                world.signal("KILL");
            }
        }
        drop(world);
    }
    assert!(spooled >= ROUNDS * 5, "{spooled}");
    let world = start(&home);
    let database = Connection::open(world.data_dir().join("interven.db")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let rows = loop {
        let rows = recorded(&database);
        let traces: BTreeSet<_> = rows.iter().map(|(_, trace)| trace.clone()).collect();
        if answered.is_subset(&traces) {
            break rows;
        }
        assert!(Instant::now() < deadline, "lost: {:?}", answered.difference(&traces));
        thread::sleep(Duration::from_millis(50));
    };
    let positions: Vec<_> = rows.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (1..=rows.len() as i64).collect::<Vec<_>>(), "no gap");
    assert_eq!(rows.iter().map(|(_, trace)| trace).collect::<BTreeSet<_>>().len(), rows.len(), "none twice");
}

#[test]
fn a_spool_that_does_not_fit_refuses_the_start_by_name() {
    let home = Rc::new(TempDir::new().unwrap());
    start(&home).stop();
    let file = home.path().join("data/spool/scans.spool");
    std::fs::write(&file, "a letter to a friend, long enough to have a header in it").unwrap();
    let mut serve = interven();
    serve.args(["serve", "--data-dir"]).arg(home.path().join("data")).env("STORE_FAILURE_MODE", "spool");
    let refused = run(&mut serve, "");
    assert!(refused.code != Some(0) && refused.stderr.contains("scans.spool` is no spool"), "{refused:?}");
    let refused = run(interven().arg("serve").env("STORE_FAILURE_MODE", "lenient"), "");
    assert!(refused.stderr.contains("unknown variant `lenient`"), "{refused:?}");
}
