//! Why there is no answer.

use interven_types::TraceId;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{address}` cannot be used: {reason}; the address of a server looks like http://127.0.0.1:4000")]
    BadAddress { address: String, reason: String },
    /// The text is not repeated: it is a secret.
    #[error("the key or token holds characters that no header may carry")]
    BadToken,
    #[error("no answer from {url}: {reason}; is the server running there?")]
    Unreachable { url: String, reason: String },
    #[error(transparent)]
    Refused(Box<Refusal>),
    #[error("{url} gave an answer that cannot be read: {reason}; is it an Interven server of this version?")]
    Unreadable { url: String, reason: String },
}

/// The server's own words.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// A name of [`interven_types::ErrorCode`], or one that a newer server knows.
    pub code: String,
    /// A sentence a person can act on.
    pub message: String,
    pub trace_id: Option<TraceId>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// With `INVALID_POLICY`: what is wrong where.
    pub diagnostics: Vec<RefusedPolicy>,
}

/// One finding of the server about policies it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPolicy {
    pub severity: String,
    #[serde(default)]
    pub path: String,
    pub message: String,
}

/// The body of an error answer, as much of it as there is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ErrorAnswer {
    error: String,
    code: String,
    trace_id: Option<TraceId>,
    diagnostics: Vec<RefusedPolicy>,
}

impl ErrorAnswer {
    pub(crate) fn into_refusal(self, status: u16, url: &str) -> Refusal {
        let or = |text: String, otherwise: String| if text.is_empty() { otherwise } else { text };
        Refusal {
            status,
            code: or(self.code, format!("HTTP {status}")),
            message: or(self.error, format!("{url} refused the request")),
            trace_id: self.trace_id,
            retry_after: None,
            diagnostics: self.diagnostics,
        }
    }
}
