//! Who asks: an extractor, so that no handler can forget it. An API key is never enough here: what is watched must not be
//! able to approve itself.

use crate::{ControlError, Telemetry};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use interven_http::{ApiError, ApiResult, client_addr};
use interven_live::Live;
use interven_store::{Actor, TenantRow};
use interven_types::{ErrorCode, TenantId};
use std::net::SocketAddr;
use subtle::ConstantTimeEq as _;

const TENANT_HEADER: &str = "x-interven-tenant";
const ORIGIN_HEADER: &str = "x-interven-origin";
/// What a client may say it is; it goes to the audit log.
const ORIGINS: [&str; 3] = ["api", "cli", "console"];

/// The operator, acting on the whole installation.
pub(crate) struct Instance {
    pub actor: Actor,
}

/// The operator, acting on one tenant.
pub(crate) struct Operator {
    pub tenant: TenantId,
    pub actor: Actor,
}

/// The operator, acting on the tenant that the header names; without one, on the whole installation.
pub(crate) struct Reach {
    pub tenant: Option<TenantId>,
    pub actor: Actor,
}

impl FromRequestParts<Telemetry> for Instance {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, telemetry: &Telemetry) -> ApiResult<Self> {
        let token = bearer(&parts.headers).unwrap_or_default();
        let expected = telemetry.admin_token.reveal();
        // An empty token would be one that everybody knows.
        let is_right = !expected.is_empty() && bool::from(token.as_bytes().ct_eq(expected.as_bytes()));
        if !is_right {
            return Err(ApiError::new(
                ErrorCode::InvalidKey,
                "send the operator's token as `Authorization: Bearer …`; it stands in `admin.token` in the data directory",
            ));
        }
        Ok(Self { actor: actor(parts, &telemetry.live) })
    }
}

impl FromRequestParts<Telemetry> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, telemetry: &Telemetry) -> ApiResult<Self> {
        let Instance { actor } = Instance::from_request_parts(parts, telemetry).await?;
        // As stored, not as loaded: a tenant that could not be loaded must be mendable from here.
        let tenants = telemetry.live.store.tenants().await.map_err(ControlError::from)?;
        Ok(Self { tenant: tenant_of(&parts.headers, &tenants)?, actor })
    }
}

impl FromRequestParts<Telemetry> for Reach {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, telemetry: &Telemetry) -> ApiResult<Self> {
        if parts.headers.contains_key(TENANT_HEADER) {
            let Operator { tenant, actor } = Operator::from_request_parts(parts, telemetry).await?;
            return Ok(Self { tenant: Some(tenant), actor });
        }
        let Instance { actor } = Instance::from_request_parts(parts, telemetry).await?;
        Ok(Self { tenant: None, actor })
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

fn actor(parts: &Parts, live: &Live) -> Actor {
    let claimed = parts.headers.get(ORIGIN_HEADER).and_then(|value| value.to_str().ok());
    let origin = ORIGINS.into_iter().find(|known| Some(*known) == claimed).unwrap_or("api");
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    let addr = peer.map(|peer| client_addr(peer, &parts.headers, &live.options.trusted_proxies));
    Actor {
        name: "operator".to_owned(),
        origin: origin.to_owned(),
        client_addr: addr.map(|addr| addr.to_string()),
    }
}

/// The tenant that the header names by id or name; without it, the only one.
fn tenant_of(headers: &HeaderMap, tenants: &[TenantRow]) -> ApiResult<TenantId> {
    let Some(wanted) = headers.get(TENANT_HEADER) else {
        let [only] = tenants else {
            return Err(ApiError::invalid_request(format!(
                "there are {} tenants: name one with `--tenant`, over HTTP with the header `X-Interven-Tenant: <id or name>`",
                tenants.len()
            )));
        };
        return Ok(only.tenant_id);
    };
    let wanted = wanted.to_str().unwrap_or_default().trim();
    let id = wanted.parse::<TenantId>().ok();
    tenants
        .iter()
        .find(|tenant| Some(tenant.tenant_id) == id || tenant.name == wanted)
        .map(|tenant| tenant.tenant_id)
        .ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, "no tenant has the id or name in `X-Interven-Tenant`")
        })
}
