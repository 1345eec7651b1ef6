//! `POST /v1/scan`: one intended call in, one recorded verdict out.

use crate::{Gateway, answer::ScanAnswer, caller::AgentKey};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
};
use interven_http::{ApiError, ApiResult, BodyLimits, read_body};
use interven_live::{Caller, ScanError, ScanRequestContext};
use interven_store::KeyScope;
use interven_types::{ErrorBody, ErrorCode, ScanRequest, TenantId, parse_json};
use serde_json::Value;
use std::time::Instant;

/// Longest `Idempotency-Key`, in bytes.
const MAX_IDEMPOTENCY_KEY: usize = 255;

/// Judges one call that an agent intends to make.
#[utoipa::path(
    post, path = "/v1/scan", tag = "scan", security(("api_key" = [])),
    request_body = ScanRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "Retries with the same key count as one use of a grant")),
    responses(
        (status = 200, description = "The recorded verdict", body = ScanAnswer),
        (status = 400, description = "`INVALID_REQUEST`, naming the field", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY` or `IP_NOT_ALLOWED`", body = ErrorBody),
        (status = 403, description = "`AGENT_NOT_ALLOWED`, `ENV_NOT_ALLOWED` or `SCOPE_MISSING`", body = ErrorBody),
        (status = 408, description = "`REQUEST_TIMEOUT`", body = ErrorBody),
        (status = 413, description = "`PAYLOAD_TOO_LARGE`, with the limit and the actual size", body = ErrorBody),
        (status = 415, description = "`UNSUPPORTED_MEDIA_TYPE`: a compressed body", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED` or `QUOTA_EXCEEDED`", body = ErrorBody),
        (status = 503, description = "`AUDIT_UNAVAILABLE`: no record, no decision", body = ErrorBody),
    )
)]
pub(crate) async fn scan(
    key: AgentKey,
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ScanAnswer>> {
    let started = Instant::now();
    let answered = answer(&key, &gateway, &headers, body, started).await;
    if let Err(error) = &answered {
        gateway.metrics.refused(error.code());
    }
    answered.map(Json)
}

async fn answer(
    key: &AgentKey,
    gateway: &Gateway,
    headers: &HeaderMap,
    body: Body,
    started: Instant,
) -> ApiResult<ScanAnswer> {
    let caller = key.require(KeyScope::Scan)?;
    let json = read_json(gateway, caller.tenant(), headers, body).await?;
    let request =
        ScanRequest::from_json(json).map_err(|error| ApiError::invalid_request(error.to_string()))?;
    judge(gateway, caller, request, idempotency_key(headers)?, started).await
}

/// Judges and records one call, whichever way it came.
pub(crate) async fn judge(
    gateway: &Gateway,
    caller: &Caller,
    request: ScanRequest,
    idempotency_key: Option<String>,
    started: Instant,
) -> ApiResult<ScanAnswer> {
    let context = ScanRequestContext { idempotency_key };
    let recorded = gateway.live.scan(caller, request, context).await.map_err(api_error)?;
    let answer = ScanAnswer::new(recorded, &gateway.approval_base_url);
    gateway.metrics.decided(&answer, started.elapsed());
    Ok(answer)
}

/// The request body as JSON, whatever content type it claims, within the tenant's limit.
pub(crate) async fn read_json(
    gateway: &Gateway,
    tenant: TenantId,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<Value> {
    let of_tenant = gateway.live.tenant(tenant).and_then(|t| t.settings.limits.max_body_bytes);
    let max_bytes = of_tenant.unwrap_or(gateway.live.options.max_body_bytes);
    let limits = BodyLimits { max_bytes, timeout: gateway.body_timeout };
    let bytes = read_body(headers, body, limits).await?;
    let encoding = headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let sentence = format!("`Content-Encoding: {encoding}` is not read here; send the body as it is");
        return Err(ApiError::new(ErrorCode::UnsupportedMediaType, sentence));
    }
    parse_json(&bytes).map_err(|error| {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = content_type.is_none_or(|text| text.contains("json"));
        let hint = if is_json { "" } else { "; send JSON with Content-Type: application/json" };
        ApiError::invalid_request(format!("{error}{hint}"))
    })
}

pub(crate) fn idempotency_key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if !text.is_empty() && text.len() <= MAX_IDEMPOTENCY_KEY => Ok(Some(text.to_owned())),
        _ => Err(ApiError::invalid_request(format!(
            "`Idempotency-Key` must be 1 to {MAX_IDEMPOTENCY_KEY} visible ASCII characters"
        ))),
    }
}

fn api_error(error: ScanError) -> ApiError {
    match error {
        ScanError::InvalidCall(invalid) => ApiError::invalid_request(invalid.to_string()),
        ScanError::AgentNotAllowed => ApiError::new(
            ErrorCode::AgentNotAllowed,
            "this key may not speak for that agent; use its default agent, or have the agent listed on the key",
        ),
        ScanError::EnvNotAllowed { .. } => ApiError::new(ErrorCode::EnvNotAllowed, error.to_string()),
        ScanError::ForeignAgent => ApiError::new(
            ErrorCode::InvalidKey,
            "`agent_id` is not an agent of this key's tenant; mint a key in the tenant you scan against",
        ),
        ScanError::KeyExhausted => ApiError::new(
            ErrorCode::InvalidKey,
            "this ephemeral key has no use left; make another with the key that made it",
        ),
        ScanError::RateLimited(wait) => ApiError::new(
            ErrorCode::RateLimited,
            "the tenant's rate is used up; wait and send the call again",
        )
        .retry_after(wait),
        ScanError::QuotaExceeded { trace_id } => {
            let error = ApiError::new(
                ErrorCode::QuotaExceeded,
                "the tenant's monthly quota is used up; nothing was evaluated and the call must not go through",
            );
            trace_id.into_iter().fold(error, ApiError::with_trace)
        }
        ScanError::AuditUnavailable(cause) => {
            tracing::error!(%cause, "a scan could not be recorded and was answered 503");
            ApiError::new(
                ErrorCode::AuditUnavailable,
                "the record could not be made durable, so there is no decision; the call must not go through",
            )
        }
        ScanError::TenantUnavailable | ScanError::Abandoned(_) | ScanError::NotSealed(_) => {
            tracing::error!(%error, "a scan could not be judged and was answered 503");
            ApiError::new(ErrorCode::Unavailable, "the call cannot be judged now; it must not go through")
        }
    }
}
