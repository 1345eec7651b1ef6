//! What can go wrong in the control plane, and what the caller hears of it.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use interven_http::ApiError;
use interven_live::{
    ApplyError, CredentialError, KeyError, LedgerError, MintError, PollError, ReplayError, SimulateError,
    TenantError,
};
use interven_store::StoreError;
use interven_types::ErrorCode;

pub(crate) type Answer<T> = Result<Json<T>, ControlError>;

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The request asks for something that cannot be; the sentence says what to change.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Credential(#[from] CredentialError),
    #[error(transparent)]
    Poll(#[from] PollError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error(transparent)]
    Simulate(SimulateError),
    #[error(transparent)]
    Keys(KeyError),
    /// The change is durable, but the tenant could not be loaded with it: what was in force before still is.
    #[error("the change was stored, but is not in force: {0}")]
    NotInForce(#[from] TenantError),
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
    #[error("the password could not be hashed: {0}")]
    Hash(#[from] argon2::password_hash::Error),
    #[error("a task ended before its time: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl ControlError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}

impl From<SimulateError> for ControlError {
    fn from(error: SimulateError) -> Self {
        match error {
            SimulateError::Draft(error) => Self::Apply(error),
            SimulateError::Store(error) => Self::Store(error),
            other => Self::Simulate(other),
        }
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Invalid(message) => Self::invalid_request(message),
            ControlError::Store(error) => store_error(error),
            ControlError::Apply(error) => error.into(),
            ControlError::Mint(error) => error.into(),
            ControlError::Credential(error) => error.into(),
            ControlError::Poll(error) => error.into(),
            ControlError::Ledger(LedgerError::Store(error)) => store_error(error),
            ControlError::Ledger(error) => Self::new(ErrorCode::Conflict, error.to_string()),
            ControlError::Replay(ReplayError::Store(error)) => store_error(error),
            ControlError::Replay(error @ ReplayError::NothingEvaluated) => {
                Self::new(ErrorCode::Conflict, error.to_string())
            }
            ControlError::Replay(error) => {
                tracing::error!(%error, "a recorded request could not be read");
                Self::new(ErrorCode::Internal, format!("the record cannot be read: {error}"))
            }
            ControlError::Simulate(error) => {
                tracing::error!(%error, "a simulation could not go on");
                Self::new(ErrorCode::Internal, format!("{error}; nothing was changed"))
            }
            ControlError::Keys(KeyError::Store(error)) => store_error(error),
            ControlError::Keys(error @ (KeyError::Superseded { .. } | KeyError::Contended)) => {
                Self::new(ErrorCode::Conflict, format!("{error}; nothing was changed"))
            }
            ControlError::Keys(error) => {
                tracing::error!(%error, "data keys could not be changed");
                Self::new(ErrorCode::Internal, format!("{error}; nothing was changed"))
            }
            ControlError::NotInForce(error) => {
                tracing::error!(%error, "a stored change could not be loaded; the previous state stays in force");
                Self::new(
                    ErrorCode::Unavailable,
                    "the change was stored, but the previous state is still in force",
                )
            }
            ControlError::NoRandomness(_) | ControlError::Hash(_) | ControlError::Interrupted(_) => {
                tracing::error!(%error, "a request could not be carried out");
                Self::new(ErrorCode::Internal, "the request could not be carried out; nothing was changed")
            }
        }
    }
}

fn store_error(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(what) => ApiError::not_found(what),
        StoreError::Conflict(message) => ApiError::new(ErrorCode::Conflict, message),
        StoreError::Unavailable(_)
        | StoreError::Corrupt(_)
        | StoreError::Outdated
        | StoreError::KeyExhausted
        | StoreError::RateLimited(_) => {
            tracing::error!(%error, "the store did not answer a request");
            ApiError::new(
                ErrorCode::Unavailable,
                "the store does not answer now; a change may or may not have been made: look, then try again",
            )
        }
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        ApiError::from(self).into_response()
    }
}
