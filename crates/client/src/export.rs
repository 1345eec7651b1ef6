//! The record for other systems, as it comes.

use crate::{ActivityQuery, ClientError, connection::Connection};
use bytes::Bytes;
use reqwest::Response;

/// Which rows, and in which format.
#[derive(Clone, Debug)]
pub struct ExportQuery {
    /// `json`, `ndjson`, `csv`, `splunk`, `datadog`, `ocsf`, `cef`.
    pub format: String,
    pub filter: ActivityQuery,
    /// Only what comes after this position.
    pub after: Option<u64>,
}

impl ExportQuery {
    pub(crate) fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = self.filter.pairs();
        pairs.push(("format", self.format.clone()));
        pairs.extend(self.after.map(|after| ("after", after.to_string())));
        pairs
    }
}

/// An answer of any length.
#[derive(Debug)]
pub struct Download {
    pub(crate) connection: Connection,
    pub(crate) response: Response,
}

impl Download {
    /// The next piece; nothing at its end. An answer that breaks off before it is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.response.chunk().await.map_err(|error| self.connection.unreachable(&error))
    }

    /// The position where an export ends.
    pub fn through(&self) -> u64 {
        let header = self.response.headers().get("x-interven-through");
        header.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or_default()
    }
}
