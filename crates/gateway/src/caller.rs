//! Who asks: an extractor, so that no handler can forget it.

use crate::Gateway;
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{header, request::Parts},
};
use interven_http::{ApiError, client_addr};
use interven_live::{Caller, Refusal};
use interven_store::KeyScope;
use interven_types::ErrorCode;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An authenticated API key.
pub(crate) struct AgentKey(pub Caller);

impl AgentKey {
    /// The thing being watched must not be able to rewrite the rules: scopes are asked for by name.
    pub(crate) fn require(&self, scope: KeyScope) -> Result<&Caller, ApiError> {
        if self.0.may(scope) {
            return Ok(&self.0);
        }
        let message = format!("the key {}… has no scope `{}`", self.0.key().prefix, scope.as_str());
        Err(ApiError::new(ErrorCode::ScopeMissing, message))
    }
}

impl FromRequestParts<Gateway> for AgentKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, ApiError> {
        let addr = address_of(parts, gateway);
        // Two of them are none: another reader might take the other one.
        let mut given = parts.headers.get_all(header::AUTHORIZATION).iter();
        let header = given.next().and_then(|value| value.to_str().ok()).filter(|_| given.next().is_none());
        gateway.live.authenticate(header, addr).await.map(Self).map_err(|refusal| {
            tracing::debug!(%addr, %refusal, "request refused");
            let error = refuse(&refusal);
            gateway.metrics.refused(error.code());
            error
        })
    }
}

/// Without a socket (in-process tests) a caller has no address, and no allowlist contains it.
pub(crate) fn address_of(parts: &Parts, gateway: &Gateway) -> IpAddr {
    let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(unknown, |info| info.0);
    client_addr(peer, &parts.headers, &gateway.live.options.trusted_proxies)
}

/// The same for a request that was signed.
pub(crate) fn refuse_signature(gateway: &Gateway, addr: IpAddr, refusal: &Refusal) -> ApiError {
    tracing::debug!(%addr, %refusal, "signed request refused");
    let error = match refusal {
        Refusal::AddressNotAllowed(_) | Refusal::Store(_) => refuse(refusal),
        _ => ApiError::new(
            ErrorCode::InvalidKey,
            "the signature is not one of this agent: base64 of the HMAC-SHA256 of the raw body under a signing key of it",
        ),
    };
    gateway.metrics.refused(error.code());
    error
}

/// One answer for all causes but the address: which of them it was helps only someone who tries keys.
fn refuse(refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::AddressNotAllowed(addr) => ApiError::new(
            ErrorCode::IpNotAllowed,
            format!("the address {addr} is not in this key's allowlist; see the key's page"),
        ),
        Refusal::Store(_) => ApiError::new(
            ErrorCode::AuditUnavailable,
            "the store does not answer, so nothing can be checked or recorded; the call must not go through",
        ),
        Refusal::Missing
        | Refusal::NotBearer
        | Refusal::Malformed
        | Refusal::Unknown
        | Refusal::BadSignature
        | Refusal::Revoked
        | Refusal::Expired => ApiError::new(
            ErrorCode::InvalidKey,
            "send a valid key as `Authorization: Bearer iv_live_…`; the key's page says whether it was revoked",
        ),
    }
}
