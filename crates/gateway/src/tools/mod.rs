//! `POST /v1/tools/{tool}/{operation}`: the agent says what it wants done, and never sees the credential it is done with.
//!
//! The HTTP call that the parameters make is judged like any scan. What may go out goes out with the tenant's credential, to the
//! one place that the credential is for.

mod call;
mod operations;

use crate::{
    Gateway,
    answer::ScanAnswer,
    caller::AgentKey,
    scan,
    upstream::{Upstream, carry_out, take_once},
};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use call::Intended;
use interven_http::{ApiError, ApiResult, Path};
use interven_live::Caller;
use interven_store::KeyScope;
use interven_types::{Decision, ErrorBody, ErrorCode, Secret};
pub(crate) use operations::{OPERATIONS, Operation};
use serde::Serialize;
use serde_json::Value;
use std::time::Instant;

/// The verdict, and what the tool answered where it was called.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ToolAnswer {
    #[serde(flatten)]
    pub scan: ScanAnswer,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// Judges a tool's call and, where it may be made, makes it with the tenant's credential.
#[utoipa::path(
    post, path = "/v1/tools/{tool}/{operation}", tag = "tools", security(("api_key" = [])),
    params(
        ("tool" = String, Path, description = "`slack`, `github`, `gdrive`, `http`"),
        ("operation" = String, Path, description = "`post_message`, `create_pull_request`, `update_file`, `share_file`, `request`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Retries with the same key count as one use of a grant"),
    ),
    request_body(content = Object, description = "The operation's parameters"),
    responses(
        (status = 200, description = "ALLOW or SANITIZE: the tool was called", body = ToolAnswer),
        (status = 202, description = "REQUIRE_APPROVAL: nothing was called yet; the identical request passes once approved", body = ToolAnswer),
        (status = 400, description = "`INVALID_REQUEST`, naming the parameter", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY` or `IP_NOT_ALLOWED`", body = ErrorBody),
        (status = 403, description = "DENY; without a decision `SCOPE_MISSING` and the like", body = ToolAnswer),
        (status = 404, description = "No such operation", body = ErrorBody),
        (status = 409, description = "`TOOL_NOT_CONFIGURED`: no credential for this tool or host", body = ErrorBody),
        (status = 502, description = "`UPSTREAM_UNREACHABLE`", body = ErrorBody),
        (status = 503, description = "`AUDIT_UNAVAILABLE`", body = ErrorBody),
    )
)]
pub(crate) async fn call(
    key: AgentKey,
    State(gateway): State<Gateway>,
    Path((tool, operation)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<ToolAnswer>)> {
    let caller = key.require(KeyScope::Scan)?;
    let parameters = scan::read_json(&gateway, caller.tenant(), &headers, body).await?;
    let idempotency_key = scan::idempotency_key(&headers)?;
    let asked = Asked { idempotency_key, authorization: None };
    let answered = run(&gateway, caller, (&tool, &operation), parameters, asked).await;
    let answer = answered.inspect_err(|error| gateway.metrics.refused(error.code()))?;
    Ok((answer.scan.http_status(), Json(answer)))
}

/// What comes beside the parameters.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub idempotency_key: Option<String>,
    /// The agent's own, in place of the tenant's credential. For this call alone.
    pub authorization: Option<Secret>,
}

/// One call of one tool, from its parameters to what came of it.
pub(crate) async fn run(
    gateway: &Gateway,
    caller: &Caller,
    (tool, operation): (&str, &str),
    parameters: Value,
    asked: Asked,
) -> ApiResult<ToolAnswer> {
    let operation = Operation::find(tool, operation).ok_or_else(|| unknown(tool, operation))?;
    let intended = Intended::read(operation, parameters)?;
    let credential = gateway
        .live
        .tool_credential(caller.tenant(), &caller.key().env, tool, intended.own_url())
        .await?
        // The same host by another scheme is another place.
        .filter(|found| intended.own_url().is_none_or(|own| own.origin() == found.base_url.origin()))
        .ok_or_else(|| not_configured(&intended, tool))?;
    let Asked { idempotency_key, authorization } = asked;
    // What cannot be sent is told before anything is judged.
    let plain = intended.with(&credential, authorization.as_ref(), None)?;
    let started = Instant::now();
    let scan = scan::judge(gateway, caller, intended.as_scan(), idempotency_key.clone(), started).await?;
    let upstream = match scan.decision {
        Decision::Deny | Decision::RequireApproval => None,
        Decision::Allow => Some(plain),
        Decision::Sanitize => {
            Some(intended.with(&credential, authorization.as_ref(), scan.sanitized_body.clone())?)
        }
    };
    let upstream = match upstream {
        None => None,
        Some(call) => {
            let once = idempotency_key.map(|key| format!("tool call {key}"));
            take_once(gateway, caller, once.as_deref(), scan.trace_id).await?;
            let made = carry_out(gateway, caller, scan.trace_id, &credential.base_url, call).await;
            gateway.live.note_credential_use(caller.tenant(), credential.credential_id).await;
            Some(made?)
        }
    };
    Ok(ToolAnswer { scan, upstream })
}

fn unknown(tool: &str, operation: &str) -> ApiError {
    let known: Vec<String> = OPERATIONS.iter().map(|each| format!("{}/{}", each.tool, each.name)).collect();
    let sentence = format!("there is no `{tool}/{operation}` here; there are {}", known.join(", "));
    ApiError::new(ErrorCode::NotFound, sentence)
}

fn not_configured(intended: &Intended, tool: &str) -> ApiError {
    let place = match intended.own_url() {
        Some(url) => {
            format!("`{}` is not among the hosts that were configured", url.origin().ascii_serialization())
        }
        None => format!("there is no credential for `{tool}` in this environment"),
    };
    let sentence = format!("{place}; an operator sets one with `interven admin credential set {tool}`");
    ApiError::new(ErrorCode::ToolNotConfigured, sentence)
}
