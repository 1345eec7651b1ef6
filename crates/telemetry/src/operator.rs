//! Who asks: an extractor, so that no handler can forget it. An API key is never enough here: what is watched must not be
//! able to approve itself.

use crate::Telemetry;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};
use interven_http::{ApiError, ApiResult, client_addr, has_bearer, named_tenant};
use interven_live::Live;
use interven_store::Actor;
use interven_types::{ErrorCode, TenantId};
use std::net::SocketAddr;

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
        if !has_bearer(&parts.headers, &telemetry.admin_token) {
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
        Ok(Self { tenant: telemetry.live.named_tenant(named_tenant(&parts.headers)).await?, actor })
    }
}

impl FromRequestParts<Telemetry> for Reach {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, telemetry: &Telemetry) -> ApiResult<Self> {
        if named_tenant(&parts.headers).is_some() {
            let Operator { tenant, actor } = Operator::from_request_parts(parts, telemetry).await?;
            return Ok(Self { tenant: Some(tenant), actor });
        }
        let Instance { actor } = Instance::from_request_parts(parts, telemetry).await?;
        Ok(Self { tenant: None, actor })
    }
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
