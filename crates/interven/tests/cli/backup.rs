//! A copy of the database made under load is whole, and a server that is restored from it goes on where it ended.

use crate::world::{World, interven, leaked_key, run};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    rc::Rc,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};
use tempfile::TempDir;

fn restore(from: &Path, data: &Path, more: &[&str]) -> crate::world::Ran {
    let mut command = interven();
    command.args(["admin", "restore", "--from"]).arg(from).arg("--data-dir").arg(data).args(more);
    run(&mut command, "")
}

fn positions(world: &World) -> Vec<u64> {
    let rows = world.interven(&["activity", "export", "--format", "ndjson"]).must_exit(0).json_lines();
    rows.iter().map(|row| row["ledger_seq"].as_u64().unwrap()).collect()
}

#[test]
fn a_backup_under_load_has_all_that_was_answered_before_and_its_restored_server_goes_on() {
    let world = World::start();
    let (home, out) = (world.home(), world.home().path().join("backup.db"));
    let (stop, answered) = (AtomicBool::new(false), AtomicU64::new(0));
    let before = std::thread::scope(|scope| {
        let (data_dir, stop, answered) = (world.data_dir(), &stop, &answered);
        scope.spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let mut scan = interven();
                scan.args([
                    "scan",
                    "--method",
                    "POST",
                    "--url",
                    "https://api.example/notes",
                    "--json",
                    "--body",
                ]);
                scan.arg(format!("{{\"said\": \"{}\"}}", leaked_key())).arg("--data-dir").arg(&data_dir);
                let seq = run(&mut scan, "").json()["ledger_seq"].as_u64().unwrap();
                answered.store(seq, Ordering::SeqCst);
            }
        });
        while answered.load(Ordering::SeqCst) < 20 {
            std::thread::yield_now();
        }
        let before = answered.load(Ordering::SeqCst);
        let made = world.interven(&["admin", "backup", "--out", out.to_str().unwrap()]).must_exit(0);
        assert!(made.stderr.contains(": 1 tenant, "), "{made:?}");
        stop.store(true, Ordering::SeqCst);
        before
    });
    // Nothing is left beside the database, and nothing in the copy is in clear.
    let names = fs::read_dir(world.data_dir()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names.into_iter().all(|name| !name.to_string_lossy().contains("backup")));
    let (bytes, secret) = (fs::read(&out).unwrap(), leaked_key());
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    let taken = world.interven(&["admin", "backup", "--out", out.to_str().unwrap()]).must_exit(2);
    assert!(taken.stderr.contains("exists"), "{taken:?}");

    // Without the key it is refused; with it, the new server has everything and goes on numbering.
    let other = Rc::new(TempDir::new().unwrap());
    let data = other.path().join("data");
    let refused = restore(&out, &data, &[]).must_exit(1);
    assert!(refused.stderr.contains("the key of this database is missing"), "{refused:?}");
    fs::copy(world.data_dir().join("secrets.json"), data.join("secrets.json")).unwrap();
    restore(&out, &data, &[]).must_exit(0);
    let restored = World::start_in(&other);
    let there = positions(&restored);
    assert!(there.len() as u64 >= before, "{} of {before}", there.len());
    assert_eq!(there, (1..=there.len() as u64).collect::<Vec<_>>());
    let next = restored.scan("GET", "https://api.github.com/user", "null").json();
    assert_eq!(next["ledger_seq"], there.len() as u64 + 1);
    let verified = restored.interven(&["audit", "verify"]).must_exit(0);
    assert_eq!(verified.stdout.matches("everything matches").count(), 2, "{verified:?}");
    let rows = restored.interven(&["activity", "tail", "-n", "2", "--json"]).must_exit(0).json_lines();
    let trace = rows[0]["trace_id"].as_str().unwrap().to_owned();
    restored.interven(&["activity", "show", &trace, "--reveal"]).must_exit(0);
    drop((home, restored));
}

#[test]
fn a_stopped_database_is_copied_and_put_back_with_what_was_there_kept_aside() {
    let world = World::start();
    world.scan("GET", "https://api.github.com/user", "null");
    let (home, data) = (world.home(), world.data_dir());
    let running = restore(&data.join("interven.db"), &data, &["--force"]).must_exit(1);
    assert!(running.stderr.contains("in use by another running instance"), "{running:?}");
    world.stop();

    let out = home.path().join("backup.db");
    let mut backup = interven();
    backup.args(["admin", "backup", "--out"]).arg(&out).arg("--data-dir").arg(&data);
    run(&mut backup, "").must_exit(0);
    let world = World::start_in(&home);
    world.scan("GET", "https://api.github.com/user", "null");
    world.stop();
    let refused = restore(&out, &data, &[]).must_exit(2);
    assert!(refused.stderr.contains("--force"), "{refused:?}");
    let kept = restore(&out, &data, &["--force"]).must_exit(0);
    assert!(kept.stderr.contains("interven.db.before-restore-1"), "{kept:?}");
    assert!(data.join("interven.db.before-restore-1").exists());
    assert_eq!(positions(&World::start_in(&home)), [1]);
}

#[test]
fn what_is_no_whole_backup_is_refused_and_changes_nothing() {
    let world = World::start();
    for n in 0..20 {
        world.scan("GET", &format!("https://api.github.com/users/{n}"), "null");
    }
    let (home, data) = (world.home(), world.data_dir());
    let out = home.path().join("backup.db");
    world.interven(&["admin", "backup", "--out", out.to_str().unwrap()]).must_exit(0);
    world.stop();
    let whole = fs::read(&out).unwrap();
    let mut torn = whole.clone();
    let page = torn.len() / 2 / 4_096 * 4_096;
    torn[page..page + 4_096].fill(0xff);
    let other_key = "4".repeat(64);
    for (bytes, key, expected) in [
        (b"half a database\n".repeat(600), None, "damaged or no database"),
        (torn, None, "damaged or no database"),
        (whole, Some(other_key.as_str()), "does not open the data key"),
    ] {
        fs::write(&out, bytes).unwrap();
        let mut command = interven();
        command.args(["admin", "restore", "--force", "--from"]).arg(&out).arg("--data-dir").arg(&data);
        if let Some(key) = key {
            command.env("INTERVEN_CREDENTIAL_ENCRYPTION_KEY", key);
        }
        let refused = run(&mut command, "").must_exit(1);
        assert!(refused.stderr.contains(expected), "{refused:?}");
        let names =
            fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(names.into_iter().all(|name| !name.contains("restore")), "nothing was moved or left");
    }
    let world = World::start_in(&home);
    let kept: Value =
        world.interven(&["activity", "tail", "-n", "1", "--json"]).must_exit(0).json_lines()[0].clone();
    assert_eq!(kept["ledger_seq"], 20);
}
