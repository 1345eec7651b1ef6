//! Requests of clients that sign them instead of sending a key: who signed, and that it is not sent again.

use crate::{
    Gateway,
    caller::{address_of, refuse_signature},
};
use axum::{
    extract::{FromRequest, Request},
    http::HeaderMap,
};
use interven_http::{ApiError, ApiResult, read_body};
use interven_live::Caller;
use interven_store::KeyScope;
use interven_types::{AgentId, ErrorCode, Timestamp, parse_json};
use serde_json::Value;

const SIGNATURE: &str = "x-aif-signature";
const AGENT: &str = "x-aif-agent-id";

/// A body that an agent signed: base64(HMAC-SHA256(key, raw body)) in `X-AIF-Signature`.
pub(crate) struct Signed {
    pub caller: Caller,
    pub json: Value,
    pub signature: String,
}

impl FromRequest<Gateway> for Signed {
    type Rejection = ApiError;

    async fn from_request(request: Request, gateway: &Gateway) -> ApiResult<Self> {
        let (parts, body) = request.into_parts();
        let addr = address_of(&parts, gateway);
        let (agent_header, signature) = (only(&parts.headers, AGENT)?, only(&parts.headers, SIGNATURE)?);
        let bytes = read_body(&parts.headers, body, gateway.body_limits()).await?;
        let json = parse_json(&bytes).map_err(|error| ApiError::invalid_request(error.to_string()));
        let named = json.as_ref().ok().and_then(|json| json.pointer("/agent_context/agent_id")?.as_str());
        let agent = match (agent_header, named) {
            (Some(header), Some(body)) if header != body => Err(ApiError::new(
                ErrorCode::InvalidKey,
                "`X-AIF-Agent-ID` and `agent_context.agent_id` are not the same agent",
            )),
            (header, body) => Ok(header.or(body).and_then(|id| id.parse::<AgentId>().ok())),
        };
        let signature = signature.unwrap_or_default().to_owned();
        let unsigned = || {
            ApiError::new(
                ErrorCode::InvalidKey,
                "send `X-AIF-Agent-ID` and `X-AIF-Signature`: base64 of the HMAC-SHA256 of the body under a signing key of that agent",
            )
        };
        let Some(agent) = agent?.filter(|_| !signature.is_empty()) else { return Err(unsigned()) };
        let admitted = gateway.live.authenticate_signed(agent, &signature, &bytes, addr).await;
        let caller = admitted.map_err(|refusal| refuse_signature(gateway, addr, &refusal))?;
        if !caller.may(KeyScope::Scan) {
            let sentence = format!("the key {}… has no scope `scan`", caller.key().prefix);
            return Err(ApiError::new(ErrorCode::ScopeMissing, sentence));
        }
        // What is no JSON is told to whoever signed it alone.
        Ok(Self { caller, json: json?, signature })
    }
}

/// Two of a header are none: another reader might take the other one.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &str) -> ApiResult<Option<&'a str>> {
    let mut given = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default());
    match (given.next(), given.next()) {
        (header, None) => Ok(header),
        (_, Some(_)) => Err(ApiError::new(ErrorCode::InvalidKey, format!("`{name}` is sent more than once"))),
    }
}

impl Signed {
    /// Refuses what was sent too long ago, or will be sent too far ahead, or was taken before. `named` is the time's name.
    pub(crate) async fn is_fresh(
        &self,
        gateway: &Gateway,
        named: &str,
        at: Option<&str>,
        nonce: &str,
    ) -> ApiResult<()> {
        let at = at.and_then(|text| text.parse::<Timestamp>().ok());
        let at =
            at.ok_or_else(|| ApiError::invalid_request(format!("`{named}` must be an RFC 3339 time")))?;
        let (now, window) = (gateway.live.now(), gateway.replay_window);
        if at < now.saturating_sub(window) || at > now.saturating_add(window) {
            let seconds = window.as_secs();
            return Err(replayed(format!(
                "this may be a replay: `{named}` is more than {seconds} s from the gateway's time; check the clock"
            )));
        }
        let first = gateway.live.is_first_request(&self.caller, nonce).await.map_err(|cause| {
            tracing::error!(%cause, "a signed request could not be noted");
            ApiError::new(
                ErrorCode::AuditUnavailable,
                "the request could not be noted; the call must not go through",
            )
        })?;
        if first {
            Ok(())
        } else {
            Err(replayed("this is a replay: the request was taken before".to_owned()))
        }
    }
}

fn replayed(sentence: String) -> ApiError {
    ApiError::new(ErrorCode::ReplayRejected, sentence)
}
