//! The tool gateway as an MCP server speaks: JSON-RPC 2.0, tools only (modelcontextprotocol.io, "Tools").

mod rpc;

use crate::{
    Gateway,
    invoke::IdentityContext,
    signed::{Signed, only},
    tools::{self, Asked, OPERATIONS, Operation, ToolAnswer},
};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use interven_http::{ApiError, ApiResult, read_body};
use interven_types::{Decision, ErrorBody, ErrorCode, parse_json};
use rpc::{INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR, Reply, Request};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Lists tools, or calls one. A blocked call is a result that says so, which the model can read.
#[utoipa::path(
    post, path = "/mcp", tag = "signed", security(("signature" = [])),
    request_body(content = Object, description = "A JSON-RPC 2.0 request: `tools/list` or `tools/call`"),
    params(
        ("X-AIF-Agent-ID" = String, Header, description = "Who signed"),
        ("X-AIF-Timestamp" = String, Header, description = "When, RFC 3339"),
        ("X-AIF-Credential-Type" = Option<String>, Header, description = "Of the agent's own credential"),
        ("X-AIF-Credential-Token" = Option<String>, Header, description = "The agent's own credential, in place of the tenant's"),
    ),
    responses(
        (status = 200, description = "A JSON-RPC 2.0 answer", body = Object),
        (status = 202, description = "A notification: nothing is answered"),
        (status = 400, description = "`REPLAY_REJECTED`: too old, or taken before", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY`: bad signature or unknown agent", body = ErrorBody),
    )
)]
pub(crate) async fn call(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    signed: Signed,
) -> ApiResult<Response> {
    let at = only(&headers, "x-aif-timestamp")?;
    let credential = (only(&headers, "x-aif-credential-type")?, only(&headers, "x-aif-credential-token")?);
    // The time is not signed: it tells apart the same request made twice, and an old one from a new one.
    let nonce = format!("{} {}", signed.signature, at.unwrap_or_default());
    signed.is_fresh(&gateway, "X-AIF-Timestamp", at, &nonce).await?;
    let request = match Request::read(&signed.json) {
        Ok(request) => request,
        Err(reply) => return Ok(Json(reply).into_response()),
    };
    if request.is_notification() {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let identity = IdentityContext::new(credential.0, credential.1);
    let reply = match request.method {
        "tools/list" => Reply::result(request.id, tools()),
        "tools/call" => call_tool(&gateway, &signed, request, &identity).await?,
        other => {
            let told = format!("`{other}` is not answered here; `tools/list` and `tools/call` are");
            Reply::error(request.id, METHOD_NOT_FOUND, told)
        }
    };
    Ok(Json(reply).into_response())
}

async fn call_tool(
    gateway: &Gateway,
    signed: &Signed,
    request: Request<'_>,
    identity: &IdentityContext,
) -> ApiResult<Reply> {
    let name = request.params.get("name").and_then(Value::as_str).unwrap_or_default();
    let Some(operation) = OPERATIONS.iter().find(|operation| operation.mcp_name() == name) else {
        return Ok(Reply::error(request.id, INVALID_PARAMS, format!("there is no tool `{name}` here")));
    };
    let arguments = request.params.get("arguments").cloned().unwrap_or_else(|| json!({}));
    let asked = Asked { idempotency_key: None, authorization: identity.authorization() };
    let called = (operation.tool, operation.name);
    match tools::run(gateway, &signed.caller, called, arguments, asked).await {
        Ok(answer) => Ok(Reply::result(request.id, result_of(&answer))),
        Err(error) if error.code() == ErrorCode::InvalidRequest => {
            Ok(Reply::error(request.id, INVALID_PARAMS, error.message()))
        }
        Err(error) if is_of_the_tool(&error) => {
            Ok(Reply::result(request.id, content(true, error.message().to_owned())))
        }
        Err(error) => Err(error),
    }
}

/// What the model should read; everything else is between client and gateway.
fn is_of_the_tool(error: &ApiError) -> bool {
    matches!(error.code(), ErrorCode::ToolNotConfigured | ErrorCode::UpstreamUnreachable)
}

fn result_of(answer: &ToolAnswer) -> Value {
    let scan = &answer.scan;
    match (&answer.upstream, scan.decision) {
        (Some(upstream), _) => content(upstream.is_failure(), upstream.text()),
        (None, decision) => {
            let mut text = format!("{decision}: {}", scan.reason_codes.join(", "));
            if let (Decision::RequireApproval, Some(id)) = (decision, scan.approval_id) {
                // Writing to a string does not fail. Clients look for this line.
                let _ = write!(
                    text,
                    "\nApproval ID: {id}\nA person has to approve it; then send the same call again."
                );
            }
            content(true, text)
        }
    }
}

fn content(is_error: bool, text: String) -> Value {
    json!({"content": [{"type": "text", "text": text}], "isError": is_error})
}

/// What tools there are. Needs no key and no signature: the answer is the same for everybody.
#[utoipa::path(
    post, path = "/mcp/tools/list", tag = "mcp",
    request_body(content = Object, description = "A JSON-RPC 2.0 request, or nothing"),
    responses(
        (status = 200, description = "A JSON-RPC 2.0 answer with `result.tools`", body = Object),
        (status = 408, description = "`REQUEST_TIMEOUT`", body = ErrorBody),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`, with the limit and the actual size", body = ErrorBody),
    )
)]
pub(crate) async fn list_tools(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Reply>> {
    let body = read_body(&headers, body, gateway.body_limits()).await?;
    if body.trim_ascii().is_empty() {
        return Ok(Json(Reply::result(Value::Null, tools())));
    }
    let Ok(request) = parse_json(&body) else {
        return Ok(Json(Reply::error(Value::Null, PARSE_ERROR, "the body is not JSON")));
    };
    Ok(Json(match Request::read(&request) {
        Ok(Request { method: "tools/list", id, .. }) => Reply::result(id, tools()),
        Ok(Request { method, id, .. }) => {
            Reply::error(id, METHOD_NOT_FOUND, format!("`{method}` is not answered here; `tools/list` is"))
        }
        Err(reply) => reply,
    }))
}

/// The result of `tools/list`.
fn tools() -> Value {
    let tool = |operation: &Operation| {
        json!({
            "name": operation.mcp_name(),
            "description": operation.about,
            "inputSchema": operation.schema(),
        })
    };
    json!({"tools": OPERATIONS.iter().map(tool).collect::<Vec<_>>()})
}
