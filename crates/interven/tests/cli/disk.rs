//! A real disk that is full, read-only or gone: no decision without a record, and the server recovers by itself.

use crate::world::{Ran, World};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
};
use tempfile::TempDir;

const CALL: (&str, &str) = ("GET", "https://api.example/notes");

/// A file system in memory for a server's data directory; unmounted at the end.
struct Disk(PathBuf);

impl Disk {
    /// Nothing where this user may not mount one.
    fn mount(home: &TempDir) -> Option<Self> {
        let disk = Self(home.path().join("data"));
        fs::create_dir(&disk.0).unwrap();
        let is_mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"])
            .arg(&disk.0)
            .output()
            .is_ok_and(|ran| ran.status.success());
        is_mounted.then_some(disk)
    }

    fn remount(&self, how: &str) {
        let ran = Command::new("mount").args(["-o", &format!("remount,{how}")]).arg(&self.0).status();
        assert!(ran.unwrap().success(), "remount,{how}");
    }

    /// Takes all the room there is; dropped, the file stays.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            let bytes = vec![1; size];
            while file.write_all(&bytes).is_ok() {}
        }
        path
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn scan(world: &World) -> Ran {
    world.scan(CALL.0, CALL.1, "{}")
}

#[track_caller]
fn must_have_no_decision(world: &World) {
    for _ in 0..3 {
        let refused = scan(world).must_exit(3);
        assert!(refused.stdout.is_empty() && refused.stderr.contains("AUDIT_UNAVAILABLE"), "{refused:?}");
    }
}

/// The next scan is recorded behind the last that was answered, and the log holds both.
#[track_caller]
fn must_go_on_behind(world: &World, last: u64) {
    let next = scan(world).must_exit(0).json()["ledger_seq"].as_u64().unwrap();
    assert_eq!(next, last + 1, "what was refused left a gap");
    let verified = world.interven(&["audit", "verify", "--json"]).must_exit(0).json();
    assert_eq!(verified[1]["events"], next, "{verified}");
}

fn data_of(home: &Path) -> PathBuf {
    home.join("data")
}

#[test]
fn a_full_disk_decides_nothing_until_there_is_room() {
    let home = Rc::new(TempDir::new().unwrap());
    let Some(disk) = Disk::mount(&home) else {
        return println!("skipped: this user may not mount a file system");
    };
    let world = World::start_in(&home);
    let mut last = scan(&world).must_exit(0).json()["ledger_seq"].as_u64().unwrap();
    let filler = disk.fill();
    // What room the database still has inside its files is used up first.
    let refused = loop {
        let ran = scan(&world);
        match ran.code {
            Some(0) => last = ran.json()["ledger_seq"].as_u64().unwrap(),
            _ => break ran,
        }
    };
    assert!(refused.stderr.contains("AUDIT_UNAVAILABLE"), "{refused:?}");
    must_have_no_decision(&world);
    fs::remove_file(filler).unwrap();
    must_go_on_behind(&world, last);
    world.stop();
    let world = World::start_in(&home);
    must_go_on_behind(&world, last + 1);
    world.stop();
}

#[test]
fn a_read_only_disk_refuses_the_start_and_loses_nothing() {
    let home = Rc::new(TempDir::new().unwrap());
    let Some(disk) = Disk::mount(&home) else {
        return println!("skipped: this user may not mount a file system");
    };
    let world = World::start_in(&home);
    let last = scan(&world).must_exit(0).json()["ledger_seq"].as_u64().unwrap();
    // A file system with files that are open for writing cannot be made read-only.
    world.stop();
    disk.remount("ro");
    let refused = crate::world::run(
        crate::world::interven().args(["serve", "--data-dir"]).arg(data_of(home.path())),
        "",
    );
    assert!(refused.code == Some(1) && refused.stderr.contains("ead-only"), "{refused:?}");
    disk.remount("rw");
    let world = World::start_in(&home);
    must_go_on_behind(&world, last);
    world.stop();
}

#[test]
fn a_data_directory_that_is_removed_decides_nothing_that_is_lost() {
    let home = Rc::new(TempDir::new().unwrap());
    let world = World::start_in(&home);
    let (server, key) = (world.text("gateway_url"), world.text("api_key"));
    scan(&world).must_exit(0);
    fs::remove_dir_all(world.data_dir()).unwrap();
    let mut command = crate::world::interven();
    command.args(["scan", "--method", CALL.0, "--url", CALL.1, "--server", &server]);
    let refused = crate::world::run(command.env("INTERVEN_API_KEY", key), "");
    assert_eq!(refused.code, Some(3), "{refused:?}");
    assert!(refused.stderr.contains("AUDIT_UNAVAILABLE"), "{refused:?}");
    drop(world);
}
