//! What a start leaves behind, and what the next one makes of it.

use crate::world::{World, run};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_start_shows_its_secrets_once_and_the_next_keeps_them() {
    let first = World::start();
    let made = first.bootstrap();
    for name in ["api_key", "admin_password", "gateway_url", "telemetry_url"] {
        assert!(first.banner.contains(made[name].as_str().unwrap()), "{name}: {}", first.banner);
    }
    assert_eq!(first.stop().0, Some(0));
}

#[test]
fn a_later_start_refreshes_the_addresses_keeps_the_rest_and_prints_no_secret() {
    let first = World::start();
    let (home, made) = (first.home(), first.bootstrap());
    first.stop();
    let second = World::start_in(&home);
    let kept = second.bootstrap();
    for name in ["tenant_id", "agent_id", "api_key", "admin_user", "admin_password"] {
        assert_eq!(kept[name], made[name], "{name}");
    }
    // Port 0 took another free port, most likely; what is written is where it listens now.
    second.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(0);
    for name in ["api_key", "admin_password"] {
        assert!(!second.banner.contains(made[name].as_str().unwrap()), "{}", second.banner);
    }
    assert!(second.banner.contains("bootstrap.json"), "{}", second.banner);
}

#[test]
fn only_the_owner_reads_the_data_directory() {
    let world = World::start();
    let data = world.data_dir();
    assert_eq!(mode(&data), 0o700);
    for name in ["bootstrap.json", "admin.token", "secrets.json", "interven.db"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

#[test]
fn the_curl_line_works_as_printed_and_is_denied() {
    let world = World::start();
    let line = world.banner.lines().find(|line| line.contains("curl ")).unwrap();
    let pasted = run(Command::new("sh").args(["-c", line]), "");
    if pasted.code == Some(127) {
        // No curl on this machine: the same call by our own client.
        let body = line.split(" -d ").nth(1).unwrap().trim_matches('\'');
        let request: serde_json::Value = serde_json::from_str(body).unwrap();
        let url = request["url"].as_str().unwrap();
        world.scan("POST", url, &request["body"].to_string()).must_exit(12);
        return;
    }
    assert_eq!(pasted.json()["decision"], "DENY", "{pasted:?}");
}

#[test]
fn a_first_start_that_was_cut_off_is_finished_by_the_next() {
    let first = World::start();
    let (home, made) = (first.home(), first.bootstrap());
    let data = first.data_dir();
    first.signal("KILL");
    first.ended();
    fs::remove_file(data.join("bootstrap.json")).unwrap();

    let second = World::start_in(&home);
    let mended = second.bootstrap();
    assert_eq!(mended["tenant_id"], made["tenant_id"]);
    assert_eq!(mended["admin_password"], made["admin_password"]);
    assert_ne!(mended["api_key"], made["api_key"]);
    assert!(second.banner.contains("was missing: the API key is new"), "{}", second.banner);
    second.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(0);
}

#[test]
fn a_database_that_was_taken_away_is_begun_anew() {
    let first = World::start();
    let (home, data, made) = (first.home(), first.data_dir(), first.bootstrap());
    first.stop();
    fs::remove_file(data.join("interven.db")).unwrap();
    let second = World::start_in(&home);
    assert_ne!(second.bootstrap()["tenant_id"], made["tenant_id"]);
    second.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(0);
}

#[test]
fn an_ephemeral_server_leaves_nothing() {
    use std::io::{BufRead as _, BufReader};
    let temporary = tempfile::tempdir().unwrap();
    let mut child = crate::world::interven()
        .args(["serve", "--ephemeral"])
        .env("TMPDIR", temporary.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("curl ")));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}
