//! A start that cannot be: one line that says what, where and how to mend it.

use crate::world::{Ran, World, interven, run};
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

fn serve(data_dir: &Path) -> Command {
    let mut command = interven();
    command.args(["serve", "--data-dir"]).arg(data_dir);
    command
}

#[track_caller]
fn refused(command: &mut Command, expected: &[&str]) -> Ran {
    let ran = run(command, "").must_exit(1);
    let told: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("interven: ")).collect();
    assert_eq!(told.len(), 1, "{ran:?}");
    for part in expected {
        assert!(told[0].contains(part), "`{part}` is not in: {}", told[0]);
    }
    assert!(!ran.stderr.contains("panicked") && !ran.stdout.contains("curl"), "{ran:?}");
    ran
}

#[test]
fn a_busy_port_is_named_with_its_variable() {
    let home = tempfile::tempdir().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = other.local_addr().unwrap().to_string();
    refused(serve(&home.path().join("data")).env("GATEWAY_ADDR", &addr), &[&addr, "GATEWAY_ADDR"]);
    // Nothing half-made stays: with the port free, the next start is a first one.
    drop(other);
    let data = home.path().join("data");
    assert!(!data.join("bootstrap.json").exists());
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    refused(&mut serve(&home.path().join("file/data")), &["file/data", "--data-dir"]);
}

#[test]
fn a_database_that_is_none_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("interven.db"), "half a database\n".repeat(600)).unwrap();
    refused(&mut serve(home.path()), &["interven.db", "restore a backup"]);
}

#[test]
fn a_second_server_on_the_same_directory_is_refused_and_the_first_goes_on() {
    let first = World::start();
    refused(&mut serve(&first.data_dir()), &["another running instance"]);
    let mut migrate = interven();
    migrate.args(["migrate", "up", "--data-dir"]).arg(first.data_dir());
    refused(&mut migrate, &["another running instance"]);
    first.scan("GET", "https://api.github.com/repos/acme/app", "null").must_exit(0);
}

#[test]
fn another_key_than_the_databases_is_refused() {
    let first = World::start();
    let (home, data) = (first.home(), first.data_dir());
    first.stop();
    let other_key = "0f".repeat(32);
    let variable = "INTERVEN_CREDENTIAL_ENCRYPTION_KEY";
    refused(serve(&data).env(variable, other_key), &[variable, "not the key"]);
    refused(serve(&data).env(variable, "short"), &[variable, "64 hexadecimal"]);
    let kept = fs::read(data.join("secrets.json")).unwrap();
    fs::remove_file(data.join("secrets.json")).unwrap();
    refused(&mut serve(&data), &["secrets.json", "backup"]);
    fs::write(data.join("secrets.json"), kept).unwrap();
    World::start_in(&home);
}

#[test]
fn a_secret_may_come_from_a_file_but_not_from_two_places() {
    let home = tempfile::tempdir().unwrap();
    let file: PathBuf = home.path().join("token");
    fs::write(&file, "short\n").unwrap();
    let name = "INTERVEN_ADMIN_TOKEN";
    let data = home.path().join("data");
    refused(serve(&data).env(format!("{name}_FILE"), &file), &[name, "shorter than"]);
    refused(serve(&data).env(format!("{name}_FILE"), &file).env(name, "x"), &["both"]);
    refused(serve(&data).env(format!("{name}_FILE"), "/nowhere/token"), &["/nowhere/token"]);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    refused(serve(&data).env("DATABASE_URL", "mysql://me:pw@db/x"), &["`mysql` is no kind of database"]);
    refused(serve(&data).env("MAX_BODY_BYTES", "big"), &["MAX_BODY_BYTES", "big"]);
    refused(serve(&data).env("RUST_LOG", "info,=x=y"), &["RUST_LOG"]);
    assert!(!data.exists());
}

#[test]
fn a_service_of_its_own_says_why_it_cannot_run_on_an_embedded_database() {
    for service in ["gateway", "telemetry"] {
        for url in ["", "sqlite://data/interven.db"] {
            let ran = run(interven().arg(service).env("DATABASE_URL", url), "").must_exit(2);
            let told = format!("interven: `interven {service}` needs postgres://… in DATABASE_URL");
            assert!(ran.stderr.starts_with(&told) && ran.stderr.contains("interven serve"), "{ran:?}");
        }
    }
}

#[test]
fn every_secret_that_a_service_lacks_is_named_at_once_and_none_is_told() {
    let url = "postgres://me:hunter2@127.0.0.1:1/x";
    let (internal, console) = ("INTERVEN_INTERNAL_SECRET", "AIF_CONSOLE_SECRET");
    let mut telemetry = interven();
    telemetry
        .arg("telemetry")
        .env("DATABASE_URL", url)
        .env(internal, "quite too short")
        .env(console, "ab".repeat(16));
    let ran = run(&mut telemetry, "").must_exit(1);
    for line in [
        "INTERVEN_CREDENTIAL_ENCRYPTION_KEY is not set: 64 hexadecimal characters",
        "INTERVEN_INTERNAL_SECRET is not 32 characters or more",
        "INTERVEN_ADMIN_TOKEN is not set: 32 characters or more",
        "`openssl rand -hex 32` makes one",
    ] {
        assert!(ran.stderr.lines().any(|told| told.trim() == line), "`{line}` is not in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains(console) && !ran.stderr.contains("API_KEYS"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter2") && !ran.stderr.contains("quite"), "{}", ran.stderr);
}

#[test]
fn a_schema_is_told_step_by_step_and_brought_up_when_it_may_not_change_by_itself() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().to_owned();
    let migrate = |what: &str| {
        let mut command = interven();
        run(command.args(["migrate", what, "--data-dir"]).arg(&data), "")
    };
    assert!(migrate("status").must_exit(1).stdout.contains("to come"));
    assert!(!data.join("interven.db").exists());
    refused(serve(&data).env("AUTO_MIGRATE", "false"), &["interven.db", "`interven migrate up`"]);
    let up = migrate("up").must_exit(0);
    assert!(up.stdout.contains("initial") && up.stderr.starts_with("applied "), "{up:?}");
    let again = migrate("up").must_exit(0);
    assert!(again.stderr.contains("applied 0 migrations"), "{again:?}");
    assert!(!migrate("status").must_exit(0).stdout.contains("to come"));
}

#[test]
fn who_has_no_key_hears_of_every_way_on() {
    let mut command = interven();
    command.args(["proxy", "--listen", "127.0.0.1:0"]).env_remove("INTERVEN_API_KEY");
    let told = run(&mut command, "").must_exit(2).stderr;
    for way in ["INTERVEN_API_KEY", "--data-dir", "--local"] {
        assert!(told.contains(way), "`{way}` is not in: {told}");
    }
}
