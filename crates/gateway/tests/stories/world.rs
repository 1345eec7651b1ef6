//! A running gateway on its own database, and the actors around it.

use interven_gateway::{Gateway, router};
use interven_http::{BuildInfo, CidrList, ServeOptions, serve};
use interven_live::{Clock, Live, LiveOptions, MasterKeys, fresh_api_key, fresh_id};
use interven_policy::{PolicySource, default_policies};
use interven_store::{
    Actor, AgentClaim, AgentOverride, ApprovalDecision, ApprovalStore as _, KeyRecord, KeyScope,
    KeyStore as _, NewKey, TenantStore as _,
};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_types::{
    AgentId, ApprovalId, KeyId, KeyKind, RuntimeType, SecretBytes, TenantId, TenantSettings, Timestamp,
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// Noon, so that no test runs over midnight.
const START_MS: i64 = 1_790_078_400_000;

pub(crate) struct World {
    pub(crate) live: Arc<Live>,
    pub(crate) store: SqliteStore,
    pub(crate) clock: Clock,
    pub(crate) tenant: TenantId,
    pub(crate) database: PathBuf,
    addr: SocketAddr,
    _dir: tempfile::TempDir,
}

/// Someone with an API key.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) key_id: KeyId,
    pub(crate) agent_id: AgentId,
    pub(crate) key: String,
    url: String,
    http: reqwest::Client,
}

/// What came back: status, body, and how long to wait where it says so.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<u64>,
}

impl World {
    /// A tenant with the default policies.
    pub(crate) async fn start() -> Self {
        Self::with(LiveOptions::default()).await
    }

    pub(crate) async fn with(options: LiveOptions) -> Self {
        Self::made(options, |_| {}).await
    }

    /// With a gateway that `adjust` may change before it listens.
    pub(crate) async fn with_gateway(adjust: impl FnOnce(&mut Gateway)) -> Self {
        Self::made(LiveOptions::default(), adjust).await
    }

