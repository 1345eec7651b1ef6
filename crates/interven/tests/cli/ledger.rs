//! An auditor who does not take the server's word for it.

use crate::world::{Ran, SLACK, World, interven, run};
use interven_ledger::VerifierKey;
use rusqlite::Connection;
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
};

/// A server with some scans, and what the auditor took home: keys and checkpoints.
struct Audited {
    world: World,
    /// The trace of each scan, in order.
    traces: Vec<String>,
    keys: String,
    kept: String,
}

impl Audited {
    fn with_scans(scans: usize) -> Self {
        let world = World::start();
        let calls = |number| {
            format!("{{\"method\":\"POST\",\"url\":\"{SLACK}\",\"body\":{{\"text\":\"{number}\"}}}}\n")
        };
        let input: String = (0..scans).map(calls).collect();
        let mut command = interven();
        command.args(["scan", "--jsonl", "--data-dir"]).arg(world.data_dir());
        let answers = run(&mut command, &input).must_exit(0).json_lines();
        let traces = answers.iter().map(|answer| answer["trace_id"].as_str().unwrap().to_owned()).collect();
        let at_home = |name: &str| world.home().path().join(name).to_str().unwrap().to_owned();
        let (keys, kept) = (at_home("keys"), at_home("kept.checkpoints"));
        std::fs::write(&keys, world.interven(&["audit", "key"]).must_exit(0).stdout).unwrap();
        world.interven(&["audit", "witness", "--file", &kept]).must_exit(0);
        Self { world, traces, keys, kept }
    }

    fn at_home(&self, name: &str) -> String {
        self.world.home().path().join(name).to_str().unwrap().to_owned()
    }

    fn audit(&self, arguments: &[&str]) -> Ran {
        self.world.interven(&[&["audit"], arguments].concat())
    }

    /// With what was taken home.
    fn verify(&self, more: &[&str]) -> Ran {
        self.audit(&[&["verify", "--key", &self.keys, "--checkpoint", &self.kept], more].concat())
    }

    /// As the owner of the database would.
    fn forge(&self, sql: &str) {
        Connection::open(self.world.data_dir().join("interven.db")).unwrap().execute_batch(sql).unwrap();
    }
}

/// Offline: no data directory, no server.
fn offline(arguments: &[&str]) -> Ran {
    run(interven().args(["audit", "verify"]).args(arguments), "")
}

#[test]
fn what_was_done_to_the_database_is_named_by_position() {
    let audited = Audited::with_scans(12);
    let clean = audited.verify(&[]).must_exit(0).stdout;
    assert!(
        clean.contains("activity  12 events looked at, 12 of them under the checkpoint of 12"),
        "{clean}"
    );
    assert_eq!(clean.matches("compared with 1 kept checkpoint: everything matches").count(), 2, "{clean}");

    audited.forge("UPDATE activity_log SET decision = 'DENY' WHERE ledger_seq = 3");
    audited.forge("DELETE FROM activity_log WHERE ledger_seq IN (7, 8)");
    audited.forge("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2");
    let found = audited.verify(&[]).must_exit(1).stdout;
    for line in
        ["position 3: not what was recorded", "positions 7–8: missing", "position 2: not what was recorded"]
    {
        assert!(found.contains(line), "{line} in {found}");
    }
    let report = audited.verify(&["--json"]).must_exit(1).json();
    assert_eq!(report[0]["log"], "audit");
    assert_eq!(report[1]["findings"][1]["first"], 7);
    assert_eq!(report[1]["findings"][1]["last"], 8);
    let part = audited.verify(&["--from", "9", "--to", "12", "--json"]).must_exit(1).json();
    assert_eq!((&part[1]["events"], part[1]["findings"].as_array().unwrap().len()), (&4.into(), 0));
    let refused = audited.audit(&["prove", &audited.traces[2]]).must_exit(3);
    assert!(refused.stderr.contains("cannot be proved"), "{refused:?}");
}

