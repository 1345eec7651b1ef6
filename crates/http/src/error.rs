//! Error answers: one shape for all.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use interven_types::{ErrorBody, ErrorCode, TraceId};
use std::time::Duration;

pub type ApiResult<T> = Result<T, ApiError>;

/// What a caller is told when there is no answer: a stable code and a sentence to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    trace_id: Option<TraceId>,
    retry_after: Option<Duration>,
    diagnostics: Option<serde_json::Value>,
}

impl ApiError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), trace_id: None, retry_after: None, diagnostics: None }
    }

    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("no such {what}"))
    }

    #[must_use]
    pub fn with_trace(self, trace_id: TraceId) -> Self {
        Self { trace_id: Some(trace_id), ..self }
    }

    /// Sent as whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// Findings with their places, beside the sentence.
    #[must_use]
    pub fn with_diagnostics(self, findings: serde_json::Value) -> Self {
        Self { diagnostics: Some(findings), ..self }
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let Self { code, message: error, trace_id, diagnostics, .. } = self;
        let body = ErrorBody { error, code, trace_id, diagnostics };
        let mut response = (status, Json(body)).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
