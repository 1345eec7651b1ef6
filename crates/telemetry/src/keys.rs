//! API keys: minted, listed, revoked.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{JsonBody, Path, Query},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_live::{Live, MintedKey, NewKeyRequest};
use interven_store::{KeyRecord, StoreError};
use interven_types::{ErrorBody, KeyId, KeyKind, TenantId};
use serde::Deserialize;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeysQuery {
    /// Those that keys made for one task, in place of the lasting ones.
    #[serde(default)]
    ephemeral: bool,
}

/// The keys of a tenant, without the keys themselves.
#[utoipa::path(
    get, path = "/api/telemetry/keys", tag = "keys", security(("operator" = [])),
    params(KeysQuery),
    responses((status = 200, body = Vec<KeyRecord>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<KeysQuery>,
) -> Answer<Vec<KeyRecord>> {
    let kind = if query.ephemeral { KeyKind::Ephemeral } else { KeyKind::Live };
    Ok(Json(telemetry.live.store.keys(operator.tenant, kind).await?))
}

/// Mints a key.
#[utoipa::path(
    post, path = "/api/telemetry/keys", tag = "keys", security(("operator" = [])), request_body = NewKeyRequest,
    responses((status = 200, body = MintedKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody))
)]
pub(crate) async fn create(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewKeyRequest>,
) -> Answer<MintedKey> {
    Ok(Json(telemetry.live.mint_key(operator.tenant, new, &operator.actor).await?))
}

/// Revokes a key, by id or by its first 12 characters. Revoking twice is no error.
#[utoipa::path(
    delete, path = "/api/telemetry/keys/{key}", tag = "keys", security(("operator" = [])),
    params(("key" = String, Path, description = "Id, or the first 12 characters where they are one key's alone")),
    responses(
        (status = 200, body = KeyRecord),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Several keys begin so", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(key): Path<String>,
) -> Answer<KeyRecord> {
    let live = &telemetry.live;
    let key_id = find(live, operator.tenant, &key).await?.key_id;
    live.revoke_key(operator.tenant, key_id, &operator.actor).await?;
    Ok(Json(find(live, operator.tenant, &key_id.to_string()).await?))
}

async fn find(live: &Live, tenant: TenantId, named: &str) -> Result<KeyRecord, ControlError> {
    let id = named.parse::<KeyId>().ok();
    let mut keys = live.store.keys(tenant, KeyKind::Live).await?;
    keys.extend(live.store.keys(tenant, KeyKind::Ephemeral).await?);
    let mut found = keys.into_iter().filter(|key| Some(key.key_id) == id || key.prefix == named);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(StoreError::NotFound("key").into()),
        (Some(_), Some(_)) => {
            Err(StoreError::Conflict(format!("several keys begin with {named}; name one by its id")).into())
        }
    }
}
