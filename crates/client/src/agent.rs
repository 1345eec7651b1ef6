//! The agent's side: ask before acting.
//!
//! What the SDKs of other languages promise, this one does too; `sdks/conformance` holds all of them to it.

mod approval;
mod counters;
mod exchange;
mod settings;

pub use approval::{ApprovalStatus, WaitError};
pub use counters::Counters;
pub use settings::{AgentOptions, AgentSettings};

use crate::{ClientError, ScanAnswer, connection::Connection};
use counters::Counting;
use exchange::{Patience, exchange};
use interven_types::{ApprovalId, FailMode, ScanRequest, TraceId};
use reqwest::{Method, RequestBuilder};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Speaks to one gateway with one API key. Clones share connections and counters.
#[derive(Clone, Debug)]
pub struct AgentClient {
    settings: Arc<AgentSettings>,
    connection: Connection,
    counting: Arc<Counting>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked<T> {
    Answered(T),
    /// The gateway was out of order, and the call goes through all the same because that was chosen. It is logged and counted.
    LetThrough(ClientError),
}

/// What the gateway made of what an agent read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponseAnswer {
    #[serde(default)]
    pub data_classes: Vec<String>,
    #[serde(default)]
    pub fields_redacted_count: u64,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// What a narrower key is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct NewEphemeralKey {
    /// 1 to 86,400.
    pub ttl_seconds: u64,
    /// 1 to 1,000 scans.
    pub max_uses: u64,
    /// `{"tools": […], "verbs": […]}`.
    pub scope: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A narrower key that ends by itself.
#[derive(Clone, Deserialize, Serialize)]
pub struct EphemeralKey {
    pub key: String,
    pub ephemeral_id: String,
    /// Its first characters, which may be shown.
    pub prefix: String,
    /// RFC 3339.
    pub expires_at: String,
    pub max_uses: u64,
    #[serde(default)]
    pub scope: Map<String, Value>,
}

impl std::fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EphemeralKey").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl AgentClient {
    /// # Errors
    /// An address or a key that cannot be used.
    pub fn new(settings: AgentSettings) -> Result<Self, ClientError> {
        if !settings.api_key.reveal().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::BadToken);
        }
        let connection = Connection::new(&settings.gateway_url, &settings.api_key)?;
        Ok(Self { settings: Arc::new(settings), connection, counting: Arc::default() })
    }

    pub fn settings(&self) -> &AgentSettings {
        &self.settings
    }

    pub fn counters(&self) -> Counters {
        self.counting.read()
    }

    /// Asks what to do with one intended call. What the request does not say of the agent, the settings do.
    ///
    /// # Errors
    /// No answer is never an ALLOW: on any error the call must not go through.
    pub async fn scan(&self, request: &ScanRequest) -> Result<Asked<ScanAnswer>, ClientError> {
        let mut request = request.clone();
        request.agent_id = request.agent_id.or(self.settings.agent_id);
        request.agent_name = request.agent_name.or_else(|| self.settings.agent_name.clone());
        request.runtime_type = request.runtime_type.or_else(|| self.settings.runtime_type.clone());
        let answer = self.post(&["v1", "scan"], &request, true).await;
        let answer = answer.and_then(|bytes| ScanAnswer::read(&bytes, &self.settings.gateway_url));
        self.open(answer.map(|answer| self.with_approval_url(answer)), "the call was let through unjudged")
    }

    /// Tells the gateway what came back from a call that it judged.
    ///
    /// # Errors
    /// When the gateway does not take it.
    pub async fn scan_response(
        &self,
        trace_id: TraceId,
        body: &Value,
        status: Option<u16>,
    ) -> Result<Asked<ResponseAnswer>, ClientError> {
        let mut fields = json!({ "trace_id": trace_id, "response_body": body });
        if let (Some(status), Some(fields)) = (status, fields.as_object_mut()) {
            fields.insert("response_status".to_owned(), status.into());
        }
        let answer = self.post(&["v1", "scan", "response"], &fields, true).await;
        self.open(answer.and_then(|bytes| self.read(&bytes)), "the response was let through unread")
    }

    /// Where an approval stands now. The gateway allows one such question in 2 s.
    ///
    /// # Errors
    /// When there is no answer, or none about an approval.
    pub async fn poll_approval(&self, id: ApprovalId) -> Result<ApprovalStatus, ClientError> {
        self.poll(&id.to_string(), 0, Duration::MAX).await
    }

    /// # Errors
    /// When the gateway gives none. It is asked once only: a second key would stay unused.
    pub async fn mint_ephemeral_key(&self, new: &NewEphemeralKey) -> Result<EphemeralKey, ClientError> {
        let bytes = self.post(&["v1", "keys", "ephemeral"], new, false).await?;
        self.read(&bytes)
    }

    /// Whether the gateway can decide and record now.
    pub async fn is_healthy(&self) -> bool {
        let Ok(connection) = Connection::without_token(&self.settings.gateway_url) else { return false };
        let patience = Patience { retries: 0, ..self.patience(self.settings.timeout, true) };
        let request = || connection.request::<&str>(Method::GET, &["health"], &[]);
        exchange(&connection, request, patience, &self.counting).await.is_ok()
    }

    async fn poll(
        &self,
        id: &str,
        hold_seconds: u64,
        longest: Duration,
    ) -> Result<ApprovalStatus, ClientError> {
        let hold = (hold_seconds > 0).then(|| ("wait", hold_seconds.to_string()));
        let timeout = (self.settings.timeout + Duration::from_secs(hold_seconds)).min(longest);
        let path = ["v1", "approvals", id, "status"];
        let request = || self.connection.request(Method::GET, &path, hold.as_slice());
        let bytes = exchange(&self.connection, request, self.patience(timeout, true), &self.counting).await?;
        self.read(&bytes)
    }

    async fn post(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
        is_repeatable: bool,
    ) -> Result<Vec<u8>, ClientError> {
        let key = Uuid::new_v4().to_string();
        let request = || -> RequestBuilder {
            let request = self.connection.request::<&str>(Method::POST, path, &[]);
            request.header(IDEMPOTENCY_KEY, &key).json(body)
        };
        exchange(
            &self.connection,
            request,
            self.patience(self.settings.timeout, is_repeatable),
            &self.counting,
        )
        .await
    }

    fn patience(&self, timeout: Duration, is_repeatable: bool) -> Patience {
        Patience { deadline: Instant::now() + timeout, retries: self.settings.retries, is_repeatable }
    }

    fn read<T: for<'de> Deserialize<'de>>(&self, bytes: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(bytes).map_err(|error| ClientError::Unreadable {
            url: self.settings.gateway_url.clone(),
            reason: error.to_string(),
        })
    }

    /// The one place where an outage becomes a call that goes through.
    fn open<T>(&self, answer: Result<T, ClientError>, consequence: &str) -> Result<Asked<T>, ClientError> {
        match answer {
            Ok(answer) => Ok(Asked::Answered(answer)),
            Err(outage) if self.settings.fail_mode == FailMode::Open && outage.is_outage() => {
                self.counting.failed_open();
                tracing::warn!(%outage, "FAIL OPEN: {consequence}, because that was chosen");
                Ok(Asked::LetThrough(outage))
            }
            Err(error) => Err(error),
        }
    }

    fn with_approval_url(&self, mut answer: ScanAnswer) -> ScanAnswer {
        if let (Some(id), None, Some(console)) =
            (answer.approval_id, &answer.approval_url, &self.settings.console_url)
        {
            answer.approval_url = Some(format!("{console}/approvals/{id}"));
        }
        answer
    }
}
