//! The ledger: what is needed to verify it from outside.

use crate::{ClientError, ControlClient, connection::Connection};
use interven_types::{Timestamp, TraceId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

/// One of a tenant's logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LedgerStatus {
    /// `activity` or `audit`.
    pub log: String,
    /// What its checkpoints are checked with.
    pub key: String,
    /// Positions that were given out so far.
    pub recorded: u64,
    /// How many of them are under the newest checkpoint.
    pub sealed: u64,
    #[serde(default)]
    pub signed_at: Option<Timestamp>,
}

/// An event as it is stored now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredEntry {
    pub position: i64,
    /// Canonical, made again from the row.
    #[serde(default)]
    pub event: Option<String>,
    /// Why there is no event.
    #[serde(default)]
    pub error: Option<String>,
    /// The hash that stands beside the row, in base64.
    #[serde(default)]
    pub leaf_hash: Option<String>,
}

/// Hands a text, such as a checkpoint, to whoever answers at an address. It carries no token.
pub async fn post_text(address: &str, text: &str) -> Result<(), ClientError> {
    Connection::without_token(address)?.post_text(text).await
}

impl ControlClient {
    pub async fn ledger(&self) -> Result<Vec<LedgerStatus>, ClientError> {
        self.get(&["ledger"]).await
    }

    /// The newest checkpoint, with everything sealed that was recorded until now.
    pub async fn ledger_checkpoint(&self, log: &str) -> Result<String, ClientError> {
        self.text(&["ledger", log, "checkpoint"]).await
    }

    /// What stands at a path of the tile layout, such as `tile/0/x001/234`; none when there is nothing.
    pub async fn ledger_tile(&self, log: &str, path: &str) -> Result<Option<Vec<u8>>, ClientError> {
        let segments: Vec<&str> = ["ledger", log].into_iter().chain(path.split('/')).collect();
        match self.bytes(self.request::<&str>(Method::GET, &segments, &[])).await {
            Err(ClientError::Refused(refusal)) if refusal.status == 404 => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// What is stored from a position on, in order; empty at the end.
    pub async fn ledger_entries(&self, log: &str, from: i64) -> Result<Vec<StoredEntry>, ClientError> {
        let query = [("from", from.to_string())];
        self.send(self.request(Method::GET, &["ledger", log, "entries"], &query)).await
    }

    /// A proof that stands alone, as text.
    pub async fn ledger_proof(&self, trace: TraceId) -> Result<String, ClientError> {
        self.text(&["ledger", "activity", "proof", &trace.to_string()]).await
    }

    async fn text(&self, segments: &[&str]) -> Result<String, ClientError> {
        let bytes = self.bytes(self.request::<&str>(Method::GET, segments, &[])).await?;
        String::from_utf8(bytes)
            .map_err(|error| ClientError::Unreadable { url: segments.join("/"), reason: error.to_string() })
    }
}
