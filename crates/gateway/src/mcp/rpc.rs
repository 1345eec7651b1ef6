//! JSON-RPC 2.0 (jsonrpc.org/specification).

use serde::Serialize;
use serde_json::Value;

pub(super) const PARSE_ERROR: i32 = -32_700;
pub(super) const INVALID_REQUEST: i32 = -32_600;
pub(super) const METHOD_NOT_FOUND: i32 = -32_601;

/// One answer: a result or an error.
#[derive(Debug, Serialize)]
pub(crate) struct Reply {
    jsonrpc: &'static str,
    /// That of the request; `null` where it could not be read.
    id: Value,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Result(Value),
    Error { code: i32, message: String },
}

impl Reply {
    pub(super) fn result(id: Value, result: Value) -> Self {
        Self { jsonrpc: "2.0", id, outcome: Outcome::Result(result) }
    }

    pub(super) fn error(id: Value, code: i32, message: impl Into<String>) -> Self {
        Self { jsonrpc: "2.0", id, outcome: Outcome::Error { code, message: message.into() } }
    }
}
