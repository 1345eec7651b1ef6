//! One recorded scan judged twice: by the policies in force, and by the draft.

use super::report::{Cause, Effect, Example, RuleName, Side};
use crate::{
    Live, ReplayError,
    replay::answer_of_the_core,
    tenants::{PolicySets, Tenant},
};
use interven_engine::{
    AgentFacts, AgentView, ENGINE_VERSION, EngineFacts, InvalidCall, Ruling, Snapshot, examine,
};
use interven_policy::PolicyAction;
use interven_store::{ActivityRow, SealedRow, StoreError};
use interven_types::{Decision, RuleRef, ScanRequest, TenantId, TraceId};
use std::{collections::BTreeSet, sync::Arc};

/// What scans are judged with. Detectors and settings are today's on both sides: the draft would be in force beside them.
#[derive(Debug)]
pub(super) struct Bench {
    pub tenant: Arc<Tenant>,
    pub in_force: PolicySets,
    pub draft: PolicySets,
}

/// What became of one recorded scan.
pub(super) enum Judged {
    Compared(Box<Compared>),
    /// Nothing was evaluated when it was recorded.
    NothingEvaluated,
    Unreadable {
        ledger_seq: u64,
        trace_id: Option<TraceId>,
        why: String,
    },
}

/// One scan with what both sides say of it.
pub(super) struct Compared {
    /// As it would be shown: which scan, and what each side says.
    pub scan: Example,
    pub redacts_otherwise: bool,
    /// Rules of the draft's side that matched, shadow rules among them.
    pub matched: Vec<RuleRef>,
    pub decided: Option<RuleRef>,
    /// What has changed since it was recorded, when the policies in force no longer decide as was decided then.
    pub recorded_otherwise: Option<BTreeSet<Cause>>,
}

/// Why a scan could not be judged.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error("{0}")]
    Row(#[from] StoreError),
    #[error("{0}")]
    Request(#[from] ReplayError),
    #[error("the facts of the record cannot be read: {0}")]
    Facts(#[from] serde_json::Error),
    #[error("the call cannot be read by this version: {0}")]
    Call(#[from] InvalidCall),
}

impl Bench {
    pub(super) fn judge(&self, live: &Live, tenant: TenantId, rows: Vec<(u64, SealedRow)>) -> Vec<Judged> {
        rows.into_iter().map(|(seq, row)| self.judge_row(live, tenant, seq, row)).collect()
    }

    fn judge_row(&self, live: &Live, tenant: TenantId, ledger_seq: u64, row: SealedRow) -> Judged {
        let trace_id = row.as_ref().ok().map(|row| row.trace_id);
        let compared = row.map_err(Unreadable::from).and_then(|row| {
            if row.verdict.is_none() {
                return Ok(Judged::NothingEvaluated);
            }
            let request = live.open_with_known_key(tenant, &row)?;
            self.compare(row, &request).map(|compared| Judged::Compared(Box::new(compared)))
        });
        compared.unwrap_or_else(|why| Judged::Unreadable { ledger_seq, trace_id, why: why.to_string() })
    }

    fn compare(&self, row: ActivityRow, request: &ScanRequest) -> Result<Compared, Unreadable> {
        let missing = || StoreError::NotFound("policies of the environment");
        let in_force = self.in_force.of(&row.env).ok_or_else(missing)?;
        let draft = self.draft.of(&row.env).ok_or_else(missing)?;
        let facts: AgentFacts = serde_json::from_value(row.facts.clone())?;
        let engines = EngineFacts::recorded(&facts);
        let snapshot = Snapshot {
            tenant: self.tenant.id,
            env: row.env.clone(),
            settings: Arc::clone(&self.tenant.settings),
            policies: Arc::clone(&in_force.policies),
            classifier: Arc::clone(&self.tenant.classifier),
            own_domains: Arc::clone(&self.tenant.own_domains),
            call_scope: facts.call_scope.clone(),
            agent: AgentView::recorded(facts),
            engines,
        };
        let examination = examine(request, &snapshot, row.created_at, &mut ())?;
        let now = examination.rule(&in_force.policies, &mut ());
        let then = examination.rule(&draft.policies, &mut ());
        let recorded_otherwise = row
            .verdict
            .as_ref()
            .filter(|recorded| answer_of_the_core(recorded, now.decision) != now.decision)
            .map(|_| self.changed_since(&row, &in_force.hash));
        Ok(Compared {
            redacts_otherwise: redactions(&now) != redactions(&then),
            recorded_otherwise,
            scan: Example {
                trace_id: row.trace_id,
                created_at: row.created_at,
                env: row.env,
                agent_name: row.agent_name,
                tool_name: row.tool_name,
                operation: row.operation,
                monitored: row.would_be.is_some(),
                from: Side::from(&now),
                to: Side::from(&then),
            },
            matched: then.matches.into_iter().map(|matched| matched.rule).collect(),
            decided: then.rule,
        })
    }

    fn changed_since(&self, row: &ActivityRow, policy_set: &str) -> BTreeSet<Cause> {
        let changes = [
            (Cause::Engine, row.engine_version != ENGINE_VERSION),
            (Cause::Detectors, row.detectors_hash != self.tenant.classifier.patterns_hash()),
            (Cause::Settings, row.settings_version != self.tenant.settings_version),
            (Cause::Policies, row.policy_set != policy_set),
        ];
        changes.into_iter().filter_map(|(cause, has_changed)| has_changed.then_some(cause)).collect()
    }
}

fn redactions(ruling: &Ruling) -> Option<&[interven_types::Redaction]> {
    ruling.redacted.as_ref().map(|redacted| redacted.redactions.as_slice())
}

impl From<&Ruling> for Side {
    fn from(ruling: &Ruling) -> Self {
        let rule = ruling.rule.as_ref();
        Self {
            effect: Effect::of(ruling.decision, ruling.opens_incident),
            rule: rule
                .map(|rule| RuleName { policy: rule.policy_name.clone(), rule_id: rule.rule_id.clone() }),
            reason_code: ruling.reason_codes.first().cloned(),
        }
    }
}

impl Effect {
    fn of(decision: Decision, opens_incident: bool) -> Self {
        Self(match decision {
            Decision::Deny if opens_incident => PolicyAction::OpenIncident,
            Decision::Deny => PolicyAction::Deny,
            Decision::RequireApproval => PolicyAction::RequireApproval,
            Decision::Sanitize => PolicyAction::Sanitize,
            Decision::Allow => PolicyAction::Allow,
        })
    }
}
