//! What stands under every service's routes: unknown paths, wrong methods, panics.

use crate::ApiError;
use axum::{
    Router,
    http::{Method, Uri},
    response::{IntoResponse as _, Response},
};
use interven_types::ErrorCode;
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;

/// Adds the answers for whatever no handler answers.
pub fn with_safety_net<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(CatchPanicLayer::custom(internal_error))
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::new(ErrorCode::NotFound, format!("no such path: {}; see /openapi.json", shown(&uri)))
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    ApiError::new(
        ErrorCode::MethodNotAllowed,
        format!("{method} is not for {}; see /openapi.json", shown(&uri)),
    )
}

fn shown(uri: &Uri) -> String {
    uri.path().chars().take(200).collect()
}

/// A defect of ours. The caller must not go on as if it had been allowed.
fn internal_error(_panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request handler panicked; the caller was answered 500");
    ApiError::new(
        ErrorCode::Internal,
        "the service failed on this request; a call that was asked about must not go through",
    )
    .into_response()
}
