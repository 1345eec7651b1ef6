//! Why there is no answer.

use interven_types::TraceId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ClientError {
    #[error("`{address}` cannot be used: {reason}; the address of a server looks like http://127.0.0.1:4000")]
    BadAddress { address: String, reason: String },
    /// The text is not repeated: it is a secret.
    #[error("the key or token holds characters that no header may carry; was it pasted whole?")]
    BadToken,
    #[error("no API key: set INTERVEN_API_KEY")]
    NoKey,
    #[error("{0}")]
    BadSetting(String),
    #[error("no answer from {url}: {reason}; is the server running there?")]
    Unreachable {
        url: String,
        reason: String,
        /// Whether the request may have been acted on.
        may_have_arrived: bool,
    },
    #[error("no answer from {url} in time")]
    TimedOut { url: String },
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// Nobody decided anything, as far as can be read.
    #[error("{url} gave an answer that cannot be read: {reason}; is it an Interven server of this version?")]
    Unreadable { url: String, reason: String },
    /// Somebody decided, and what cannot be obeyed is not let through.
    #[error("{0}; upgrade `interven`")]
    Unobeyable(String),
    #[error("this version does not know the decision `{0}` and so blocks; upgrade `interven`")]
    UnknownDecision(String),
}

impl ClientError {
    /// Stable: the server's own, or that of the clients of all languages.
    pub fn code(&self) -> &str {
        match self {
            Self::BadAddress { .. } | Self::BadToken | Self::BadSetting(_) => "CONFIGURATION",
            Self::NoKey => "NO_API_KEY",
            Self::Unreachable { .. } => "UNREACHABLE",
            Self::TimedOut { .. } => "TIMEOUT",
            Self::Refused(refusal) => &refusal.code,
            Self::Unreadable { .. } | Self::Unobeyable(_) => "UNREADABLE_ANSWER",
            Self::UnknownDecision(_) => "UNKNOWN_DECISION",
        }
    }

    /// The server is out of order: not there, not in time, 5xx, or no server of ours. Only for this may a call go through
    /// unjudged, where that is chosen.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Unreadable { .. } => true,
            Self::Refused(refusal) => refusal.status >= 500,
            _ => false,
        }
    }

    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal()?.retry_after
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
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

impl Refusal {
    pub(crate) fn read(body: &[u8], status: u16, url: &str, retry_after: Option<Duration>) -> Self {
        Self::of_fields(serde_json::from_slice(body).unwrap_or_default(), status, url, retry_after)
    }

    pub(crate) fn of_fields(
        mut fields: Map<String, Value>,
        status: u16,
        url: &str,
        retry_after: Option<Duration>,
    ) -> Self {
        let mut text = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        };
        let message = match status {
            300..=399 => {
                format!("{url} answered {status}, a redirect, which is not followed: correct the address")
            }
            _ => text("error").unwrap_or_else(|| format!("{url} answered {status} without saying why")),
        };
        let (code, trace_id) = (text("code"), text("trace_id"));
        let diagnostics = fields.remove("diagnostics").unwrap_or_default();
        Self {
            status,
            code: code.unwrap_or_else(|| format!("HTTP_{status}")),
            message,
            trace_id: trace_id.and_then(|id| id.parse().ok()),
            retry_after,
            diagnostics: serde_json::from_value(diagnostics).unwrap_or_default(),
        }
    }
}
