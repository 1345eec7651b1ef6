//! Reading requests so that what is wrong with them is answered in the one shape of errors, naming the field.

use crate::Telemetry;
use axum::{
    body::Body,
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use interven_http::{ApiError, ApiResult, BodyLimits, read_body, read_fields};
use interven_types::parse_json;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use interven_http::{Path, Query};

/// A pack of policies is the largest thing sent here.
const MAX_BODY_BYTES: u64 = 4 * 1024 * 1024;

/// A JSON body, whatever content type it claims. A field that nobody knows is refused: it may be a restriction mistyped.
pub(crate) struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Telemetry> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, telemetry: &Telemetry) -> ApiResult<Self> {
        let (parts, body) = request.into_parts();
        let json = json_of(&read(&parts.headers, body, telemetry).await?)?;
        read_fields(json).map(Self)
    }
}

/// A body as it came, and whether its content type says YAML.
pub(crate) struct Document {
    pub bytes: Bytes,
    pub is_yaml: bool,
}

impl FromRequest<Telemetry> for Document {
    type Rejection = ApiError;

    async fn from_request(request: Request, telemetry: &Telemetry) -> ApiResult<Self> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_yaml = content_type.is_some_and(|text| text.contains("yaml"));
        Ok(Self { bytes: read(&parts.headers, body, telemetry).await?, is_yaml })
    }
}

/// An absent body is an empty object.
pub(crate) fn json_of(bytes: &[u8]) -> ApiResult<Value> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Default::default()));
    }
    parse_json(bytes).map_err(|error| ApiError::invalid_request(error.to_string()))
}

async fn read(headers: &HeaderMap, body: Body, telemetry: &Telemetry) -> ApiResult<Bytes> {
    read_body(headers, body, BodyLimits { max_bytes: MAX_BODY_BYTES, timeout: telemetry.body_timeout }).await
}
