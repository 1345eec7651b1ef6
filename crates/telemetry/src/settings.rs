//! Settings of a tenant: one versioned document, read and replaced as a whole.

use crate::{ControlError, Telemetry, error::Answer, extract::JsonBody, operator::Operator};
use axum::{Json, extract::State};
use interven_classify::{Classifier, Options};
use interven_store::SettingsRow;
use interven_types::{ErrorBody, TenantSettings};
use serde::Deserialize;

/// The settings in force, with their version.
#[utoipa::path(
    get, path = "/api/telemetry/settings", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = SettingsRow), (status = 401, body = ErrorBody))
)]
pub(crate) async fn show(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<SettingsRow> {
    Ok(Json(telemetry.live.store.settings(operator.tenant).await?))
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
        (status = 200, body = SettingsRow),
        (status = 400, description = "Out of bounds; the message names the field", body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 409, description = "Not at `if_version`", body = ErrorBody),
    )
)]
pub(crate) async fn update(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewSettings>,
) -> Answer<SettingsRow> {
    check(&new.settings)?;
    put(&telemetry, &operator, &new.settings, new.if_version).await
}

/// Back to the defaults, as a new version.
#[utoipa::path(
    post, path = "/api/telemetry/settings/reset", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = SettingsRow), (status = 401, body = ErrorBody))
)]
pub(crate) async fn reset(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<SettingsRow> {
    put(&telemetry, &operator, &TenantSettings::default(), None).await
}

/// Bounds, and whether the detectors can be made with these settings: what is stored must load.
fn check(settings: &TenantSettings) -> Result<(), ControlError> {
    settings.check().map_err(|error| ControlError::Invalid(error.to_string()))?;
    let options = Options {
        disabled_detectors: &settings.disabled_detectors,
        internal_markers: &settings.internal_markers,
    };
    Classifier::new(&options)
        .map(drop)
        .map_err(|error| ControlError::Invalid(format!("`internal_markers` cannot be searched for: {error}")))
}

async fn put(
    telemetry: &Telemetry,
    operator: &Operator,
    settings: &TenantSettings,
    if_version: Option<u32>,
) -> Answer<SettingsRow> {
    let live = &telemetry.live;
    let row = live
        .store
        .update_settings(operator.tenant, settings, if_version, &operator.actor, live.now())
        .await?;
    live.reload(operator.tenant).await?;
    Ok(Json(row))
}