    async fn made(options: LiveOptions, adjust: impl FnOnce(&mut Gateway)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("interven.db");
        let store = SqliteStore::open(SqliteOptions::new(&database)).await.unwrap();
        let clock = Clock::manual(Timestamp::from_unix_ms(START_MS));
        let options = LiveOptions { clock: clock.clone(), ..options };
        let masters = MasterKeys::new(SecretBytes::new([7; 32]));
        let live = Live::start(Arc::new(store.clone()), masters, options).await.unwrap();
        let build = BuildInfo {
            version: "0.0.0-test",
            git_commit: "unknown",
            built_at: "unknown",
            rustc: "unknown",
            started_at: clock.now(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut gateway = Gateway::new(Arc::clone(&live), build, "http://console.test".to_owned());
        gateway.body_timeout = Duration::from_millis(500);
        adjust(&mut gateway);
        let options = ServeOptions { header_timeout: Duration::from_millis(500), ..ServeOptions::default() };
        tokio::spawn(serve(listener, router(gateway), options, std::future::pending()));
        let mut world = Self { live, store, clock, tenant: TenantId(fresh_id()), database, addr, _dir: dir };
        world.tenant = world.tenant_named("acme").await;
        world.apply(default_policies()).await;
        world
    }

    pub(crate) async fn tenant_named(&self, name: &str) -> TenantId {
        let row = self.store.create_tenant(name, &Actor::system(), self.clock.now()).await.unwrap();
        self.live.reload(row.tenant_id).await.unwrap();
        row.tenant_id
    }

    pub(crate) async fn apply(&self, policies: Vec<PolicySource>) {
        self.live.apply_policies(self.tenant, &policies.into(), &Actor::system()).await.unwrap();
    }

    pub(crate) async fn settings(&self, settings: TenantSettings) {
        let now = self.clock.now();
        self.store.update_settings(self.tenant, &settings, None, &Actor::system(), now).await.unwrap();
        self.live.reload(self.tenant).await.unwrap();
    }

    pub(crate) async fn agent(&self, name: &str) -> Agent {
        self.agent_with(name, |_| {}).await
    }

    /// A key whose record `adjust` may change before it is stored.
    pub(crate) async fn agent_with(&self, name: &str, adjust: impl FnOnce(&mut KeyRecord)) -> Agent {
        self.agent_in(self.tenant, name, adjust).await
    }

    pub(crate) async fn agent_in(
        &self,
        tenant: TenantId,
        name: &str,
        adjust: impl FnOnce(&mut KeyRecord),
    ) -> Agent {
        use interven_store::AgentStore as _;
        let now = self.clock.now();
        let claim = AgentClaim::Name(name.to_owned());
        let agent = self.store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now).await.unwrap();
        let key = fresh_api_key(KeyKind::Live).unwrap();
        let mut record = KeyRecord {
            key_id: KeyId(fresh_id()),
            tenant_id: tenant,
            name: format!("key of {name}"),
            prefix: key.prefix().to_owned(),
            env: "default".to_owned(),
            env_override: false,
            agent_id: agent.agent_id,
            agent_override: AgentOverride::Any,
            ip_allowlist: Vec::new(),
            scopes: BTreeSet::from([KeyScope::Scan]),
            monitor: false,
            created_at: now,
            created_by: "test".to_owned(),
            expires_at: None,
            revoked_at: None,
            last_seen_at: None,
            blocked_attempts: 0,
            last_refusal: None,
            signing: false,
            ephemeral: None,
        };
        adjust(&mut record);
        let new = NewKey { hash: self.live.hash_of(&key), record, sealed_secret: None };
        self.store.create_key(tenant, &new, &Actor::system()).await.unwrap();
        Agent {
            key_id: new.record.key_id,
            agent_id: agent.agent_id,
            key: key.reveal().to_owned(),
            url: self.url(),
            http: interven_testkit::http_client(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A person decides.
    pub(crate) async fn decide(&self, approval: &Value, decision: ApprovalDecision) {
        let id: ApprovalId = approval.as_str().unwrap().parse().unwrap();
        let actor = Actor { name: "ana@acme.test".into(), origin: "console".into(), client_addr: None };
        self.store.decide_approval(self.tenant, id, decision, None, &actor, self.clock.now()).await.unwrap();
    }

    /// Waits until `check` holds; the time limit only stops a test that would never end.
    pub(crate) async fn eventually(&self, what: &str, mut check: impl AsyncFnMut() -> bool) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while !check().await {
            assert!(tokio::time::Instant::now() < deadline, "never happened: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Agent {
    /// Another agent, for naming it.
    pub(crate) fn called(&self, agent_id: AgentId) -> Self {
        Self { agent_id, ..self.clone() }
    }

    /// The same agent with another key.
    pub(crate) fn with_key(&self, key: &Value) -> Self {
        Self { key: key.as_str().unwrap().to_owned(), ..self.clone() }
    }

    pub(crate) async fn scan(&self, method: &str, url: &str, body: Value) -> Answer {
        self.send(json!({"method": method, "url": url, "body": body})).await
    }

    pub(crate) async fn send(&self, request: Value) -> Answer {
        self.post("/v1/scan", request.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        body: impl Into<reqwest::Body>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.key).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.key);
        Answer::read(request.send().await.unwrap()).await
    }

    /// Says something harmless in Slack.
    pub(crate) async fn say(&self, text: &str) -> Answer {
        self.scan(
            "POST",
            "https://slack.com/api/chat.postMessage",
            json!({"channel": "#general", "text": text}),
        )
        .await
    }

    /// Asks for a new IAM user: the defaults hold that for a human.
    pub(crate) async fn create_user(&self, name: &str) -> Answer {
        let body = json!({"Action": "CreateUser", "UserName": name, "Version": "2010-05-08"});
        self.scan("POST", "https://iam.amazonaws.com/", body).await
    }
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        let text = response.text().await.unwrap();
        Self { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)), retry_after }
    }

    pub(crate) fn decision(&self) -> &str {
        self.body["decision"].as_str().unwrap_or_else(|| panic!("no decision in {self:?}"))
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_else(|| panic!("no error code in {self:?}"))
    }

    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.body["reason_codes"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }
}

/// A key that no vendor ever issued: the shape of an AWS access key id, drawn from its alphabet.
pub(crate) fn aws_key() -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let id = fresh_id();
    let random = id.as_bytes().iter().rev().map(|byte| char::from(alphabet[*byte as usize % 32]));
    format!("AKIA{}", random.collect::<String>())
}

/// Behind a proxy on loopback.
pub(crate) fn behind_proxy() -> LiveOptions {
    LiveOptions { trusted_proxies: CidrList::parse(["127.0.0.0/8"]).unwrap(), ..LiveOptions::default() }
}
