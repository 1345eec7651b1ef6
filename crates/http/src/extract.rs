//! Path and query, so that what is wrong with them is answered in the one shape of errors.

use crate::{ApiError, ApiResult};
use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;

/// Of a sentence about what a caller sent, in characters: names in it may be of any length.
const LONGEST_SENTENCE: usize = 300;

/// The fields of a JSON body, or what is wrong with which of them.
pub fn read_fields<T: DeserializeOwned>(json: Value) -> ApiResult<T> {
    // Fields in their order would do otherwise.
    if !json.is_object() {
        return Err(ApiError::invalid_request("the body must be a JSON object"));
    }
    serde_path_to_error::deserialize(json).map_err(|error| {
        let sentence = match error.path().iter().next() {
            Some(_) => format!("`{}`: {}", error.path(), without_value(&error.inner().to_string())),
            None => error.inner().to_string(),
        };
        ApiError::invalid_request(sentence.chars().take(LONGEST_SENTENCE).collect::<String>())
    })
}

/// A text of the wrong type may be a credential in the wrong place: it is not repeated where answers are logged.
fn without_value(sentence: &str) -> Cow<'_, str> {
    let Some((before, rest)) = sentence.split_once(": string \"") else { return sentence.into() };
    match rest.rsplit_once("\", expected ") {
        Some((_, expected)) => format!("{before}: a string, expected {expected}").into(),
        None => sentence.into(),
    }
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
