//! Several services on one PostgreSQL, each a process of its own.

use crate::world::{Ran, interven, run};
use interven_testkit::postgres::Cluster;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

/// What every service of the fleet is given.
const SECRETS: &[(&str, &str)] = &[
    (
        "INTERVEN_CREDENTIAL_ENCRYPTION_KEY",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    ),
    ("INTERVEN_INTERNAL_SECRET", "internal internal internal internal"),
    ("INTERVEN_API_KEYS_ADMIN_SECRET", "keys keys keys keys keys keys keys keys"),
    ("INTERVEN_ADMIN_TOKEN", ADMIN_TOKEN),
    ("AIF_CONSOLE_SECRET", "0123456789abcdef0123456789abcdef"),
];
const ADMIN_TOKEN: &str = "operator operator operator operator";

pub(crate) struct Fleet {
    pub(crate) cluster: Arc<Cluster>,
    /// The database's.
    pub(crate) url: String,
    pub(crate) telemetry: Service,
    pub(crate) gateways: Vec<Service>,
    settings: Vec<(&'static str, &'static str)>,
    home: TempDir,
}

/// A process that listens.
pub(crate) struct Service {
    pub(crate) url: String,
    child: Child,
}

impl Fleet {
    /// Telemetry and two gateways, started at once on an empty database.
    pub(crate) fn start(settings: &[(&'static str, &'static str)]) -> Self {
        let cluster = Cluster::shared();
        let url = cluster.database();
        let home = TempDir::new().unwrap();
        let spawned = ["telemetry", "gateway", "gateway"]
            .map(|what| (what, spawn(&mut service(what, &url, settings), &home, what)));
        let mut started = spawned.into_iter().map(|(what, child)| Service::listening(what, child));
        let telemetry = started.next().unwrap();
        Self { telemetry, gateways: started.collect(), cluster, url, settings: settings.to_vec(), home }
    }

    /// A command for the operator, at telemetry.
    pub(crate) fn admin(&self, arguments: &[&str]) -> Ran {
        let mut command = interven();
        command
            .args(arguments)
            .args(["--server", &self.telemetry.url])
            .env("INTERVEN_ADMIN_TOKEN", ADMIN_TOKEN);
        run(&mut command, "")
    }

    /// A tenant with a key, which both gateways know.
    pub(crate) async fn tenant_with_key(&self) -> String {
        self.admin(&["admin", "tenant", "create", "acme"]).must_exit(0);
        let minted =
            self.admin(&["admin", "key", "create", "ci", "--agent", "builder", "--json"]).must_exit(0);
        let key = minted.json()["key"].as_str().unwrap().to_owned();
        for gateway in &self.gateways {
            while gateway.scan(&key, "GET", READ).await.status != 200 {}
        }
        key
    }

    /// Stops a gateway as an operator would, and starts it again at the same address.
    pub(crate) fn restart(&mut self, number: usize) {
        let addr = self.gateways[number].url.strip_prefix("http://").unwrap().to_owned();
        self.gateways[number].stop();
        let mut command = service("gateway", &self.url, &self.settings);
        let child = spawn(command.env("GATEWAY_ADDR", addr), &self.home, "gateway");
        self.gateways[number] = Service::listening("gateway", child);
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        self.cluster.sql(&self.url, sql)
    }
}

/// `interven gateway` or `interven telemetry` with all secrets, on a free port.
pub(crate) fn service(what: &str, url: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = interven();
    command.arg(what).env("DATABASE_URL", url).envs(SECRETS.iter().copied()).envs(settings.iter().copied());
    command
}

/// One gateway on a database that is there.
pub(crate) fn gateway(url: &str, settings: &[(&str, &str)], home: &TempDir) -> Service {
    Service::listening("gateway", spawn(&mut service("gateway", url, settings), home, "gateway"))
}

fn spawn(command: &mut Command, home: &TempDir, what: &str) -> Child {
    let log =
        File::options().create(true).append(true).open(home.path().join(format!("{what}.log"))).unwrap();
    command.stdout(Stdio::piped()).stderr(log).spawn().unwrap()
}

impl Service {
    /// Waits for the line that says where it is.
    fn listening(what: &str, mut child: Child) -> Self {
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap_or_else(|| panic!("`interven {what}` ended early")).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        assert!(line.starts_with(&format!("interven {what}")) && url.starts_with("http://"), "{line}");
        Self { url, child }
    }

    pub(crate) fn stop(&mut self) {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    pub(crate) async fn scan(&self, key: &str, method: &str, url: &str) -> Answer {
        let request = interven_testkit::http_client().post(format!("{}/v1/scan", self.url)).bearer_auth(key);
        let answer = request.json(&json!({"method": method, "url": url, "body": {}})).send().await.unwrap();
        Answer { status: answer.status().as_u16(), body: answer.json().await.unwrap() }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn decision(&self) -> &str {
        self.body["decision"].as_str().unwrap_or_default()
    }

    pub(crate) fn has_reason(&self, code: &str) -> bool {
        self.body["reason_codes"].as_array().is_some_and(|codes| codes.iter().any(|found| found == code))
    }
}

/// A call that the default policies allow.
pub(crate) const READ: &str = "https://api.github.com/repos/acme/app";
/// How soon a change must be noticed by every process.
pub(crate) const NOTICED: Duration = Duration::from_secs(1);
