//! Keys are changed under a running server and between two starts, and every recorded request still opens.

use crate::world::{Ran, World, interven, leaked_key, read_json, run};
use serde_json::Value;
use std::{
    process::{Child, Command, Stdio},
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};
use tempfile::TempDir;

const KEYS: [&str; 3] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    "3333333333333333333333333333333333333333333333333333333333333333",
];

fn status(world: &World) -> Value {
    world.interven(&["admin", "encryption", "status", "--json"]).must_exit(0).json()
}

fn note(world: &World, said: &str) -> String {
    let ran = world.scan("POST", "https://api.example/notes", &format!("{{\"said\": \"{said}\"}}"));
    ran.json()["trace_id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn opens(world: &World, trace: &str, said: &str) {
    let shown = world.interven(&["activity", "show", trace, "--reveal", "--json"]).must_exit(0).json();
    assert_eq!(shown["request"]["body"]["said"], said, "{shown}");
}

/// Starts on keys from the environment.
fn start_with(home: &Rc<TempDir>, current: usize, previous: Option<usize>) -> World {
    World::start_with(home, |serve| with_keys(serve, current, previous))
}

fn with_keys(serve: &mut Command, current: usize, previous: Option<usize>) {
    serve.env("INTERVEN_CREDENTIAL_ENCRYPTION_KEY", KEYS[current]);
    if let Some(previous) = previous {
        serve.env("INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS", KEYS[previous]);
    }
}

fn refused(home: &Rc<TempDir>, current: usize, previous: Option<usize>) -> Ran {
    let mut serve = interven();
    serve.args(["serve", "--data-dir"]).arg(home.path().join("data"));
    with_keys(&mut serve, current, previous);
    run(&mut serve, "").must_exit(1)
}

#[test]
fn data_keys_are_made_anew_while_scans_go_on() {
    let world = World::start();
    let stop = AtomicBool::new(false);
    let recorded: Vec<(String, String)> = std::thread::scope(|scope| {
        let (data_dir, stop) = (world.data_dir(), &stop);
        let scans = scope.spawn(move || {
            let mut recorded = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let said = format!("note {}", recorded.len());
                let body = format!("{{\"said\": \"{said}\"}}");
                let mut scan = interven();
                scan.args(["scan", "--method", "POST", "--url", "https://api.example/notes", "--json"]);
                scan.args(["--body", &body, "--data-dir"]).arg(&data_dir);
                let answer = run(&mut scan, "").json();
                recorded.push((answer["trace_id"].as_str().unwrap().to_owned(), said));
            }
            recorded
        });
        for _ in 0..8 {
            world.interven(&["admin", "encryption", "rotate"]).must_exit(0);
        }
        stop.store(true, Ordering::SeqCst);
        scans.join().unwrap()
    });
    assert!(!recorded.is_empty());
    recorded.iter().for_each(|(trace, said)| opens(&world, trace, said));
    let keys = status(&world)["data_keys"].as_array().unwrap().clone();
    // The installation's and the tenant's, each with what was made in its place.
    assert_eq!(keys.len(), 2 * 9, "{keys:?}");
    assert_eq!(keys.iter().filter(|key| key["is_newest"] == true).count(), 2);
}

#[test]
fn the_master_key_is_exchanged_at_a_start_and_the_old_one_is_done_with() {
    let home = Rc::new(TempDir::new().unwrap());
    let first = start_with(&home, 0, None);
    let (trace, old) = (note(&first, "under the first"), status(&first)["master_key"].clone());
    first.stop();

    let wrong = refused(&home, 1, None);
    assert!(wrong.stderr.contains("is not the key that this database was written with"), "{wrong:?}");
    assert!(wrong.stderr.contains("INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS"), "{wrong:?}");

    let second = start_with(&home, 1, Some(0));
    opens(&second, &trace, "under the first");
    let now = status(&second);
    assert_ne!(now["master_key"], old);
    for key in now["data_keys"].as_array().unwrap() {
        assert_eq!(key["wrapped_under"], now["master_key"], "{now}");
    }
    assert!(second.stop().1.contains("INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS is no longer needed"));

    let third = start_with(&home, 1, None);
    opens(&third, &trace, "under the first");
    third.stop();
    refused(&home, 0, None);
    refused(&home, 2, Some(0));
    // Nothing that was refused changed anything.
    opens(&start_with(&home, 1, None), &trace, "under the first");
}

#[test]
fn a_start_that_is_killed_while_it_changes_the_master_key_is_finished_by_the_next() {
    let home = Rc::new(TempDir::new().unwrap());
    let first = start_with(&home, 0, None);
    let trace = note(&first, "kept");
    first.stop();
    let (mut current, mut previous) = (1, 0);
    for round in 0..20 {
        let mut child = spawn(&home, current, previous);
        // Each round a little further into the start; where it is killed is left to chance.
        std::thread::sleep(std::time::Duration::from_millis(round * 5));
        child.kill().unwrap();
        child.wait().unwrap();
        // Whether or not it came to change anything, both keys together start; then the way back.
        let world = start_with(&home, current, Some(previous));
        opens(&world, &trace, "kept");
        world.stop();
        (current, previous) = (previous, current);
    }
}

fn spawn(home: &Rc<TempDir>, current: usize, previous: usize) -> Child {
    let mut serve = interven();
    serve.args(["serve", "--data-dir"]).arg(home.path().join("data"));
    with_keys(&mut serve, current, Some(previous));
    serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_master_key_that_serve_made_is_exchanged_by_one_command_and_a_restart() {
    let first = World::start();
    let (home, data) = (first.home(), first.data_dir());
    let trace = note(&first, "kept");
    let before = read_json(&data.join("secrets.json"));
    first.interven(&["admin", "encryption", "rotate", "--master"]).must_exit(0);
    let again = first.interven(&["admin", "encryption", "rotate", "--master"]).must_exit(1);
    assert!(again.stderr.contains("waits already"), "{again:?}");
    // The server in use is not touched by it.
    note(&first, "meanwhile");
    first.stop();

    let second = World::start_in(&home);
    opens(&second, &trace, "kept");
    let after = read_json(&data.join("secrets.json"));
    let key = "credential_encryption_key";
    assert_ne!(after[key], before[key]);
    assert_eq!(after["credential_encryption_key_previous"], Value::Null, "{after}");
    second.stop();
    opens(&World::start_in(&home), &trace, "kept");
}

#[test]
fn no_key_and_nothing_sealed_lies_in_the_database_in_clear() {
    let home = Rc::new(TempDir::new().unwrap());
    let world = start_with(&home, 0, None);
    let planted = leaked_key();
    note(&world, &planted);
    world.interven(&["admin", "encryption", "rotate"]).must_exit(0);
    note(&world, &planted);
    world.stop();
    start_with(&home, 1, Some(0)).stop();
    let bytes = std::fs::read(home.path().join("data/interven.db")).unwrap();
    let (raw, text) = ([[0x11; 32], [0x22; 32]], [KEYS[0], KEYS[1], &planted]);
    for needle in raw.iter().map(<[u8; 32]>::as_slice).chain(text.map(str::as_bytes)) {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
}
