//! What an apply comes to: each policy at its place, checked alone, beside the tenant's others, and compiled with them.

use super::{AppliedPolicy, ApplyError, NewPolicies, PolicyChange};
use crate::{
    Live, fresh_id,
    tenants::{PolicySets, compile_each_environment},
};
use interven_normalize::vocabulary;
use interven_policy::{Diagnostic, PolicySource, Severity, check_together};
use interven_store::{AgentRecord, PolicyRow, PolicyUpsert, StoreError};
use interven_types::{AgentId, Budget, PolicyId, TenantId, Timestamp};

/// Policies that passed every check, ready to be stored.
pub(crate) struct Plan {
    pub(crate) upserts: Vec<PolicyUpsert>,
    pub(crate) outlook: Vec<AppliedPolicy>,
    /// All policies of the tenant as they are.
    pub(crate) before: Vec<PolicyRow>,
    /// All policies of the tenant as they would be, and what they compile to.
    pub(crate) after: Vec<PolicyRow>,
    pub(crate) sets_after: PolicySets,
}

impl Live {
    pub(crate) async fn plan_policies(
        &self,
        tenant: TenantId,
        new: &NewPolicies,
    ) -> Result<Plan, ApplyError> {
        let stored = self.store.policies_with_deleted(tenant).await?;
        let (before, deleted): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|row| row.deleted_at.is_none());
        let mut after = before.clone();
        let (mut upserts, mut outlook, mut findings) = (Vec::new(), Vec::new(), Vec::new());
        for name in new.if_versions.keys().filter(|name| !new.sources.iter().any(|s| s.name == **name)) {
            let message = "a version of this policy is expected, but it is not among those applied";
            findings.push(error(name, message));
        }
        let placed = self.place_policies(tenant, new, &mut findings).await?;
        let sources: Vec<PolicySource> = placed.iter().map(|(source, _)| source.clone()).collect();
        let found = check_together(&sources, &staying(&before, &sources), vocabulary());
        let budgets = self.store.settings(tenant).await?.settings.budgets;
        for ((source, agent_id), found) in placed.into_iter().zip(found) {
            let (warnings, errors): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|finding| finding.severity == Severity::Warning);
            findings.extend(
                errors.into_iter().map(|finding| Diagnostic { file: source.name.clone(), ..finding }),
            );
            let warnings: Vec<_> = warnings.into_iter().chain(unknown_budgets(&source, &budgets)).collect();
            for source in per_environment(source) {
                let env_name = source.env_names.as_ref().and_then(|names| names.first().cloned());
                let upsert = PolicyUpsert {
                    env_name,
                    agent_id,
                    source: serde_json::to_value(&source).map_err(|e| StoreError::Corrupt(e.to_string()))?,
                    if_version: new.if_versions.get(&source.name).copied().or(new.if_version),
                    restored_from: new.restored_from,
                    name: source.name,
                };
                let (policy_id, version, change) = place(&mut after, &deleted, &upsert, self.now());
                outlook.push(AppliedPolicy {
                    policy_id,
                    name: upsert.name.clone(),
                    env_name: upsert.env_name.clone(),
                    agent: source.agent,
                    version,
                    change,
                    rules: source.rules.len(),
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

    /// Each policy in the environments and for the agent that are meant. An agent is known by its id, and named by its name.
    async fn place_policies(
        &self,
        tenant: TenantId,
        new: &NewPolicies,
        findings: &mut Vec<Diagnostic>,
    ) -> Result<Vec<(PolicySource, Option<AgentId>)>, StoreError> {
        let names_an_agent = new.agent.is_some() || new.sources.iter().any(|source| source.agent.is_some());
        let agents = if names_an_agent { self.store.agents(tenant).await? } else { Vec::new() };
        let place = |source: &PolicySource| {
            let wanted = new.agent.as_ref().or(source.agent.as_ref());
            let agent = wanted.and_then(|wanted| find_agent(&agents, wanted));
            if let (Some(wanted), None) = (wanted, agent) {
                let message =
                    format!("no agent is `{wanted}`; an agent is known from its first key or call on");
                findings.push(error(&source.name, &message));
            }
            let source = PolicySource {
                env_names: new.env.clone().map(|env| vec![env]).or_else(|| source.env_names.clone()),
                agent: agent.map(|agent| agent.name.clone()),
                ..source.clone()
            };
            (source, agent.map(|agent| agent.agent_id))
        };
        Ok(new.sources.iter().map(place).collect())
    }
}

fn find_agent<'a>(agents: &'a [AgentRecord], wanted: &str) -> Option<&'a AgentRecord> {
    let id = wanted.parse().ok();
    agents.iter().find(|agent| Some(agent.agent_id) == id || agent.name == wanted)
}

/// A rule that asks about such a budget can never be evaluated.
fn unknown_budgets(source: &PolicySource, budgets: &[Budget]) -> Vec<Diagnostic> {
    let names = source.budget_names().into_iter();
    let unknown = names.filter(|name| budgets.iter().all(|budget| budget.name != **name));
    let warn = |name| {
        let message = format!("the tenant has no budget `{name}`; `interven admin budgets set` makes one");
        let path = "rules".to_owned();
        Diagnostic { severity: Severity::Warning, path, ..error(&source.name, &message) }
    };
    unknown.map(warn).collect()
}

/// One policy per environment that it is for; one for all when it names none.
fn per_environment(source: PolicySource) -> Vec<PolicySource> {
    let Some(named) = source.env_names.clone() else { return vec![source] };
    let one = |env: String| PolicySource { env_names: Some(vec![env]), ..source.clone() };
    named.into_iter().map(one).collect()
}

/// The stored policies that `sources` do not replace. One that cannot be read is reported when all are compiled.
fn staying(rows: &[PolicyRow], sources: &[PolicySource]) -> Vec<PolicySource> {
    let agent_of =
        |row: &PolicyRow| row.source.get("agent").and_then(|name| name.as_str().map(str::to_owned));
    let is_replaced = |row: &PolicyRow| {
        sources.iter().any(|source| {
            source.name == row.name
                && source.agent == agent_of(row)
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

/// Puts the policy among the rows as it will stand there. Returns its id, if it has one already, its next version, and how it
/// differs from what is there.
fn place(
    rows: &mut Vec<PolicyRow>,
    deleted: &[PolicyRow],
    upsert: &PolicyUpsert,
    now: Timestamp,
) -> (Option<PolicyId>, u32, PolicyChange) {
    let is_it = |row: &PolicyRow| {
        row.name == upsert.name && row.env_name == upsert.env_name && row.agent_id == upsert.agent_id
    };
    let current = rows.iter().position(is_it).map(|place| rows.swap_remove(place));
    let change = match &current {
        None => PolicyChange::Added,
        Some(row) if row.source == upsert.source => PolicyChange::Unchanged,
        Some(_) => PolicyChange::Changed,
    };
    let previous = current.or_else(|| deleted.iter().find(|row| is_it(row)).cloned());
    let policy_id = previous.as_ref().map(|row| row.policy_id);
    let version = previous.map_or(1, |row| row.version.saturating_add(1));
    rows.push(PolicyRow {
        policy_id: policy_id.unwrap_or_else(|| PolicyId(fresh_id())),
        name: upsert.name.clone(),
        env_name: upsert.env_name.clone(),
        agent_id: upsert.agent_id,
        version,
        source: upsert.source.clone(),
        updated_at: now,
        updated_by: String::new(),
        updated_from: String::new(),
        deleted_at: None,
    });
    (policy_id, version, change)
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
