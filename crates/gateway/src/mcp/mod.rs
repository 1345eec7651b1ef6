//! The tool gateway as an MCP server speaks: JSON-RPC 2.0, tools only (modelcontextprotocol.io, "Tools").

mod rpc;

use crate::tools::{OPERATIONS, Operation};
use axum::{Json, body::Bytes};
use interven_types::parse_json;
use rpc::{INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR, Reply};
use serde_json::{Value, json};

/// What tools there are. Needs no key and no signature: the answer is the same for everybody.
#[utoipa::path(
    post, path = "/mcp/tools/list", tag = "mcp",
    request_body(content = Object, description = "A JSON-RPC 2.0 request, or nothing"),
    responses((status = 200, description = "A JSON-RPC 2.0 answer with `result.tools`", body = Object))
)]
pub(crate) async fn list_tools(body: Bytes) -> Json<Reply> {
    if body.trim_ascii().is_empty() {
        return Json(Reply::result(Value::Null, tools()));
    }
    let Ok(request) = parse_json(&body) else {
        return Json(Reply::error(Value::Null, PARSE_ERROR, "the body is not JSON"));
    };
    let id = request.get("id").cloned().unwrap_or_default();
    Json(match request.get("method").and_then(Value::as_str) {
        Some("tools/list") => Reply::result(id, tools()),
        Some(other) => {
            Reply::error(id, METHOD_NOT_FOUND, format!("`{other}` is not answered here; `tools/list` is"))
        }
        None => Reply::error(id, INVALID_REQUEST, "`method` is required and must be a string"),
    })
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
