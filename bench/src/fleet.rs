//! Several gateways and telemetry on one PostgreSQL, each a process of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, RequestBuilder};
use serde::Deserialize;
use serde_json::json;

use crate::connection::Target;
use crate::database::Database;

/// Of this installation, which is gone with the measurement.
const SECRETS: &[(&str, &str)] = &[
    (
        "INTERVEN_CREDENTIAL_ENCRYPTION_KEY",
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
    ),
    ("INTERVEN_INTERNAL_SECRET", "of the measurement, and of nothing else"),
    ("INTERVEN_API_KEYS_ADMIN_SECRET", "of the measurement, and of nothing else"),
    ("INTERVEN_ADMIN_TOKEN", ADMIN_TOKEN),
    ("AIF_CONSOLE_SECRET", "00112233445566778899aabbccddeeff"),
];
const ADMIN_TOKEN: &str = "of the measurement, and of nothing else";

/// Killed when dropped.
#[derive(Debug)]
pub struct Fleet {
    telemetry: Service,
    gateways: Vec<Service>,
    http: Client,
}

/// A key, as telemetry answers it.
#[derive(Debug, Clone, Deserialize)]
pub struct MintedKey {
    pub key: String,
    record: KeyRecord,
}

#[derive(Debug, Clone, Deserialize)]
struct KeyRecord {
    key_id: String,
}

#[derive(Debug)]
struct Service {
    url: String,
    child: Child,
}

impl Fleet {
    /// Starts telemetry and that many gateways on a database of their own. With `listens` off they find changes by polling
    /// alone. What they log is appended to `fleet.log` in the directory.
    ///
    /// # Errors
    /// When one of them ends early.
    pub fn start(
        program: &Path,
        directory: &Path,
        database: &Database,
        gateways: usize,
        listens: bool,
    ) -> anyhow::Result<Self> {
        let start = |what: &str| Service::start(program, directory, &database.url(), what, listens);
        let telemetry = start("telemetry")?;
        let gateways = (0..gateways).map(|_| start("gateway")).collect::<anyhow::Result<_>>()?;
        Ok(Self { telemetry, gateways, http: interven_testkit::http_client() })
    }

    /// # Errors
    /// When the name is taken, or telemetry refuses.
    pub async fn make_tenant(&self, name: &str) -> anyhow::Result<()> {
        let request = self.http.post(self.path("tenants")).json(&json!({"name": name}));
        answer(request).await.map(drop)
    }

    /// # Errors
    /// When there is no such tenant, or telemetry refuses.
    pub async fn make_key(&self, tenant: &str) -> anyhow::Result<MintedKey> {
        let request = self.http.post(self.path("keys")).json(&json!({"name": "load"}));
        Ok(answer(request.header("X-Interven-Tenant", tenant)).await?.json().await?)
    }

    /// # Errors
    /// When telemetry refuses.
    pub async fn revoke(&self, tenant: &str, key: &MintedKey) -> anyhow::Result<()> {
        let request = self.http.delete(self.path(&format!("keys/{}", key.record.key_id)));
        answer(request.header("X-Interven-Tenant", tenant)).await.map(drop)
    }

    /// Each gateway, as whoever has the key.
    ///
    /// # Errors
    /// When a gateway told no address that is one.
    pub fn targets(&self, key: &MintedKey) -> anyhow::Result<Vec<Target>> {
        self.gateways.iter().map(|gateway| Target::new(&gateway.url, Some(&key.key))).collect()
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/api/telemetry/{rest}", self.telemetry.url)
    }
}

async fn answer(request: RequestBuilder) -> anyhow::Result<reqwest::Response> {
    let answer = request.bearer_auth(ADMIN_TOKEN).send().await?;
    if answer.status().is_success() {
        return Ok(answer);
    }
    bail!("telemetry answers {}: {}", answer.status(), answer.text().await?)
}

impl Service {
    fn start(
        program: &Path,
        directory: &Path,
        database: &str,
        what: &str,
        listens: bool,
    ) -> anyhow::Result<Self> {
        let log = File::options().create(true).append(true).open(directory.join("fleet.log"))?;
        let mut child = Command::new(program)
            .arg(what)
            .env("DATABASE_URL", database)
            .env("DATABASE_LISTEN", listens.to_string())
            .env("GATEWAY_ADDR", "127.0.0.1:0")
            .env("TELEMETRY_ADDR", "127.0.0.1:0")
            .envs(SECRETS.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("`{}` could not be started", program.display()))?;
        let output = child.stdout.take();
        let mut service = Self { url: String::new(), child };
        let mut line = String::new();
        BufReader::new(output.context("it has no output")?).read_line(&mut line)?;
        service.url = line.split_whitespace().last().unwrap_or_default().to_owned();
        let log = directory.join("fleet.log");
        ensure!(service.url.starts_with("http://"), "`interven {what}` ended early; see `{}`", log.display());
        Ok(service)
    }
}

impl Drop for Service {
    /// Failure means that it has ended already.
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
