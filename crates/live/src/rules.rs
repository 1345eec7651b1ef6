//! What each rule did in a decision, and what would have been decided without it.

use crate::tenants::{TenantError, install};
use interven_engine::{Examination, Ruling};
use interven_policy::{InstalledPolicy, PolicyAction, PolicySet};
use interven_store::PolicyRow;
use interven_types::{Decision, RuleRef};
use serde::Serialize;

/// One rule that took part in a decision, or would have.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct RulePart {
    /// With the version that its policy had.
    pub rule: RuleRef,
    /// Name of the agent whose own policy it is; absent: it is for all.
    pub agent: Option<String>,
    pub part: Part,
    /// `ALLOW`, `DENY`, `SANITIZE`, `REQUIRE_APPROVAL` or `OPEN_INCIDENT`; absent for a rule that did not match.
    #[schema(value_type = Option<String>)]
    pub action: Option<PolicyAction>,
    /// Why it did not come to speak, or which type error counted as a match.
    pub why: Option<String>,
    /// What the other rules would have decided; absent for a rule without a voice.
    pub without_it: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The strictest rule that spoke.
    Decided,
    /// Spoke for its policy, beside a stricter or earlier one.
    Spoke,
    /// Matched, and only watches.
    Shadow,
    /// Was silenced by the agent's own policies, or could not be evaluated.
    Silent,
}

/// The part of each rule, those that decided first.
pub(crate) fn parts(
    examination: &Examination<'_>,
    ruling: &Ruling,
    members: &[PolicyRow],
) -> Result<Vec<RulePart>, TenantError> {
    let installed = members.iter().map(install).collect::<Result<Vec<_>, _>>()?;
    let agent_of = |rule: &RuleRef| {
        let policy = members.iter().find(|member| member.policy_id == rule.policy_id)?;
        policy.source.get("agent")?.as_str().map(str::to_owned)
    };
    let mut parts = Vec::new();
    for matched in &ruling.matches {
        let part = match &ruling.rule {
            _ if matched.shadow => Part::Shadow,
            Some(decided) if *decided == matched.rule => Part::Decided,
            _ => Part::Spoke,
        };
        let without_it = match part {
            Part::Shadow => None,
            _ => Some(examination.rule(&compile_without(&installed, &matched.rule)?, &mut ()).decision),
        };
        parts.push(RulePart {
            agent: agent_of(&matched.rule),
            rule: matched.rule.clone(),
            part,
            action: Some(matched.action),
            why: matched.failed_closed.as_ref().map(|cause| format!("failed closed: {cause}")),
            without_it,
        });
    }
    parts.extend(ruling.notes.iter().map(|note| RulePart {
        agent: agent_of(&note.rule),
        rule: note.rule.clone(),
        part: Part::Silent,
        action: None,
        why: Some(note.text.clone()),
        without_it: None,
    }));
    parts.sort_by_key(|part| part.part);
    Ok(parts)
}

/// All but one rule.
fn compile_without(installed: &[InstalledPolicy], rule: &RuleRef) -> Result<PolicySet, TenantError> {
    let mut others = installed.to_vec();
    for policy in others.iter_mut().filter(|policy| policy.id == rule.policy_id) {
        policy.rules.retain(|other| other.rule_id != rule.rule_id);
    }
    PolicySet::compile(&others).map_err(|problems| {
        TenantError::Policy(problems.first().map(ToString::to_string).unwrap_or_default())
    })
}
