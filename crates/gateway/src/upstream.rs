//! Making a call that was judged: out through the one door, and what comes back is looked at before it is handed on.

use crate::{Gateway, response::ResponseAnswer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use interven_egress::{UpstreamAnswer, UpstreamCall};
use interven_http::{ApiError, ApiResult};
use interven_live::Caller;
use interven_types::{ErrorCode, TraceId, parse_json};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// What the tool answered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Upstream {
    /// HTTP status.
    status: u16,
    /// JSON where it is JSON, else text.
    #[schema(value_type = Object)]
    body: Value,
    /// `base64` where the answer is neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    /// What was found in the answer; noted on the trace.
    inspection: ResponseAnswer,
}

impl Upstream {
    /// Whether the tool said no.
    pub(crate) fn is_failure(&self) -> bool {
        self.status >= 400
    }

    /// The answer as text.
    pub(crate) fn text(&self) -> String {
        match &self.body {
            Value::String(text) => text.clone(),
            Value::Null => format!("HTTP {}", self.status),
            json => json.to_string(),
        }
    }
}

/// Makes the call, once, at the origin of `configured`, and notes what came back on the trace that allowed it.
pub(crate) async fn carry_out(
    gateway: &Gateway,
    caller: &Caller,
    trace_id: TraceId,
    configured: &Url,
    call: UpstreamCall,
) -> ApiResult<Upstream> {
    let unreachable = |why: String| ApiError::new(ErrorCode::UpstreamUnreachable, why).with_trace(trace_id);
    let no_way_out = || unreachable("this gateway can call nobody: its log of the start says why".to_owned());
    let egress = gateway.egress.as_ref().ok_or_else(no_way_out)?;
    let answer = egress.send(configured, call).await.map_err(|error| unreachable(error.to_string()))?;
    let status = answer.status;
    let (body, encoding) = readable(answer);
    let inspected = gateway.live.inspect_response(caller, trace_id, body.clone(), Some(status)).await;
    let inspection = inspected.map(ResponseAnswer::from).map_err(|cause| {
        tracing::error!(%cause, "what an upstream answered could not be recorded");
        let sentence =
            "the call was carried out, but what came back could not be recorded and is not handed on";
        ApiError::new(ErrorCode::AuditUnavailable, sentence).with_trace(trace_id)
    })?;
    Ok(Upstream { status, body, encoding, inspection })
}

/// Takes the name of a call that is made once at most; a retry of one that was made must not make it again.
pub(crate) async fn take_once(
    gateway: &Gateway,
    caller: &Caller,
    name: Option<&str>,
    trace_id: TraceId,
) -> ApiResult<()> {
    let Some(name) = name else { return Ok(()) };
    match gateway.live.is_first_request(caller, name).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            let sentence = "the call was made already, or tried, under the same approval or Idempotency-Key; what came of it was told then";
            Err(ApiError::new(ErrorCode::Conflict, sentence).with_trace(trace_id))
        }
        Err(cause) => {
            tracing::error!(%cause, "a tool's call could not be noted");
            let sentence = "the call could not be noted, and was not made; send it again";
            Err(ApiError::new(ErrorCode::AuditUnavailable, sentence).with_trace(trace_id))
        }
    }
}

fn readable(answer: UpstreamAnswer) -> (Value, Option<&'static str>) {
    if answer.body.is_empty() {
        return (Value::Null, None);
    }
    if let Ok(json) = serde_json::from_slice(&answer.body) {
        return (without_secrets(json, &answer), None);
    }
    match std::str::from_utf8(&answer.body) {
        Ok(text) => (text.into(), None),
        Err(_) => (STANDARD.encode(&answer.body).into(), Some("base64")),
    }
}

/// Escapes of JSON, such as `\u002b`, hide a secret in the bytes and not in what they are read as.
fn without_secrets(json: Value, answer: &UpstreamAnswer) -> Value {
    match json {
        Value::String(text) => Value::String(answer.cover(text)),
        Value::Array(items) => items.into_iter().map(|item| without_secrets(item, answer)).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (answer.cover(name), without_secrets(value, answer)))
            .collect(),
        plain => plain,
    }
}

/// A text that is sent as JSON must be JSON: what a laxer reader would take it for, nobody has judged.
pub(crate) fn check_text(headers: &BTreeMap<String, String>, body: &Value) -> ApiResult<()> {
    let Value::String(text) = body else { return Ok(()) };
    let media_type = headers.get("content-type").map(|value| value.split(';').next().unwrap_or_default());
    let media_type = media_type.unwrap_or_default().trim().to_ascii_lowercase();
    if media_type != "application/json" && !media_type.ends_with("+json") {
        return Ok(());
    }
    parse_json(text.as_bytes()).map(drop).map_err(|error| {
        ApiError::invalid_request(format!(
            "`body` is a text whose content type says that it is JSON: {error}"
        ))
    })
}

/// A body as it goes out, and its content type: a text as it is, everything else as JSON.
pub(crate) fn written(body: Value) -> (&'static str, Option<Bytes>) {
    match body {
        Value::Null => ("", None),
        Value::String(text) => ("text/plain; charset=utf-8", Some(text.into())),
        json => ("application/json", Some(json.to_string().into())),
    }
}
