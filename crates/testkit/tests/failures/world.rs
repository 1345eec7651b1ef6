//! Both services over HTTP on one store, and the people and agents around them.

use interven_gateway::Gateway;
use interven_http::{BuildInfo, ServeOptions, serve};
use interven_live::{Clock, Live, LiveOptions, MasterKeys, NewKeyRequest, SpoolOptions};
use interven_store::{Actor, Store};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_telemetry::{Telemetry, seed_tenant};
use interven_testkit::FaultyStore;
use interven_types::{Secret, SecretBytes, TenantId, Timestamp};
use serde_json::{Value, json};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

pub(crate) const OPERATOR: &str = "the-operator's-token";
/// Noon, so that no test runs over midnight.
const START_MS: i64 = 1_790_078_400_000;

/// Waits until `check` holds; the time limit only stops a test that would never end.
pub(crate) async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Two running services. They end with it.
pub(crate) struct World {
    pub(crate) live: Arc<Live>,
    pub(crate) tenant: TenantId,
    pub(crate) clock: Clock,
    gateway: String,
    telemetry: String,
    /// Of the agent.
    pub(crate) key: String,
    http: reqwest::Client,
    _stop: watch::Sender<()>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}")).to_owned()
    }
}

/// An embedded database behind a store that fails on demand.
pub(crate) async fn faulty_sqlite(directory: &Path) -> Arc<FaultyStore> {
    let sqlite = SqliteStore::open(SqliteOptions::new(directory.join("interven.db"))).await.unwrap();
    FaultyStore::new(Arc::new(sqlite))
}

pub(crate) fn spool_in(directory: &Path) -> SpoolOptions {
    let store_timeout = Duration::from_secs(5);
    SpoolOptions { directory: directory.to_owned(), max_bytes: 64 << 20, store_timeout }
}

impl World {
    /// On an empty store: a tenant with the default policies and one key.
    pub(crate) async fn start(store: Arc<dyn Store>, spool: Option<SpoolOptions>) -> Self {
        let clock = Clock::manual(Timestamp::from_unix_ms(START_MS));
        let options = LiveOptions { clock: clock.clone(), spool, ..LiveOptions::default() };
        let masters = MasterKeys::new(SecretBytes::new([7; 32]));
        let live = Live::start(store, masters, options).await.unwrap();
        let build = BuildInfo {
            version: "0.0.0-test",
            git_commit: "unknown",
            built_at: "unknown",
            rustc: "unknown",
            started_at: clock.now(),
        };
        let (stop, _) = watch::channel(());
        let gateway = Gateway::new(Arc::clone(&live), build, "http://console.test".to_owned());
        let telemetry = Telemetry::new(Arc::clone(&live), Secret::new(OPERATOR), build);
        let gateway = listen(interven_gateway::router(gateway), &stop).await;
        let telemetry = listen(interven_telemetry::router(telemetry), &stop).await;
        let tenant = seed_tenant(&live, "acme", &Actor::system()).await.unwrap().tenant_id;
        let asked: NewKeyRequest = serde_json::from_value(json!({"name": "bot"})).unwrap();
        let key = live.mint_key(tenant, asked, &Actor::system()).await.unwrap().key;
        let http = interven_testkit::http_client();
        let key = serde_json::to_value(key).unwrap().as_str().unwrap().to_owned();
        Self { live, tenant, clock, gateway, telemetry, key, http, _stop: stop }
    }

    pub(crate) async fn agent(&self, method: &str, path: &str, body: Value) -> Answer {
        self.agent_with(&self.key, method, path, body).await
    }

    pub(crate) async fn agent_with(&self, key: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, format!("{}{path}", self.gateway), key, body).await
    }

    pub(crate) async fn operator(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(method, format!("{}{path}", self.telemetry), OPERATOR, body).await
    }

    async fn send(&self, method: &str, url: String, token: &str, body: Value) -> Answer {
        let request = self.http.request(method.parse().unwrap(), url).bearer_auth(token);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Says something harmless in Slack.
    pub(crate) async fn say(&self, text: &str) -> Answer {
        let url = "https://slack.com/api/chat.postMessage";
        let body = json!({"method": "POST", "url": url, "body": {"channel": "#general", "text": text}});
        self.agent("POST", "/v1/scan", body).await
    }

    /// Asks for a new IAM user: the defaults hold that for a human.
    pub(crate) async fn create_user(&self, name: &str) -> Answer {
        let body = json!({"Action": "CreateUser", "UserName": name, "Version": "2010-05-08"});
        let request = json!({"method": "POST", "url": "https://iam.amazonaws.com/", "body": body});
        self.agent("POST", "/v1/scan", request).await
    }
}

async fn listen(router: axum::Router, stop: &watch::Sender<()>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut stopped = stop.subscribe();
    let until_dropped = async move { while stopped.changed().await.is_ok() {} };
    tokio::spawn(serve(listener, router, ServeOptions::default(), until_dropped));
    format!("http://{addr}")
}
