//! The two gateways of `docs/deployment.md`, started as it stands there.

use crate::world::interven;
use interven_testkit::postgres::Cluster;
use std::{net::TcpListener, path::Path, process::Command};

const PAGE: &str = include_str!("../../../../docs/deployment.md");

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn the_commands_of_the_page_start_two_gateways_that_answer() {
    if Command::new("curl").arg("--version").output().is_err() {
        return;
    }
    let cluster = Cluster::shared();
    let database = cluster.database();
    let (_, section) = PAGE.split_once("## Several gateways\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let mut script = blocks.collect::<String>();
    assert!(script.matches("interven scan").count() == 2, "{script}");
    // A machine of its own: other ports, and this database.
    for port in ["4000", "4001", "4100"] {
        script = script.replace(port, &free_port());
    }
    let place = script.split_once("--server ").unwrap().1.split_whitespace().next().unwrap();
    let telemetry_addr = place.strip_prefix("http://").unwrap().to_owned();
    let script = script.replace("postgres://interven:PASSWORD@localhost/interven", &database);
    let script = script.replace(" &\n", " & STARTED=\"$STARTED $!\"\n");
    let script = format!("set -e\ntrap 'kill $STARTED; wait' EXIT\n{script}");

    let program = Path::new(env!("CARGO_BIN_EXE_interven")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let settings = interven();
    let mut shell = Command::new("sh");
    for (name, value) in settings.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let home = tempfile::tempdir().unwrap();
    shell.env("PATH", path).env("TELEMETRY_ADDR", telemetry_addr).env("DRAIN_DELAY_SEC", "0");
    let output = shell.args(["-c", &script]).current_dir(home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches("ALLOW").count(), 2, "{said}");
    assert_eq!(cluster.sql(&database, "SELECT count(*) FROM activity_log WHERE decision = 'ALLOW'"), "2");
}