#[test]
fn a_ledger_made_anew_is_held_against_what_was_kept() {
    let audited = Audited::with_scans(5);
    audited.forge("DELETE FROM ledger_checkpoints; DELETE FROM ledger_tiles");
    let denied = audited.verify(&[]).must_exit(1);
    assert!(denied.stdout.contains("there is no newest checkpoint to trust"), "{denied:?}");
    assert!(denied.stdout.contains("was sealed to 5 events"), "{denied:?}");

    // The server forgets what it saw, and signs what it finds.
    let Audited { world, traces, keys, kept } = audited;
    let home = world.home();
    let (_, log) = world.stop();
    assert!(log.contains("the ledger does not match what was recorded"), "{log}");
    Connection::open(home.path().join("data/interven.db"))
        .unwrap()
        .execute_batch(
            "DELETE FROM activity_log WHERE ledger_seq = 5; UPDATE tenant_counters SET ledger_seq = 4",
        )
        .unwrap();
    let audited = Audited { world: World::start_in(&home), traces, keys, kept };
    let found = audited.verify(&[]).must_exit(1).stdout;
    assert!(
        found.contains("positions 1–5: cut off or made anew: 5 events were signed, and 4 are left"),
        "{found}"
    );
    let witness = audited.audit(&["witness", "--file", &audited.kept]).must_exit(1);
    assert!(witness.stderr.contains("does not go on from what"), "{witness:?}");
    let kept = std::fs::read_to_string(&audited.kept).unwrap();
    assert_eq!(kept.matches("/activity\n").count(), 1, "nothing was written: {kept}");
}

#[test]
fn a_proof_and_an_export_are_verified_without_the_server() {
    let audited = Audited::with_scans(300);
    let (proof, export) = (audited.at_home("proof"), audited.at_home("export"));
    std::fs::write(&proof, audited.audit(&["prove", &audited.traces[255]]).must_exit(0).stdout).unwrap();
    audited.audit(&["export", &export]).must_exit(0);
    let again = audited.audit(&["export", &export]).must_exit(2);
    assert!(again.stderr.contains("is not empty"), "{again:?}");
    let Audited { world, keys, kept, .. } = audited;
    let home = world.home();
    assert_eq!(world.stop().0, Some(0));

    let proved = offline(&["--proof", &proof, "--key", &keys]).must_exit(0);
    assert!(proved.stderr.contains("proved: position 256 of interven/"), "{proved:?}");
    assert_eq!(proved.json()["ledger_seq"], 256);
    let whole = offline(&["--dir", &export, "--key", &keys, "--checkpoint", &kept]).must_exit(0).stdout;
    assert!(
        whole.contains("300 of them under the checkpoint of 300; compared with 1 kept checkpoint"),
        "{whole}"
    );
    read_as_another_tool_would(Path::new(&export), &std::fs::read_to_string(&keys).unwrap());

    let text = std::fs::read_to_string(&proof).unwrap();
    std::fs::write(&proof, text.replace("index 255", "index 254")).unwrap();
    let forged = offline(&["--proof", &proof, "--key", &keys]).must_exit(1);
    assert!(forged.stdout.contains("not proved: the event is not at position 255"), "{forged:?}");
    let bundle = home.path().join("export/activity/tile/entries/000");
    let mut bytes = std::fs::read(&bundle).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    let found = offline(&["--dir", &export, "--key", &keys]).must_exit(1).stdout;
    assert!(found.contains("position 256: not what was recorded"), "{found}");
    std::fs::remove_file(bundle).unwrap();
    let found = offline(&["--dir", &export, "--key", &keys]).must_exit(1).stdout;
    assert!(found.contains("positions 1–256: missing"), "{found}");
}

/// With another author's readers of checkpoints, tiles and trees.
fn read_as_another_tool_would(export: &Path, keys: &str) {
    let key =
        keys.lines().find(|key| VerifierKey::parse(key).unwrap().name().ends_with("/activity")).unwrap();
    let verifier = signed_note::StandardVerifier::new(key).unwrap();
    let note = std::fs::read(export.join("activity/checkpoint")).unwrap();
    let note = signed_note::Note::from_bytes(&note).unwrap();
    note.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();

    struct Files<'a>(&'a Path);
    impl tlog_tiles::TileReader for Files<'_> {
        fn height(&self) -> u8 {
            8
        }
        fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            // Their paths name the height too.
            let path = |tile: &tlog_tiles::Tile| tile.path().replacen("tile/8/", "tile/", 1);
            Ok(tiles
                .iter()
                .map(|tile| std::fs::read(self.0.join("activity").join(path(tile))).unwrap())
                .collect())
        }
        fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
    }
    let files = Files(export);
    let hashes = tlog_tiles::TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &files);
    let bundle = std::fs::read(export.join("activity/tile/entries/000")).unwrap();
    let entries = interven_ledger::bundle_entries(&bundle).unwrap();
    for index in [0, 17, 255] {
        let proof = tlog_tiles::prove_record(checkpoint.size(), index, &hashes).unwrap();
        let leaf = tlog_tiles::record_hash(&entries[usize::try_from(index).unwrap()]);
        tlog_tiles::check_record(&proof, checkpoint.size(), *checkpoint.hash(), index, leaf).unwrap();
    }
}

