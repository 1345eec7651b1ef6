//! Whether the gateway can decide and record, what it was built from, what it has counted.

use crate::Gateway;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use interven_live::{Build, Health};

/// 200 only when the gateway can decide and record, and is not about to stop.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "It can", body = Health), (status = 503, description = "It cannot", body = Health))
)]
pub(crate) async fn health(State(gateway): State<Gateway>) -> (StatusCode, Json<Health>) {
    let health = gateway.live.health().await;
    let status = if health.can_decide() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// What is running here.
#[utoipa::path(get, path = "/debug/build", tag = "operations", responses((status = 200, body = Build)))]
pub(crate) async fn build(State(gateway): State<Gateway>) -> Json<Build> {
    Json(gateway.live.build(&gateway.build))
}

/// Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(gateway): State<Gateway>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let refusals = gateway.egress.as_ref().map_or(0, |egress| egress.refusals());
    ([(header::CONTENT_TYPE, content_type)], gateway.metrics.text(gateway.live.spool_state(), refusals))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
