//! What can go wrong in a store, as far as a caller can act on it.

use crate::MOST_EPHEMERAL;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached, is full, read-only or overloaded. Nothing was written, or, when it failed while it
    /// committed, nobody knows whether.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Someone else was first, or a unique name is taken.
    #[error("{0}")]
    Conflict(String),
    /// What the scan was judged on has changed since: nothing was written, and it is to be judged again.
    #[error("what the scan was judged on has changed since")]
    Outdated,
    /// The ephemeral key of the scan has no use left: nothing was written.
    #[error("the key has no use left")]
    KeyExhausted,
    /// The tenant's scans of all gateways together are too many: nothing was written.
    #[error("too many scans; wait {0:?}")]
    RateLimited(Duration),
    /// A row does not decode: damaged, or written by a newer version.
    #[error("the store holds a row that cannot be read: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// A key has as many ephemeral keys as it may.
    pub fn too_many_ephemeral() -> Self {
        Self::Conflict(format!(
            "the key has {MOST_EPHEMERAL} ephemeral keys that are still usable; let some end, or revoke them"
        ))
    }
}
