//! Putting policies in force: check → compile together with the tenant's others → store → reload.

use crate::{
    Live, TenantError, fresh_id,
    tenants::{PolicySets, compile_each_environment},
};
use interven_http::ApiError;
use interven_normalize::vocabulary;
use interven_policy::{Diagnostic, PolicySource, Severity, check_together};
use interven_store::{Actor, PolicyRow, PolicyUpsert, StoreError};
use interven_types::{ErrorCode, PolicyId, TenantId, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;

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
    pub version: u32,
    /// How many rules it has.
    pub rules: usize,
    /// What is odd about it, yet no reason to refuse it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Diagnostic>,
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
            cause => {
                tracing::error!(%cause, "policies could not be applied");
                Self::new(ErrorCode::Unavailable, format!("{cause}; see the log of the service"))
            }
        }
    }
}

/// Policies that passed every check, ready to be stored.
pub(crate) struct Plan {
    upserts: Vec<PolicyUpsert>,
    pub(crate) outlook: Vec<AppliedPolicy>,
    /// All policies of the tenant as they are.
    pub(crate) before: Vec<PolicyRow>,
    /// All policies of the tenant as they would be, and what they compile to.
    pub(crate) after: Vec<PolicyRow>,
    pub(crate) sets_after: PolicySets,
}

impl Live {
    /// Applies all policies or none. `env` overrides the environments that they name; a policy that names several becomes one
    /// per environment. Every apply makes a version, also of an unchanged policy. With `if_version`, each must be at it.
    pub async fn apply_policies(
        &self,
        tenant: TenantId,
        sources: Vec<PolicySource>,
        env: Option<&str>,
        if_version: Option<u32>,
        actor: &Actor,
    ) -> Result<Applied, ApplyError> {
        let Plan { upserts, outlook, .. } = self.plan_policies(tenant, sources, env, if_version).await?;
        let rows = self.store.apply_policies(tenant, &upserts, actor, self.now()).await?;
        self.reload(tenant).await.map_err(ApplyError::NotInForce)?;
        let as_stored = |planned: AppliedPolicy| {
            let row = rows.iter().find(|row| row.name == planned.name && row.env_name == planned.env_name);
            AppliedPolicy {
                policy_id: row.map(|row| row.policy_id),
                version: row.map_or(planned.version, |row| row.version),
                ..planned
            }
        };
        Ok(Applied { policies: outlook.into_iter().map(as_stored).collect() })
    }

    /// Says what [`Live::apply_policies`] would do, and does nothing.
    pub async fn try_policies(
        &self,
        tenant: TenantId,
        sources: Vec<PolicySource>,
        env: Option<&str>,
    ) -> Result<Applied, ApplyError> {
        let plan = self.plan_policies(tenant, sources, env, None).await?;
        Ok(Applied { policies: plan.outlook })
    }

    pub(crate) async fn plan_policies(
        &self,
        tenant: TenantId,
        sources: Vec<PolicySource>,
        env: Option<&str>,
        if_version: Option<u32>,
    ) -> Result<Plan, ApplyError> {
        let before = self.store.policies(tenant).await?;
        let mut after = before.clone();
        let (mut upserts, mut outlook, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        let sources: Vec<PolicySource> = sources.into_iter().map(|source| placed_in(source, env)).collect();
        let found = check_together(&sources, &staying(&before, &sources), vocabulary());
        for (source, found) in sources.into_iter().zip(found) {
            let (warnings, errors): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|finding| finding.severity == Severity::Warning);
            findings.extend(
                errors.into_iter().map(|finding| Diagnostic { file: source.name.clone(), ..finding }),
            );
            for source in per_environment(source) {
                let env_name = source.env_names.as_ref().and_then(|names| names.first().cloned());
                if !seen.insert((source.name.clone(), env_name.clone())) {
                    findings.push(error(&source.name, "the policy stands here twice for one environment"));
                }
                let rules = source.rules.len();
                let stored = serde_json::to_value(&source).map_err(|e| StoreError::Corrupt(e.to_string()))?;
                let upsert = PolicyUpsert { name: source.name, env_name, source: stored, if_version };
                let (policy_id, version) = place(&mut after, &upsert, self.now());
                outlook.push(AppliedPolicy {
                    policy_id,
                    name: upsert.name.clone(),
                    env_name: upsert.env_name.clone(),
                    version,
                    rules,
                    warnings: warnings.clone(),
                });
                upserts.push(upsert);
            }
        }
        if upserts.is_empty() {
            findings.push(error("", "there is no policy here"));
        }
        if !findings.is_empty() {
            return Err(ApplyError::Invalid(findings));
        }
        // Sound policies may still not fit together, as when their phrases are too many.
        let sets_after = compile_each_environment(&after)
            .map_err(|problem| ApplyError::Invalid(vec![error("", &problem.to_string())]))?;
        Ok(Plan { upserts, outlook, before, after, sets_after })
    }
}

/// `env` overrides the environments that the policy names.
fn placed_in(source: PolicySource, env: Option<&str>) -> PolicySource {
    match env {
        Some(env) => PolicySource { env_names: Some(vec![env.to_owned()]), ..source },
        None => source,
    }
}

/// One policy per environment that it is for; one for all when it names none.
fn per_environment(source: PolicySource) -> Vec<PolicySource> {
    let Some(named) = source.env_names.clone() else { return vec![source] };
    let one = |env: String| PolicySource { env_names: Some(vec![env]), ..source.clone() };
    named.into_iter().map(one).collect()
}

/// The stored policies that `sources` do not replace. One that cannot be read is reported when all are compiled.
fn staying(rows: &[PolicyRow], sources: &[PolicySource]) -> Vec<PolicySource> {
    let is_replaced = |row: &PolicyRow| {
        sources.iter().any(|source| {
            source.name == row.name
                && match (&source.env_names, &row.env_name) {
                    (None, None) => true,
                    (Some(envs), Some(env)) => envs.contains(env),
                    _ => false,
                }
        })
    };
    let kept = rows.iter().filter(|row| !is_replaced(row));
    kept.filter_map(|row| serde_json::from_value(row.source.clone()).ok()).collect()
}

/// Puts the policy among the rows as it will stand there. Returns its id, if it has one already, and its next version.
fn place(rows: &mut Vec<PolicyRow>, upsert: &PolicyUpsert, now: Timestamp) -> (Option<PolicyId>, u32) {
    let known = rows.iter().position(|row| row.name == upsert.name && row.env_name == upsert.env_name);
    let previous = known.map(|place| rows.swap_remove(place));
    let policy_id = previous.as_ref().map(|row| row.policy_id);
    let version = previous.map_or(1, |row| row.version.saturating_add(1));
    rows.push(PolicyRow {
        policy_id: policy_id.unwrap_or_else(|| PolicyId(fresh_id())),
        name: upsert.name.clone(),
        env_name: upsert.env_name.clone(),
        version,
        source: upsert.source.clone(),
        updated_at: now,
        updated_by: String::new(),
    });
    (policy_id, version)
}

fn error(policy: &str, message: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        file: policy.to_owned(),
        line: None,
        column: None,
        path: String::new(),
        message: message.to_owned(),
    }
}
