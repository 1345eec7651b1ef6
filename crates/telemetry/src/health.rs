//! Whether telemetry can do its work, what it was built from, what it has counted.

use crate::Telemetry;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use interven_live::{Build, Health};

/// 200 only when changes could be recorded, and telemetry is not about to stop.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "They can", body = Health), (status = 503, description = "They cannot", body = Health))
)]
pub(crate) async fn health(State(telemetry): State<Telemetry>) -> (StatusCode, Json<Health>) {
    let health = telemetry.live.health().await;
    let status = if health.can_change() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health))
}

/// What is running here.
#[utoipa::path(get, path = "/debug/build", tag = "operations", responses((status = 200, body = Build)))]
pub(crate) async fn build(State(telemetry): State<Telemetry>) -> Json<Build> {
    Json(telemetry.live.build(&telemetry.build))
}

/// Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], telemetry.metrics.text(&telemetry.live))
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
