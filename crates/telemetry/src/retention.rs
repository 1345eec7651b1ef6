//! How long a tenant's record is kept: what went, and a run now.

use crate::{Telemetry, error::Answer, operator::Operator};
use axum::{Json, extract::State};
use interven_live::RetentionStatus;
use interven_store::RetentionRun;
use interven_types::ErrorBody;

/// How long the record is kept, the newest run, and when the next is due.
#[utoipa::path(
    get, path = "/api/telemetry/retention", tag = "retention", security(("operator" = [])),
    responses((status = 200, body = RetentionStatus), (status = 401, body = ErrorBody))
)]
pub(crate) async fn status(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<RetentionStatus> {
    Ok(Json(telemetry.live.retention_status(operator.tenant).await?))
}

/// Begins a run now; it goes on after the answer.
#[utoipa::path(
    post, path = "/api/telemetry/retention/run", tag = "retention", security(("operator" = [])),
    responses(
        (status = 200, body = RetentionRun),
        (status = 401, body = ErrorBody),
        (status = 409, description = "The tenant keeps everything, or a run is under way", body = ErrorBody),
    )
)]
pub(crate) async fn run(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<RetentionRun> {
    Ok(Json(telemetry.live.start_retention(operator.tenant, &operator.actor).await?))
}
