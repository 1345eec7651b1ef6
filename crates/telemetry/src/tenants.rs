//! Tenants: isolated workspaces, each born with default settings and policies.

use crate::{
    ControlError, Telemetry, error::Answer, extract::JsonBody, operator::Instance,
    policies::seed_default_policies,
};
use axum::{Json, extract::State};
use interven_live::{Live, checked_name};
use interven_store::{Actor, TenantRow};
use interven_types::ErrorBody;
use serde::Deserialize;

/// All tenants of this installation.
#[utoipa::path(
    get, path = "/api/telemetry/tenants", tag = "tenants", security(("operator" = [])),
    responses((status = 200, body = Vec<TenantRow>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(_: Instance, State(telemetry): State<Telemetry>) -> Answer<Vec<TenantRow>> {
    Ok(Json(telemetry.live.store.tenants().await?))
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTenant {
    /// Unique in this installation.
    name: String,
}

/// Creates a tenant, with the default policies.
#[utoipa::path(
    post, path = "/api/telemetry/tenants", tag = "tenants", security(("operator" = [])), request_body = NewTenant,
    responses(
        (status = 200, body = TenantRow),
        (status = 401, body = ErrorBody),
        (status = 409, description = "The name is taken", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    instance: Instance,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewTenant>,
) -> Answer<TenantRow> {
    Ok(Json(seed_tenant(&telemetry.live, &new.name, &instance.actor).await?))
}

/// Creates a tenant with default settings, version 1, and the default policies, and loads it.
///
/// Tenant and policies are two writes: after a crash between them, [`seed_default_policies`] finishes the work.
pub async fn seed_tenant(live: &Live, name: &str, actor: &Actor) -> Result<TenantRow, ControlError> {
    let name = checked_name("name", name)?;
    let tenant = live.store.create_tenant(name, actor, live.now()).await?;
    live.reload(tenant.tenant_id).await?;
    seed_default_policies(live, tenant.tenant_id, actor).await?;
    Ok(tenant)
}
