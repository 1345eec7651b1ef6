//! Credentials of upstream tools: sealed, one for each tool, host and environment.

use crate::{Actor, StoreResult};
use async_trait::async_trait;
use interven_types::{CredentialId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// What a credential is, and so how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A token, as `Authorization: Bearer …`.
    Bearer,
    /// Headers by name.
    HeaderSet,
    /// An address that is itself the secret.
    IncomingWebhook,
}

impl CredentialKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::HeaderSet => "header_set",
            Self::IncomingWebhook => "incoming_webhook",
        }
    }
}

/// A credential as stored. What it holds opens only with the data key of its tenant.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ToolCredentialRow {
    pub credential_id: CredentialId,
    /// `slack`, `github`, `gdrive`, `http`.
    pub tool: String,
    /// Where it is sent.
    pub host: String,
    /// Absent: every environment.
    pub env: Option<String>,
    pub kind: CredentialKind,
    /// Where the tool is, unless it is at its public address.
    pub base_url: Option<String>,
    #[serde(skip)]
    pub sealed_secret: Vec<u8>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub rotated_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

#[async_trait]
pub trait ToolCredentialStore: Send + Sync {
    /// Adds it, or puts it in the place of the one for the same tool, host and environment, whose id it takes on.
    async fn set_tool_credential(
        &self,
        tenant: TenantId,
        credential: &ToolCredentialRow,
        actor: &Actor,
    ) -> StoreResult<ToolCredentialRow>;
    /// By tool, host and environment.
    async fn tool_credentials(&self, tenant: TenantId) -> StoreResult<Vec<ToolCredentialRow>>;
    async fn remove_tool_credential(
        &self,
        tenant: TenantId,
        credential: CredentialId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()>;
    /// Notes a use. Not audited.
    async fn touch_tool_credential(
        &self,
        tenant: TenantId,
        credential: CredentialId,
        used_at: Timestamp,
    ) -> StoreResult<()>;
}
