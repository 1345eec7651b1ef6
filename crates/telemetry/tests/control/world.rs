//! A running control plane and the people who use it.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use interven_http::BuildInfo;
use interven_live::{
    Caller, Clock, Live, LiveOptions, MasterKeys, NewKeyRequest, ScanRequestContext, StartError,
};
use interven_store::{Actor, AuditStore as _, TenantStore as _};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_telemetry::{Telemetry, router, seed_tenant};
use interven_types::{ScanRequest, Secret, SecretBytes, TenantId, Timestamp, Verdict};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, sync::Arc};
use tower::ServiceExt as _;

pub(crate) const TOKEN: &str = "the-operator's-token";

pub(crate) struct World {
    pub(crate) live: Arc<Live>,
    pub(crate) router: Router,
    pub(crate) tenant: TenantId,
    pub(crate) clock: Clock,
    store: SqliteStore,
    _directory: tempfile::TempDir,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
    /// An answer of one object per line.
    pub(crate) lines: Vec<Value>,
}

impl Answer {
    /// The body of a 200.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.json);
        self.json
    }

    /// Status and code of an error.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status.as_u16(), self.json["code"].as_str().unwrap_or_default())
    }

    pub(crate) fn message(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }
}

/// One request, built up word by word.
pub(crate) struct Ask<'w> {
    world: &'w World,
    method: String,
    path: String,
    token: Option<String>,
    tenant: Option<String>,
    origin: Option<&'static str>,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Ask<'_> {
    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub(crate) fn anonymous(self) -> Self {
        Self { token: None, ..self }
    }

    pub(crate) fn without_tenant(self) -> Self {
        Self { tenant: None, ..self }
    }

    pub(crate) fn of_tenant(self, named: impl ToString) -> Self {
        Self { tenant: Some(named.to_string()), ..self }
    }

    pub(crate) fn claiming(self, origin: &'static str) -> Self {
        Self { origin: Some(origin), ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self { body: body.to_string().into_bytes(), ..self }
    }

    pub(crate) fn yaml(self, body: &str) -> Self {
        Self { body: body.as_bytes().to_vec(), content_type: "text/yaml", ..self }
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(&self.path)
            .header("content-type", self.content_type);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(tenant) = &self.tenant {
            request = request.header("x-interven-tenant", tenant);
        }
        if let Some(origin) = self.origin {
            request = request.header("x-interven-origin", origin);
        }
        let request = request.body(Body::from(self.body)).unwrap();
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        Answer { status: parts.status, headers: parts.headers, json, lines: lines.collect() }
    }
}

impl World {
    /// One tenant, `acme`, with the default policies.
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(SqliteOptions::new(directory.path().join("test.db"))).await.unwrap();
        let clock = Clock::manual(Timestamp::from_unix_ms(1_790_000_000_000));
        let options = LiveOptions { clock: clock.clone(), ..LiveOptions::default() };
        let masters = MasterKeys::new(SecretBytes::new([7; 32]));
        let live = Live::start(Arc::new(store.clone()), masters, options).await.unwrap();
        let tenant = seed_tenant(&live, "acme", &Actor::system()).await.unwrap().tenant_id;
        let build = BuildInfo {
            version: "0",
            git_commit: "none",
            built_at: "now",
            rustc: "rustc",
            started_at: clock.now(),
        };
        let router = router(Telemetry::new(Arc::clone(&live), Secret::new(TOKEN), build));
        Self { live, router, tenant, clock, store, _directory: directory }
    }

    /// Another process on the same store.
    pub(crate) async fn another(&self, masters: MasterKeys) -> Result<Arc<Live>, StartError> {
        let options = LiveOptions { clock: self.clock.clone(), ..LiveOptions::default() };
        Live::start(Arc::new(self.store.clone()), masters, options).await
    }

    /// The operator asks, of the tenant `acme`.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        let path = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None => format!("/api/telemetry/{path}"),
        };
        Ask {
            world: self,
            method: method.to_owned(),
            path,
            token: Some(TOKEN.to_owned()),
            tenant: Some(self.tenant.to_string()),
            origin: None,
            content_type: "application/json",
            body: Vec::new(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ask("GET", path).send().await.ok()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    pub(crate) async fn caller(&self) -> Caller {
        self.caller_with(NewKeyRequest::default()).await
    }

    pub(crate) async fn caller_named(&self, agent: &str) -> Caller {
        self.caller_with(NewKeyRequest { agent_name: Some(agent.into()), ..NewKeyRequest::default() }).await
    }

    /// Calls as `bot`, or whom the key names, with a key that is otherwise as given.
    pub(crate) async fn caller_with(&self, key: NewKeyRequest) -> Caller {
        let agent_name = key.agent_name.clone().or_else(|| Some("bot".into()));
        let new = NewKeyRequest { name: "ci".into(), agent_name, ..key };
        let minted = self.live.mint_key(self.tenant, new, &Actor::system()).await.unwrap();
        self.authenticate(&minted.key).await.unwrap()
    }

    pub(crate) async fn authenticate(&self, key: &str) -> Result<Caller, String> {
        let header = format!("Bearer {key}");
        self.live
            .authenticate(Some(&header), Ipv4Addr::LOCALHOST.into())
            .await
            .map_err(|error| error.to_string())
    }

    pub(crate) async fn scan(&self, caller: &Caller, url: &str, body: Value) -> Verdict {
        let request = ScanRequest::new("POST", url, body);
        let recorded = self.live.scan(caller, request, ScanRequestContext::default()).await.unwrap();
        recorded.into_parts().0
    }

    /// Makes every call to `pay.example` wait for a human.
    pub(crate) async fn hold_payments(&self) {
        let policy = json!({"name": "Payments", "rules": [
            {"rule_id": "hold", "match": {"host_patterns": ["pay.example"]}, "action": "REQUIRE_APPROVAL"}
        ]});
        self.post("policies/apply", policy).await.ok();
    }

    /// A call that waits, by the id of its approval.
    pub(crate) async fn held_call(&self, caller: &Caller, amount: u32) -> String {
        let verdict = self.scan(caller, "https://pay.example/transfers", json!({"amount": amount})).await;
        verdict.approval.expect("the call waits").approval_id.to_string()
    }

    /// Rows of all audit logs, newest first within a tenant.
    pub(crate) async fn audit(&self) -> Vec<(String, String)> {
        let mut rows = Vec::new();
        for tenant in self.store.tenants().await.unwrap() {
            for row in self.store.audit_log(tenant.tenant_id, None, 1_000).await.unwrap() {
                rows.push((row.action, row.actor.name));
            }
        }
        rows
    }
}
