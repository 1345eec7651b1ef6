//! The running gateway, spoken to as each agent of the corpus.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use interven_types::{Coverage, Decision, ScanRequest};
use reqwest::Client;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// What is read of the answer to a scan.
#[derive(Debug, Deserialize)]
pub(crate) struct Scanned {
    pub(crate) trace_id: String,
    pub(crate) decision: Decision,
    pub(crate) risk_score: f64,
    pub(crate) reason_codes: Vec<String>,
    pub(crate) tool_name: String,
    pub(crate) operation: String,
    pub(crate) verb: String,
    pub(crate) coverage: Coverage,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ScannedResponse {
    pub(crate) injection: Injection,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Injection {
    pub(crate) detected: bool,
    pub(crate) score: f64,
    pub(crate) signs: Vec<String>,
}

/// Where a server on this machine says that it is.
#[derive(Debug, Deserialize)]
struct Bootstrap {
    gateway_url: String,
    telemetry_url: String,
}

#[derive(Deserialize)]
struct MintedKey {
    key: String,
}

#[derive(Debug)]
pub(crate) struct Gateway {
    http: Client,
    server: Bootstrap,
    admin_token: String,
    /// Appended to every agent's name: an agent of an earlier run has a past.
    run: u64,
    key_by_agent: HashMap<String, String>,
}

impl Gateway {
    /// # Errors
    /// When `bootstrap.json` or `admin.token` is not there.
    pub(crate) fn of_data_dir(data_dir: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = data_dir.join(name);
            fs::read_to_string(&path).with_context(|| {
                format!("`{}` cannot be read; does `interven serve` run there?", path.display())
            })
        };
        Ok(Self {
            http: interven_testkit::http_client(),
            server: serde_json::from_str(&read("bootstrap.json")?)?,
            admin_token: read("admin.token")?.trim().to_owned(),
            run: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
            key_by_agent: HashMap::new(),
        })
    }

    /// # Errors
    /// When there is no answer or a refusal; its words are passed on.
    pub(crate) async fn scan(&mut self, agent: &str, call: &ScanRequest) -> anyhow::Result<Scanned> {
        let key = self.key_of(agent).await?;
        let request = ScanRequest { agent_name: Some(self.name_of(agent)), ..call.clone() };
        self.post(&format!("{}/v1/scan", self.server.gateway_url), &key, &request).await
    }

    /// # Errors
    /// As [`Self::scan`].
    pub(crate) async fn scan_response(
        &mut self,
        agent: &str,
        trace_id: &str,
        answer: &Value,
    ) -> anyhow::Result<ScannedResponse> {
        let key = self.key_of(agent).await?;
        let report = json!({"trace_id": trace_id, "response_body": answer, "response_status": 200});
        self.post(&format!("{}/v1/scan/response", self.server.gateway_url), &key, &report).await
    }

    /// Agents of one key share their worst trust with those who come after, so each has its own.
    async fn key_of(&mut self, agent: &str) -> anyhow::Result<String> {
        if let Some(key) = self.key_by_agent.get(agent) {
            return Ok(key.clone());
        }
        let name = self.name_of(agent);
        let wanted = json!({"name": name, "agent_name": name});
        let url = format!("{}/api/telemetry/keys", self.server.telemetry_url);
        let minted: MintedKey = self.post(&url, &self.admin_token, &wanted).await?;
        self.key_by_agent.insert(agent.to_owned(), minted.key.clone());
        Ok(minted.key)
    }

    fn name_of(&self, agent: &str) -> String {
        format!("{agent} {}", self.run)
    }

    async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        token: &str,
        body: &(impl Serialize + Sync),
    ) -> anyhow::Result<T> {
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{url} answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("{url} gave an answer that cannot be read"))
    }
}
