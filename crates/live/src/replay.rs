//! Looking back: the recorded request, as shown or as it was, and the recorded decision made again.

use crate::{
    Live, RulePart, rules,
    scan::request_place,
    tenants::{TenantError, compile},
};
use interven_engine::{
    AgentFacts, AgentView, ENGINE_VERSION, EngineFacts, InvalidCall, Judgement, Snapshot, examine,
    redacted_request,
};
use interven_normalize::OwnDomains;
use interven_store::{ActivityRow, StoreError};
use interven_types::{Decision, Factor, ScanRequest, TenantId, TraceId, Verdict};
use interven_vault::OpenError;
use serde_json::Value;
use std::sync::Arc;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tenant(#[from] TenantError),
    #[error("the recorded request does not open: {0}")]
    Sealed(#[from] OpenError),
    #[error("the record cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    InvalidCall(#[from] InvalidCall),
    #[error("nothing was evaluated in this scan, so there is no decision to make again")]
    NothingEvaluated,
}

/// A recorded decision made again from its record alone.
#[derive(Clone, Debug)]
pub struct Replay {
    pub recorded: Verdict,
    pub judgement: Judgement,
    pub rules: Vec<RulePart>,
    /// What differs, in sentences; empty when the same.
    pub differences: Vec<String>,
}

impl Live {
    /// The request as the agent sent it.
    pub async fn open_request(
        &self,
        tenant: TenantId,
        row: &ActivityRow,
    ) -> Result<ScanRequest, ReplayError> {
        let sealed = std::iter::once(row.sealed_request.as_slice());
        self.at_rest.learn_keys_of(self.store.as_ref(), sealed).await?;
        self.open_with_known_key(tenant, row)
    }

    /// The same with the keys that are known here already: see [`crate::at_rest::AtRest::learn_keys_of`].
    pub(crate) fn open_with_known_key(
        &self,
        tenant: TenantId,
        row: &ActivityRow,
    ) -> Result<ScanRequest, ReplayError> {
        let place_row = row.trace_id.to_string();
        let plaintext = self.at_rest.open(&request_place(tenant, &place_row), &row.sealed_request)?;
        Ok(serde_json::from_slice(&plaintext)?)
    }

    /// The request as it may be shown: with everything found in it redacted.
    pub async fn shown_request(&self, tenant: TenantId, row: &ActivityRow) -> Result<Value, ReplayError> {
        let request = self.open_request(tenant, row).await?;
        let live = self.tenant(tenant).ok_or(StoreError::NotFound("tenant"))?;
        let found = live.classifier.classify(&interven_classify::Subject {
            url: &request.url,
            host: row.host.as_deref(),
            headers: &request.headers,
            body: &request.body,
        });
        Ok(redacted_request(&request, &found, &live.classifier))
    }

    /// Makes a recorded decision again: same request, same policies and settings, same facts, same time, this engine.
    pub async fn replay(&self, tenant: TenantId, trace: TraceId) -> Result<Replay, ReplayError> {
        let row = self.store.trace(tenant, trace).await?;
        let recorded = row.verdict.clone().ok_or(ReplayError::NothingEvaluated)?;
        let request = self.open_request(tenant, &row).await?;
        let settings = self.store.settings_at(tenant, row.settings_version).await?;
        let mut members = Vec::new();
        for (policy, version) in self.store.policy_set(tenant, &row.policy_set).await? {
            members.push(self.store.policy_version(tenant, policy, version).await?);
        }
        let facts: AgentFacts = serde_json::from_value(row.facts.clone())?;
        let engines = EngineFacts::recorded(&facts);
        let classifier = self.classifier_of(&settings).await?;
        let snapshot = Snapshot {
            tenant,
            env: row.env.clone(),
            own_domains: Arc::new(OwnDomains::new(&settings.own_domains)),
            settings: Arc::new(settings),
            policies: Arc::new(compile(members.iter())?),
            classifier: Arc::clone(&classifier),
            call_scope: facts.call_scope.clone(),
            agent: AgentView::recorded(facts),
            engines,
        };
        let examination = examine(&request, &snapshot, row.created_at, &mut ())?;
        let ruling = examination.rule(&snapshot.policies, &mut ());
        let rules = rules::parts(&examination, &ruling, &members)?;
        let judgement = examination.conclude(ruling);
        let mut differences = differences(&recorded, &judgement);
        if !differences.is_empty() && row.engine_version != ENGINE_VERSION {
            differences.push(format!(
                "the engine was version {} then and is {ENGINE_VERSION} now",
                row.engine_version
            ));
        }
        if !differences.is_empty() && row.detectors_hash != classifier.patterns_hash() {
            differences.push("the detectors have changed since".to_owned());
        }
        Ok(Replay { recorded, judgement, rules, differences })
    }
}

/// What the core decided then, as far as a record tells. What a human had said of the identical call is part of the
/// record, not of the core: behind it stands whatever is decided `again`, unless that is a denial, which asks nobody.
pub(crate) fn answer_of_the_core(recorded: &Verdict, again: Decision) -> Decision {
    let settled_by_precedent = recorded.determined_by.iter().any(|factor| {
        matches!(factor, Factor::Grant { .. } | Factor::DenyWindow { .. } | Factor::QueueFull { .. })
    });
    match recorded.would_be.unwrap_or(recorded.decision) {
        _ if settled_by_precedent && again != Decision::Deny => again,
        decision => decision,
    }
}

/// Compares what the core decides again with what it decided then.
fn differences(recorded: &Verdict, again: &Judgement) -> Vec<String> {
    let then = answer_of_the_core(recorded, again.decision);
    let call = &again.call.primary;
    let pairs = [
        ("decision", then.to_string(), again.decision.to_string()),
        ("risk score", recorded.risk_score.to_string(), again.risk_score.to_string()),
        ("tool", recorded.tool_name.clone(), call.tool.to_string()),
        ("operation", recorded.operation.clone(), call.operation.to_string()),
        ("classes", format!("{:?}", recorded.classifications), format!("{:?}", again.classifications)),
    ];
    pairs
        .into_iter()
        .filter(|(_, then, now)| then != now)
        .map(|(what, then, now)| format!("{what} was {then} and is {now}"))
        .collect()
}