#[test]
fn checkpoints_go_to_a_file_a_repository_and_an_address() {
    let audited = Audited::with_scans(2);
    let before = std::fs::read_to_string(&audited.kept).unwrap();
    audited.audit(&["witness", "--file", &audited.kept]).must_exit(0);
    assert_eq!(std::fs::read_to_string(&audited.kept).unwrap(), before, "nothing is new");
    audited.world.scan("POST", SLACK, "{}").must_exit(0);
    audited.audit(&["witness", "--file", &audited.kept]).must_exit(0);
    let after = std::fs::read_to_string(&audited.kept).unwrap();
    assert!(after.starts_with(&before) && after.contains("/activity\n3\n"), "{after}");
    assert!(audited.verify(&[]).must_exit(0).stdout.contains("2 kept checkpoints"));

    let repository = audited.at_home("repository");
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").args(["-C", &repository]).args(arguments).output().unwrap();
        assert!(ran.status.success(), "{ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    };
    let nowhere = audited.audit(&["witness", "--git", &repository]).must_exit(2);
    assert!(nowhere.stderr.contains("git in"), "{nowhere:?}");
    std::fs::create_dir(&repository).unwrap();
    git(&["init", "--quiet"]);
    git(&["config", "user.email", "auditor@acme.example"]);
    git(&["config", "user.name", "Auditor"]);
    for _ in 0..2 {
        audited.audit(&["witness", "--git", &repository]).must_exit(0);
        assert_eq!(git(&["log", "--oneline"]).lines().count(), 1);
    }
    assert!(git(&["show", "HEAD:interven.checkpoints"]).contains("/activity\n3\n"));

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/checkpoints", listener.local_addr().unwrap());
    let taking = std::thread::spawn(move || {
        let mut taken = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"=\n") {
                let mut chunk = [0; 1024];
                let read = stream.read(&mut chunk).unwrap();
                request.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            taken.push(String::from_utf8(request).unwrap());
        }
        taken
    });
    audited.audit(&["witness", "--url", &address]).must_exit(0);
    let taken = taking.join().unwrap();
    assert!(taken[1].starts_with("POST /checkpoints ") && taken[1].contains("/activity\n3\n"), "{taken:?}");
    assert!(!taken.concat().to_lowercase().contains("authorization"), "{taken:?}");
    let nobody = audited.audit(&["witness", "--url", &address]).must_exit(3);
    assert!(nobody.stderr.contains("no answer from"), "{nobody:?}");
    assert!(audited.audit(&["witness"]).must_exit(0).stdout.contains("/activity\n3\n"));
}

#[test]
fn what_cannot_be_asked_says_why() {
    let audited = Audited::with_scans(1);
    let elsewhere = Audited::with_scans(1);
    let nonsense = audited.at_home("nonsense");
    std::fs::write(&nonsense, "\n").unwrap();
    for (arguments, code, expected) in [
        (vec!["verify", "--from", "5", "--to", "3"], 2, "--from 5 is after --to 3"),
        (vec!["verify", "--from", "0"], 2, "0 is not in 1.."),
        (vec!["verify", "--checkpoint", "/nowhere"], 2, "`/nowhere` cannot be read"),
        (vec!["verify", "--checkpoint", &nonsense], 2, "holds no checkpoint"),
        (
            vec!["verify", "--checkpoint", &elsewhere.kept],
            2,
            "holds no checkpoint of the logs that the keys are of",
        ),
        (vec!["verify", "--key", "abc"], 2, "`abc` is no verifier key"),
        (vec!["verify", "--key", &elsewhere.keys], 1, "carries no signature of the key"),
        (vec!["verify", "--dir", "/nowhere"], 2, "cannot be read"),
        (vec!["prove", "00000000-0000-0000-0000-000000000000"], 3, "NOT_FOUND"),
        (vec!["witness", "--url", "ftp://x"], 3, "`ftp` is not http"),
        (vec!["witness", "--file", "/nowhere/file"], 2, "cannot be written"),
        (vec!["export", "/proc/export"], 2, "cannot be made"),
    ] {
        let ran = audited.audit(&arguments).must_exit(code);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(expected), "{arguments:?}: {ran:?}");
    }
}
