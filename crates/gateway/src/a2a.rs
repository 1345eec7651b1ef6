//! `POST /v1/a2a/scan`: one agent is about to hand a task to another.

use crate::{
    Gateway,
    answer::ScanAnswer,
    caller::AgentKey,
    scan::{idempotency_key, judge, read_json},
};
use axum::{Json, body::Body, extract::State, http::HeaderMap};
use interven_http::{ApiError, ApiResult, read_fields};
use interven_live::Caller;
use interven_store::{KeyScope, StoreError};
use interven_types::{AgentId, AgentStatus, ErrorBody, ErrorCode, ScanRequest};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;
use url::Url;

/// A task on its way from one agent to another.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct Delegation {
    /// Who hands it over; the key must be allowed to speak for it.
    from_agent_id: AgentId,
    /// Who is to do it: an agent of the same tenant and environment.
    to_agent_id: AgentId,
    /// What the other agent is asked to do, as a name: `summarize`, `delete_branch`.
    method: String,
    /// What for, in words.
    #[serde(default)]
    intent: Option<String>,
    /// Whatever goes with it.
    #[serde(default)]
    #[schema(value_type = Object)]
    payload: Value,
}

/// Judges a task that one agent hands to another, as a call of the tool `a2a`.
#[utoipa::path(
    post, path = "/v1/a2a/scan", tag = "scan", security(("api_key" = [])),
    request_body = Delegation,
    params(("Idempotency-Key" = Option<String>, Header, description = "Retries with the same key count as one use of a grant")),
    responses(
        (status = 200, description = "The recorded verdict; with SANITIZE, `sanitized_body` is `{intent, payload}`", body = ScanAnswer),
        (status = 400, description = "`INVALID_REQUEST`, naming the field", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY` or `IP_NOT_ALLOWED`", body = ErrorBody),
        (status = 403, description = "`AGENT_NOT_REACHABLE`: no agent of this tenant and environment, or suspended; `AGENT_NOT_ALLOWED`", body = ErrorBody),
        (status = 503, description = "`AUDIT_UNAVAILABLE`", body = ErrorBody),
    )
)]
pub(crate) async fn scan(
    key: AgentKey,
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ScanAnswer>> {
    let started = Instant::now();
    let caller = key.require(KeyScope::Scan)?;
    let delegation: Delegation = read_fields(read_json(&gateway, caller.tenant(), &headers, body).await?)?;
    let request = intended(delegation)?;
    check_reachable(&gateway, caller, &request.target).await?;
    judge(&gateway, caller, request.scan, idempotency_key(&headers)?, started).await.map(Json)
}

struct Intended {
    target: AgentId,
    scan: ScanRequest,
}

fn intended(delegation: Delegation) -> ApiResult<Intended> {
    let Delegation { from_agent_id, to_agent_id, method, intent, payload } = delegation;
    let is_name = !method.trim().is_empty() && method.len() <= 200 && !method.chars().any(char::is_control);
    if !is_name || matches!(method.as_str(), "." | "..") {
        return Err(ApiError::invalid_request("`method` must be a name of 1 to 200 bytes"));
    }
    let url = Url::parse(&format!("a2a://{to_agent_id}/"));
    let mut url = url.map_err(|error| ApiError::invalid_request(format!("`to_agent_id`: {error}")))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(&method);
    }
    let scan = ScanRequest {
        agent_id: Some(from_agent_id),
        context: intent.clone(),
        ..ScanRequest::new("POST", url.as_str(), json!({"intent": intent, "payload": payload}))
    };
    Ok(Intended { target: to_agent_id, scan })
}

/// One answer for unknown, foreign and elsewhere: which of them it is is nobody's business.
async fn check_reachable(gateway: &Gateway, caller: &Caller, target: &AgentId) -> ApiResult<()> {
    let (store, tenant) = (&gateway.live.store, caller.tenant());
    let unavailable = |cause: StoreError| {
        tracing::error!(%cause, "an agent could not be looked up");
        ApiError::new(
            ErrorCode::Unavailable,
            "the agent cannot be looked up now; the task must not be handed over",
        )
    };
    let refused = |sentence| Err(ApiError::new(ErrorCode::AgentNotReachable, sentence));
    const ELSEWHERE: &str = "`to_agent_id` is no agent of this key's tenant and environment";
    match store.agent(tenant, *target).await {
        Ok(agent) if agent.status == AgentStatus::Suspended => {
            return refused("the agent `to_agent_id` is suspended: nothing may be handed to it");
        }
        Ok(_) => {}
        Err(StoreError::NotFound(_)) => return refused(ELSEWHERE),
        Err(cause) => return Err(unavailable(cause)),
    }
    let environments = store.environments_of(tenant, *target).await.map_err(unavailable)?;
    if environments.has(&caller.key().env) { Ok(()) } else { refused(ELSEWHERE) }
}
