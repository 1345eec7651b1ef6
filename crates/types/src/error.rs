//! Errors a caller can see: a stable code, a status, a sentence that says what to do.

use crate::TraceId;
use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:tt, $status:literal;)+) => {
        /// Stable codes of API errors, each with its HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum ErrorCode {$(
            $(#[$doc])*
            #[serde(rename = $code)]
            $name,
        )+}

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

error_codes! {
    /// No usable key. One answer for all causes; the cause goes to the log and to the key's page.
    InvalidKey = "INVALID_KEY", 401;
    /// The caller's address is not in the key's allowlist.
    IpNotAllowed = "IP_NOT_ALLOWED", 401;
    /// The key has no such scope.
    ScopeMissing = "SCOPE_MISSING", 403;
    /// The key may not speak for that agent.
    AgentNotAllowed = "AGENT_NOT_ALLOWED", 403;
    /// The other agent is none of this tenant and environment, or is suspended.
    AgentNotReachable = "AGENT_NOT_REACHABLE", 403;
    /// The key may not use that environment.
    EnvNotAllowed = "ENV_NOT_ALLOWED", 403;
    /// A person's role does not allow it.
    Forbidden = "FORBIDDEN", 403;
    InvalidRequest = "INVALID_REQUEST", 400;
    /// A signed request that is too old, too far ahead, or was taken before.
    ReplayRejected = "REPLAY_REJECTED", 400;
    InvalidPolicy = "INVALID_POLICY", 400;
    NotFound = "NOT_FOUND", 404;
    MethodNotAllowed = "METHOD_NOT_ALLOWED", 405;
    RequestTimeout = "REQUEST_TIMEOUT", 408;
    /// The tenant has no credential for the tool or host.
    ToolNotConfigured = "TOOL_NOT_CONFIGURED", 409;
    /// Decided already, or changed by someone else meanwhile.
    Conflict = "CONFLICT", 409;
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", 413;
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", 415;
    RateLimited = "RATE_LIMITED", 429;
    QuotaExceeded = "QUOTA_EXCEEDED", 429;
    Internal = "INTERNAL", 500;
    /// The tool did not answer, or may not be called there.
    UpstreamUnreachable = "UPSTREAM_UNREACHABLE", 502;
    /// The record could not be made durable, so no decision is given.
    AuditUnavailable = "AUDIT_UNAVAILABLE", 503;
    Unavailable = "UNAVAILABLE", 503;
}

/// Body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// A sentence a person can act on.
    pub error: String,
    pub code: ErrorCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// With `INVALID_POLICY`: each finding with its place, severity and message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    pub diagnostics: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_on_the_wire_are_their_names() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()));
        }
    }
}
