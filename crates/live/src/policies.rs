//! Putting policies in force: check → compile together with the tenant's others → store → reload.

mod plan;

pub(crate) use plan::Plan;

use crate::{Live, TenantError};
use interven_http::ApiError;
use interven_policy::{Diagnostic, PolicySource, Severity};
use interven_store::{Actor, PolicyRow, StoreError};
use interven_types::{ErrorCode, PolicyId, TenantId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Policies to put in force, and where.
#[derive(Clone, Debug, Default)]
pub struct NewPolicies {
    pub sources: Vec<PolicySource>,
    /// In place of the environments that they name. A policy that names several becomes one per environment.
    pub env: Option<String>,
    /// Name or id of an agent, in place of those that they name.
    pub agent: Option<String>,
    /// Each must be at this version now; 0: must not exist.
    pub if_version: Option<u32>,
    /// The same for policies by their names.
    pub if_versions: BTreeMap<String, u32>,
    /// The sources are those of this earlier version.
    pub restored_from: Option<u32>,
}

impl From<Vec<PolicySource>> for NewPolicies {
    fn from(sources: Vec<PolicySource>) -> Self {
        Self { sources, ..Self::default() }
    }
}

/// What an apply put in force, or would.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Applied {
    /// One per policy and environment.
    pub policies: Vec<AppliedPolicy>,
}

#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AppliedPolicy {
    /// Absent in a dry run that would create the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<PolicyId>,
    pub name: String,
    /// Absent: every environment.
    pub env_name: Option<String>,
    /// The agent whose own policy it is; absent: it is for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub version: u32,
    pub change: PolicyChange,
    /// How many rules it has.
    pub rules: usize,
    /// What is odd about it, yet no reason to refuse it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Diagnostic>,
}

/// A policy beside the one of the same name, environment and agent that was in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolicyChange {
    Added,
    Changed,
    Unchanged,
}

/// Why nothing was applied. The policies that were in force still are.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The policies themselves are at fault; at least one finding is an error.
    #[error("the policies have errors, so none was applied")]
    Invalid(Vec<Diagnostic>),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stored, but the tenant could not be loaded with them: what was in force before still is.
    #[error("the policies were stored, but are not in force: {0}")]
    NotInForce(#[source] TenantError),
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Invalid(findings) => {
                let first = findings.iter().find(|finding| finding.severity == Severity::Error);
                let first = first.map(|finding| format!(": {finding}")).unwrap_or_default();
                let sentence = format!("the policies have errors and none was applied{first}");
                Self::new(ErrorCode::InvalidPolicy, sentence).with_diagnostics(serde_json::json!(findings))
            }
            ApplyError::Store(StoreError::Conflict(what)) => Self::new(ErrorCode::Conflict, what),
            ApplyError::Store(StoreError::NotFound(what)) => Self::not_found(what),
            cause => {
                tracing::error!(%cause, "policies could not be applied");
                Self::new(ErrorCode::Unavailable, format!("{cause}; see the log of the service"))
            }
        }
    }
}

impl Live {
    /// Applies all policies or none. Every apply makes a version, also of an unchanged policy.
    ///
    /// What is stored was compiled together: when the tenant's policies changed since they were read, the plan is made again on
    /// those that are there now. The store compares inside its transaction, so this holds for any number of processes.
    pub async fn apply_policies(
        &self,
        tenant: TenantId,
        new: &NewPolicies,
        actor: &Actor,
    ) -> Result<Applied, ApplyError> {
        loop {
            let revision = self.store.policy_revision(tenant).await?;
            let Plan { upserts, outlook, .. } = self.plan_policies(tenant, new).await?;
            let stored = self.store.apply_policies(tenant, revision, &upserts, actor, self.now()).await?;
            let Some(rows) = stored else { continue };
            self.reload(tenant).await.map_err(ApplyError::NotInForce)?;
            let as_stored = |(planned, row): (AppliedPolicy, PolicyRow)| AppliedPolicy {
                policy_id: Some(row.policy_id),
                version: row.version,
                ..planned
            };
            return Ok(Applied { policies: outlook.into_iter().zip(rows).map(as_stored).collect() });
        }
    }

    /// Puts an earlier version in force again, as the next one. It brings a deleted policy back.
    pub async fn restore_policy(
        &self,
        tenant: TenantId,
        policy: PolicyId,
        version: u32,
        if_version: Option<u32>,
        actor: &Actor,
    ) -> Result<AppliedPolicy, ApplyError> {
        let row = self.store.policy_version(tenant, policy, version).await?;
        let source = serde_json::from_value(row.source).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let new = NewPolicies {
            agent: row.agent_id.map(|agent| agent.to_string()),
            if_version,
            restored_from: Some(version),
            ..NewPolicies::from(vec![source])
        };
        let restored = self.apply_policies(tenant, &new, actor).await?.policies.pop();
        restored.ok_or(ApplyError::Store(StoreError::NotFound("policy version")))
    }

    /// Says what [`Live::apply_policies`] would do, and does nothing.
    pub async fn try_policies(&self, tenant: TenantId, new: &NewPolicies) -> Result<Applied, ApplyError> {
        Ok(Applied { policies: self.plan_policies(tenant, new).await?.outlook })
    }
}
