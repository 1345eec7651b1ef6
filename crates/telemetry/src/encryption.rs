//! Keys of what is encrypted at rest: which there are, and new ones. Keys themselves never leave the service.

use crate::{ControlError, Telemetry, error::Answer, operator::Reach};
use axum::{Json, extract::State};
use interven_live::{DataKeyStatus, EncryptionStatus};
use interven_types::ErrorBody;

/// Which keys there are, by their fingerprints.
#[utoipa::path(
    get, path = "/api/telemetry/encryption", tag = "encryption", security(("operator" = [])),
    responses((status = 200, body = EncryptionStatus), (status = 401, body = ErrorBody))
)]
pub(crate) async fn status(reach: Reach, State(telemetry): State<Telemetry>) -> Answer<EncryptionStatus> {
    let mut status = telemetry.live.encryption_status().await?;
    if reach.tenant.is_some() {
        status.data_keys.retain(|key| key.tenant_id == reach.tenant);
    }
    Ok(Json(status))
}

/// Makes a new data key for the tenant that `X-Interven-Tenant` names; without it, for every tenant and the installation
/// itself. In use at once; what was sealed before stays as it is and still opens.
#[utoipa::path(
    post, path = "/api/telemetry/encryption/rotate", tag = "encryption", security(("operator" = [])),
    responses(
        (status = 200, body = Vec<DataKeyStatus>),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "This process runs on an earlier master key", body = ErrorBody),
    )
)]
pub(crate) async fn rotate(reach: Reach, State(telemetry): State<Telemetry>) -> Answer<Vec<DataKeyStatus>> {
    let made = telemetry.live.rotate_data_keys(reach.tenant, &reach.actor).await;
    Ok(Json(made.map_err(ControlError::Keys)?))
}
