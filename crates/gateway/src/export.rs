//! The record of decisions for other systems, for keys that were given the scope to read it.

use crate::{Gateway, caller::AgentKey};
use axum::{extract::State, response::Response};
use interven_http::{ApiError, ApiResult, Query, download};
use interven_live::ExportQuery;
use interven_store::KeyScope;
use interven_types::{ErrorBody, ErrorCode};

/// The decisions of the key's tenant, oldest first, as far as the log went when the export began: `X-Interven-Through` says
/// which position that is. What was cut off goes on with `after`.
#[utoipa::path(
    get, path = "/v1/decisions/export", tag = "traces", security(("api_key" = ["traces:read"])), params(ExportQuery),
    responses(
        (status = 200, description = "In the format asked for", body = String, content_type = "application/octet-stream"),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, description = "`SCOPE_MISSING`", body = ErrorBody),
    )
)]
pub(crate) async fn export(
    key: AgentKey,
    State(gateway): State<Gateway>,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    let caller = key.require(KeyScope::TracesRead)?;
    let format = query.format;
    let export = gateway.live.export(caller.tenant(), query).await.map_err(|error| {
        tracing::error!(%error, "an export could not begin");
        ApiError::new(ErrorCode::Unavailable, "the store does not answer now; try again")
    })?;
    Ok(download(format.content_type(), ("x-interven-through", export.through), export))
}
