//! Whether telemetry can do its work, what it was built from, what it has counted.

use crate::Telemetry;
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use interven_types::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// A store that does not answer within this time is down.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// `ok` or `unavailable`.
    status: &'static str,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Dependency {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// 200 only when changes could be recorded.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses((status = 200, description = "They can", body = Health), (status = 503, description = "They cannot", body = Health))
)]
pub(crate) async fn health(State(telemetry): State<Telemetry>) -> (StatusCode, Json<Health>) {
    let store = &telemetry.live.store;
    let error = match tokio::time::timeout(PING_TIMEOUT, store.ping()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_elapsed) => Some(format!("no answer within {} s", PING_TIMEOUT.as_secs())),
    };
    let (code, status) = match error {
        None => (StatusCode::OK, "ok"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    (code, Json(Health { status, dependencies: vec![Dependency { name: store.backend(), status, error }] }))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Build {
    version: &'static str,
    git_commit: &'static str,
    built_at: &'static str,
    rustc: &'static str,
    /// SHA-256 over the shipped detectors: changes exactly when they change.
    secret_patterns_hash: String,
    secret_patterns_count: usize,
    policy_schema_version: u32,
    store: &'static str,
    started_at: Timestamp,
}

/// What is running here.
#[utoipa::path(get, path = "/debug/build", tag = "operations", responses((status = 200, body = Build)))]
pub(crate) async fn build(State(telemetry): State<Telemetry>) -> Json<Build> {
    let build = telemetry.build;
    let detectors = interven_live::shipped_detectors();
    Json(Build {
        version: build.version,
        git_commit: build.git_commit,
        built_at: build.built_at,
        rustc: build.rustc,
        secret_patterns_hash: detectors.hash,
        secret_patterns_count: detectors.count,
        policy_schema_version: interven_policy::SCHEMA_VERSION,
        store: telemetry.live.store.backend(),
        started_at: build.started_at,
    })
}

/// Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn metrics(State(telemetry): State<Telemetry>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], telemetry.metrics.text())
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(crate::openapi())
}
