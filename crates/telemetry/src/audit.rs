//! Who changed what, and what an analyst should look at.

use crate::{Telemetry, approvals::checked_limit, error::Answer, extract::Query, operator::Operator};
use axum::{Json, extract::State};
use interven_store::{AuditRow, IncidentRow};
use interven_types::ErrorBody;
use serde::Deserialize;

const MOST_LISTED: u32 = 1_000;
const LISTED_BY_DEFAULT: u32 = 100;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentQuery {
    /// 1–1,000; 100 when absent.
    limit: Option<u32>,
}

/// Incidents, newest first.
#[utoipa::path(
    get, path = "/api/telemetry/incidents", tag = "incidents", security(("operator" = [])), params(IncidentQuery),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn incidents(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<IncidentQuery>,
) -> Answer<Vec<IncidentRow>> {
    let limit = checked_limit(query.limit, LISTED_BY_DEFAULT, MOST_LISTED)?;
    Ok(Json(telemetry.live.store.incidents(operator.tenant, limit).await?))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// The page before this position.
    before_seq: Option<u64>,
    /// 1–1,000; 100 when absent.
    limit: Option<u32>,
}

/// Changes of the control plane, newest first.
#[utoipa::path(
    get, path = "/api/telemetry/audit", tag = "audit", security(("operator" = [])), params(AuditQuery),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn log(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<AuditQuery>,
) -> Answer<Vec<AuditRow>> {
    let limit = checked_limit(query.limit, LISTED_BY_DEFAULT, MOST_LISTED)?;
    Ok(Json(telemetry.live.store.audit_log(operator.tenant, query.before_seq, limit).await?))
}
