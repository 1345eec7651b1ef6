//! Why a call did not go out, or brought nothing back.

use crate::NotPublic;
use std::time::Duration;

/// None of these holds a header, a body, or more of a URL than its host.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// Another scheme, host or port than the configured one, or a user in the URL.
    #[error("`{asked}` is not `{allowed}`, the one place that this credential is for")]
    NotAllowed { asked: String, allowed: String },
    #[error(
        "`{host}` is not called: {cause}; an operator can open a network of their own with EGRESS_ALLOW_PRIVATE"
    )]
    NotPublic { host: String, cause: NotPublic },
    #[error("header `{0}` cannot be sent")]
    BadHeader(String),
    #[error("this machine trusts no certificate authority: {0}")]
    NoAuthorities(String),
    #[error("`{host}` cannot be reached: {why}")]
    Unreachable { host: String, why: String },
    #[error("`{host}` did not answer within {limit:?}; whether the call was carried out is not known")]
    TimedOut { host: String, limit: Duration },
    #[error("the connection to `{host}` broke off: {why}; whether the call was carried out is not known")]
    BrokenOff { host: String, why: String },
    #[error("the answer of `{host}` is larger than {limit} bytes; the call was carried out")]
    TooLarge { host: String, limit: usize },
}
