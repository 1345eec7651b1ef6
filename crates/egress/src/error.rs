//! Why a call did not go out, or brought nothing back.

use crate::NotPublic;
use std::{path::PathBuf, time::Duration};

/// None of these holds the value of a header, a body, or more of a URL than its origin.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// When the client is made.
    #[error("`{}` of EGRESS_CA_FILE cannot be used: {why}", path.display())]
    BadAuthorities { path: PathBuf, why: String },
    #[error("the HTTP client cannot be made: {0}")]
    NoClient(String),

    // Nothing went out.
    /// Another scheme, host or port than the configured one.
    #[error("`{asked}` is not `{allowed}`, the one place that this credential is for")]
    NotAllowed { asked: String, allowed: String },
    #[error("`{scheme}` cannot be called: a tool is at an http or https URL")]
    NotHttp { scheme: String },
    #[error("the URL for `{host}` names a user: credentials are stored, and do not stand in URLs")]
    HasUser { host: String },
    #[error(
        "`{host}` is not called: {cause}; an operator can open a network of their own with EGRESS_ALLOW_PRIVATE"
    )]
    NotPublic { host: String, cause: NotPublic },
    #[error("`{method}` is not sent: it shows what a call was made with, or leads elsewhere")]
    BadMethod { method: String },
    #[error("header `{name}` cannot be sent: {why}")]
    BadHeader { name: String, why: &'static str },
    #[error("`{host}` cannot be reached: {why}")]
    Unreachable { host: String, why: String },
    #[error("`{host}` was not connected to within {limit:?}")]
    NotConnected { host: String, limit: Duration },
    #[error("the certificate of `{host}` is not trusted: {why}")]
    NotTrusted { host: String, why: String },

    // The call went out.
    #[error("`{host}` did not answer within {limit:?}; whether the call was carried out is not known")]
    TimedOut { host: String, limit: Duration },
    #[error("the connection to `{host}` broke off: {why}; whether the call was carried out is not known")]
    BrokenOff { host: String, why: String },
    #[error(
        "`{host}` answered with more headers than are read; whether the call was carried out is not known"
    )]
    HeadTooLarge { host: String },
    #[error("`{host}` answered {status} with more than {limit} bytes, which is more than is read")]
    TooLarge { host: String, status: u16, limit: usize },
    #[error("`{host}` answered {status} with a packed body, which nobody asked for and which is not read")]
    Packed { host: String, status: u16 },
}

impl EgressError {
    /// Whether the call was refused because of where it would have gone.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::NotAllowed { .. } | Self::NotHttp { .. } | Self::HasUser { .. } | Self::NotPublic { .. }
        )
    }
}
