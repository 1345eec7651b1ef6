//! The record for other systems.

use crate::{ControlError, Telemetry, extract::Query, operator::Operator};
use axum::{extract::State, response::Response};
use interven_http::{ApiResult, download};
use interven_live::ExportQuery;
use interven_types::ErrorBody;

/// The log of scans, oldest first, as far as it went when the export began: `X-Interven-Through` says which position that
/// is. What was cut off goes on with `after`.
#[utoipa::path(
    get, path = "/api/telemetry/activity/export", tag = "activity", security(("operator" = [])), params(ExportQuery),
    responses(
        (status = 200, description = "In the format asked for", body = String, content_type = "application/octet-stream"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn export(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    let format = query.format;
    let export = telemetry.live.export(operator.tenant, query).await.map_err(ControlError::from)?;
    Ok(download(format.content_type(), ("x-interven-through", export.through), export))
}
