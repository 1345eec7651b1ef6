//! Path and query, so that what is wrong with them is answered in the one shape of errors.

use crate::{ApiError, ApiResult};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The fields of a JSON body, or what is wrong with which of them.
pub fn read_fields<T: DeserializeOwned>(json: Value) -> ApiResult<T> {
    // Fields in their order would do otherwise.
    if json.is_array() {
        return Err(ApiError::invalid_request("the body must be a JSON object"));
    }
    serde_path_to_error::deserialize(json).map_err(|error| {
        ApiError::invalid_request(match error.path().iter().next() {
            Some(_) => format!("`{}`: {}", error.path(), error.inner()),
            None => error.inner().to_string(),
        })
    })
}

/// Part of the path.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(value) =
            read.map_err(|error| ApiError::invalid_request(error.body_text()))?;
        Ok(Self(value))
    }
}

/// The query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let axum::extract::Query(value) =
            read.map_err(|error| ApiError::invalid_request(error.body_text()))?;
        Ok(Self(value))
    }
}
