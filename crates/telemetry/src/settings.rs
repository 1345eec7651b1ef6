//! Settings of a tenant: one versioned document, read and replaced as a whole.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{JsonBody, Path},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_classify::Options;
use interven_live::Tenant;
use interven_policy::Budgets;
use interven_store::{SettingsRow, SettingsVersion};
use interven_types::{ErrorBody, TenantSettings, Timestamp};
use serde::{Deserialize, Serialize};

/// Versions that are listed; older ones can still be read and restored.
const VERSIONS_LISTED: u32 = 200;

/// The settings, and what follows from them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Settings {
    /// Starts at 1 with the defaults; each change makes the next.
    version: u32,
    settings: TenantSettings,
    updated_at: Timestamp,
    /// SHA-256 over the active detectors: changes exactly when they do. Every scan records the one it was judged with.
    /// Absent while stored settings cannot be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_patterns_hash: Option<String>,
}

impl Settings {
    fn of(row: SettingsRow, tenant: Option<&Tenant>) -> Self {
        Self {
            version: row.version,
            settings: row.settings,
            updated_at: row.updated_at,
            secret_patterns_hash: tenant.map(|tenant| tenant.classifier.patterns_hash().to_owned()),
        }
    }
}

/// The settings in force, with their version.
#[utoipa::path(
    get, path = "/api/telemetry/settings", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = Settings), (status = 401, body = ErrorBody))
)]
pub(crate) async fn show(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Settings> {
    let row = telemetry.live.store.settings(operator.tenant).await?;
    let loaded =
        telemetry.live.tenant(operator.tenant).filter(|tenant| tenant.settings_version >= row.version);
    // Settings that cannot be loaded must be mendable from here.
    let tenant = match loaded {
        Some(tenant) => Some(tenant),
        None => telemetry.live.reload(operator.tenant).await.ok(),
    };
    Ok(Json(Settings::of(row, tenant.as_deref())))
}

/// The newest 200 versions, newest first.
#[utoipa::path(
    get, path = "/api/telemetry/settings/versions", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = Vec<SettingsVersion>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn versions(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<Vec<SettingsVersion>> {
    Ok(Json(telemetry.live.store.settings_versions(operator.tenant, VERSIONS_LISTED).await?))
}

/// The settings as they were at a version.
#[utoipa::path(
    get, path = "/api/telemetry/settings/versions/{version}", tag = "settings", security(("operator" = [])),
    params(("version" = u32, Path)),
    responses(
        (status = 200, body = TenantSettings),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn show_version(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(version): Path<u32>,
) -> Answer<TenantSettings> {
    Ok(Json(telemetry.live.store.settings_at(operator.tenant, version).await?))
}

/// Writes what an earlier version said as the next one.
#[utoipa::path(
    post, path = "/api/telemetry/settings/versions/{version}/restore", tag = "settings",
    security(("operator" = [])), params(("version" = u32, Path)),
    responses(
        (status = 200, body = Settings),
        (status = 400, description = "It can no longer be used; the message names the field", body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn restore(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(version): Path<u32>,
) -> Answer<Settings> {
    let settings = telemetry.live.store.settings_at(operator.tenant, version).await?;
    check(&settings).await?;
    put(&telemetry, &operator, &settings, None).await
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSettings {
    /// The whole document; what is absent takes its default.
    settings: TenantSettings,
    /// The version that the change was made from.
    #[serde(default)]
    if_version: Option<u32>,
}

/// Replaces the settings.
#[utoipa::path(
    put, path = "/api/telemetry/settings", tag = "settings", security(("operator" = [])), request_body = NewSettings,
    responses(
        (status = 200, body = Settings),
        (status = 400, description = "Out of bounds; the message names the field", body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 409, description = "Not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn update(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewSettings>,
) -> Answer<Settings> {
    check(&new.settings).await?;
    put(&telemetry, &operator, &new.settings, new.if_version).await
}

/// Back to the defaults, as a new version.
#[utoipa::path(
    post, path = "/api/telemetry/settings/reset", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = Settings), (status = 401, body = ErrorBody))
)]
pub(crate) async fn reset(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Settings> {
    put(&telemetry, &operator, &TenantSettings::default(), None).await
}

/// Bounds, and whether the detectors can be made with these settings: what is stored must load. Patterns are compiled and
/// tried on their examples, away from the threads that answer calls.
async fn check(settings: &TenantSettings) -> Result<(), ControlError> {
    settings.check().map_err(|error| ControlError::invalid(error.to_string()))?;
    Budgets::compile(&settings.budgets).map_err(|error| ControlError::invalid(error.to_string()))?;
    let settings = settings.clone();
    let admitted = tokio::task::spawn_blocking(move || Options::from(&settings).admit()).await?;
    admitted.map_err(|refusal| ControlError::invalid(refusal.to_string()))
}

async fn put(
    telemetry: &Telemetry,
    operator: &Operator,
    settings: &TenantSettings,
    if_version: Option<u32>,
) -> Answer<Settings> {
    let live = &telemetry.live;
    let row = live
        .store
        .update_settings(operator.tenant, settings, if_version, &operator.actor, live.now())
        .await?;
    let tenant = live.reload(operator.tenant).await?;
    Ok(Json(Settings::of(row, Some(&tenant))))
}
