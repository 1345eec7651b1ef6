//! Answers of any length, sent as they are made.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_core::Stream;

/// An answer of pieces, with one number in a header. A piece that fails breaks the connection off: nobody takes what came
/// so far for the whole.
pub fn download<E: std::error::Error + Send + Sync + 'static>(
    content_type: &'static str,
    (name, number): (&'static str, u64),
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (HeaderName::from_static(name), HeaderValue::from(number)),
    ];
    (headers, Body::from_stream(pieces)).into_response()
}
