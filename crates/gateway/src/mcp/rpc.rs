//! JSON-RPC 2.0 (jsonrpc.org/specification).

use serde::Serialize;
use serde_json::Value;

pub(super) const PARSE_ERROR: i32 = -32_700;
pub(super) const INVALID_REQUEST: i32 = -32_600;
pub(super) const METHOD_NOT_FOUND: i32 = -32_601;
pub(super) const INVALID_PARAMS: i32 = -32_602;

/// One request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// `null` where there is none.
    pub id: Value,
    pub method: &'a str,
    /// `null` where there are none.
    pub params: &'a Value,
    has_id: bool,
}

impl<'a> Request<'a> {
    /// Reads a request, or says what it should have been. Batches are none: MCP has had none since its revision of 2025-06-18.
    pub(super) fn read(json: &'a Value) -> Result<Self, Reply> {
        let id = json.get("id").cloned().unwrap_or_default();
        if !json.is_object() || json.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            let told = "one JSON-RPC 2.0 request is expected: an object with `jsonrpc` \"2.0\"";
            return Err(Reply::error(id, INVALID_REQUEST, told));
        }
        if !(id.is_null() || id.is_string() || id.is_number()) {
            return Err(Reply::error(Value::Null, INVALID_REQUEST, "`id` must be a string or a number"));
        }
        let Some(method) = json.get("method").and_then(Value::as_str) else {
            return Err(Reply::error(id, INVALID_REQUEST, "`method` is required and must be a string"));
        };
        let has_id = json.get("id").is_some();
        Ok(Self { id, method, params: json.get("params").unwrap_or(&Value::Null), has_id })
    }

    pub(super) fn is_notification(&self) -> bool {
        !self.has_id
    }
}

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
