//! `POST /v1/scan/response`: what the agent got back, attached to the scan that allowed it.

use crate::{Gateway, caller::AgentKey, scan::read_json};
use axum::{Json, body::Body, extract::State, http::HeaderMap};
use interven_engine::Injection;
use interven_http::{ApiError, ApiResult};
use interven_live::InspectedResponse;
use interven_store::{KeyScope, StoreError};
use interven_types::{DataClass, ErrorBody, ErrorCode, TraceId};
use serde::Serialize;
use serde_json::Value;

/// What came back from the tool.
#[derive(Debug, utoipa::ToSchema)]
pub(crate) struct ResponseReport {
    /// Of the scan that allowed the call.
    trace_id: TraceId,
    /// Any JSON.
    #[schema(value_type = Object)]
    response_body: Value,
    /// HTTP status, where there was one.
    response_status: Option<u16>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ResponseAnswer {
    data_classes: Vec<DataClass>,
    /// Strings and numbers that a redacted copy would not show.
    fields_redacted_count: u32,
    /// Keyed hash of the content; the content is not kept.
    content_fingerprint: String,
    injection: Injection,
}

impl From<InspectedResponse> for ResponseAnswer {
    fn from(InspectedResponse { row, injection }: InspectedResponse) -> Self {
        Self {
            data_classes: row.data_classes,
            fields_redacted_count: row.fields_redacted_count,
            content_fingerprint: row.content_fingerprint,
            injection,
        }
    }
}

/// Classifies a response, looks for instructions hidden in it, and notes both on the trace.
#[utoipa::path(
    post, path = "/v1/scan/response", tag = "scan", security(("api_key" = [])),
    request_body = ResponseReport,
    responses(
        (status = 200, body = ResponseAnswer),
        (status = 400, description = "`INVALID_REQUEST`, naming the field", body = ErrorBody),
        (status = 404, description = "Unknown trace, or another tenant's", body = ErrorBody),
    )
)]
pub(crate) async fn scan_response(
    key: AgentKey,
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ResponseAnswer>> {
    let caller = key.require(KeyScope::Scan)?;
    let report = read_report(read_json(&gateway, caller.tenant(), &headers, body).await?)?;
    let inspected = gateway
        .live
        .inspect_response(caller, report.trace_id, report.response_body, report.response_status)
        .await
        .map_err(|error| match error {
            StoreError::NotFound(_) => ApiError::not_found("trace").with_trace(report.trace_id),
            cause => {
                tracing::error!(%cause, "a response could not be attached to its trace");
                ApiError::new(
                    ErrorCode::AuditUnavailable,
                    "the response could not be recorded; send it again",
                )
            }
        })?;
    Ok(Json(inspected.into()))
}

fn read_report(json: Value) -> ApiResult<ResponseReport> {
    let Value::Object(mut fields) = json else {
        return Err(ApiError::invalid_request(
            "the body must be a JSON object with `trace_id` and `response_body`",
        ));
    };
    let trace_id = fields
        .get("trace_id")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid_request("`trace_id` is required and must be a string"))?
        .parse()
        .map_err(|_| ApiError::invalid_request("`trace_id` is not a UUID"))?;
    let response_status =
        match fields.get("response_status") {
            None | Some(Value::Null) => None,
            Some(status) => {
                let code = status.as_u64().and_then(|code| u16::try_from(code).ok());
                Some(code.ok_or_else(|| {
                    ApiError::invalid_request("`response_status` must be an HTTP status code")
                })?)
            }
        };
    let response_body = fields
        .remove("response_body")
        .ok_or_else(|| ApiError::invalid_request("`response_body` is required"))?;
    Ok(ResponseReport { trace_id, response_body, response_status })
}
