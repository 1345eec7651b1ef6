//! Keys over the gateway: an agent's narrower key for one task, and lasting keys for those who may make them.

use crate::{Gateway, caller::AgentKey, scan::read_json};
use axum::{
    Json,
    body::Body,
    extract::{FromRequestParts, State},
    http::{HeaderMap, StatusCode, request::Parts},
};
use interven_http::{ApiError, ApiResult, Path, has_bearer, named_tenant, read_fields};
use interven_live::{MintedKey, NewEphemeralKey, NewKeyRequest};
use interven_store::{Actor, KeyRecord, KeyScope};
use interven_types::{CallScope, ErrorBody, KeyId, TenantId, Timestamp};
use serde::Serialize;

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct EphemeralKeyAnswer {
    /// The whole key: shown here and never again.
    key: String,
    ephemeral_id: KeyId,
    /// First 12 characters of the key.
    prefix: String,
    expires_at: Timestamp,
    max_uses: u32,
    scope: CallScope,
}

/// A narrower key for one task, made with the key that it will speak for.
#[utoipa::path(
    post, path = "/v1/keys/ephemeral", tag = "keys", security(("api_key" = [])),
    request_body = NewEphemeralKey,
    responses(
        (status = 200, body = EphemeralKeyAnswer),
        (status = 400, description = "`INVALID_REQUEST`, naming the field", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY`", body = ErrorBody),
        (status = 403, description = "`SCOPE_MISSING`: an ephemeral key makes no further keys", body = ErrorBody),
        (status = 409, description = "`CONFLICT`: too many that are still usable", body = ErrorBody),
        (status = 429, description = "`RATE_LIMITED`: making one counts as a scan", body = ErrorBody),
    )
)]
pub(crate) async fn mint_ephemeral(
    key: AgentKey,
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<EphemeralKeyAnswer>> {
    let caller = key.require(KeyScope::Scan)?;
    let new: NewEphemeralKey = read_fields(read_json(&gateway, caller.tenant(), &headers, body).await?)?;
    let (scope, max_uses) = (new.scope.clone(), new.max_uses);
    let MintedKey { key, record } = gateway.live.mint_ephemeral_key(caller, new).await?;
    Ok(Json(EphemeralKeyAnswer {
        key,
        ephemeral_id: record.key_id,
        prefix: record.prefix,
        expires_at: record.expires_at.unwrap_or(record.created_at),
        max_uses,
        scope,
    }))
}

/// Who makes and revokes lasting keys: the holder of `INTERVEN_API_KEYS_ADMIN_SECRET`, in the tenant that
/// `X-Interven-Tenant` names, or a key that was given the scope `keys:write`, in its own.
pub(crate) struct KeyMaker {
    tenant: TenantId,
    actor: Actor,
    /// Whose limits hold for what it makes; absent: nobody's.
    key: Option<KeyRecord>,
}

impl FromRequestParts<Gateway> for KeyMaker {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> ApiResult<Self> {
        let is_admin =
            gateway.keys_admin_secret.as_ref().is_some_and(|secret| has_bearer(&parts.headers, secret));
        if is_admin {
            let tenant = gateway.live.named_tenant(named_tenant(&parts.headers)).await?;
            let actor = Actor {
                name: "keys-admin".to_owned(),
                origin: "api".to_owned(),
                client_addr: Some(crate::caller::address_of(parts, gateway).to_string()),
            };
            return Ok(Self { tenant, actor, key: None });
        }
        let key = AgentKey::from_request_parts(parts, gateway).await?;
        let caller = key.require(KeyScope::KeysWrite)?;
        Ok(Self { tenant: caller.tenant(), actor: caller.actor(), key: Some(caller.key().clone()) })
    }
}

/// Makes a lasting key.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", security(("api_key" = ["keys:write"]), ("keys_admin" = [])),
    params(("X-Interven-Tenant" = Option<String>, Header, description = "Id or name, with the admin secret where there are several")),
    request_body = NewKeyRequest,
    responses(
        (status = 201, body = MintedKey),
        (status = 400, description = "`INVALID_REQUEST`, naming the field", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY`", body = ErrorBody),
        (status = 403, description = "`SCOPE_MISSING`", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    maker: KeyMaker,
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<MintedKey>)> {
    let new: NewKeyRequest = read_fields(read_json(&gateway, maker.tenant, &headers, body).await?)?;
    if let Some(key) = &maker.key {
        new.check_within(key)?;
    }
    let minted = gateway.live.mint_key(maker.tenant, new, &maker.actor).await?;
    Ok((StatusCode::CREATED, Json(minted)))
}

/// Revokes a key, with all ephemeral keys that it made. Revoking twice is no error.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "keys", security(("api_key" = ["keys:write"]), ("keys_admin" = [])),
    params(
        ("id" = KeyId, Path),
        ("X-Interven-Tenant" = Option<String>, Header, description = "Id or name, with the admin secret where there are several"),
    ),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 401, description = "`INVALID_KEY`", body = ErrorBody),
        (status = 403, description = "`SCOPE_MISSING`", body = ErrorBody),
        (status = 404, description = "Unknown, or of another tenant", body = ErrorBody),
    )
)]
pub(crate) async fn revoke(
    maker: KeyMaker,
    State(gateway): State<Gateway>,
    Path(id): Path<KeyId>,
) -> ApiResult<StatusCode> {
    gateway.live.revoke_key(maker.tenant, id, &maker.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}
