//! Identifiers are UUIDs on the wire and newtypes in the code, so that an agent's id cannot stand in for a tenant's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// An isolated workspace. Comes only from authentication.
    TenantId,
    /// The caller of tools.
    AgentId,
    /// One API key.
    KeyId,
    /// A credential of an upstream tool.
    CredentialId,
    /// The record of one scan.
    TraceId,
    /// A pending or decided human decision.
    ApprovalId,
    /// A named policy in one environment.
    PolicyId,
    /// Something an analyst should look at.
    IncidentId,
    /// A person who can sign in.
    UserId,
}
