//! What a simulation tells.

use super::compare::{Compared, Judged};
use crate::{TenantError, tenants::install};
use interven_policy::{Mode, PolicyAction};
use interven_store::{ActivityFilter, PolicyRow};
use interven_types::{PolicyId, RuleRef, Timestamp, TraceId};
use serde::{Serialize, Serializer};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Scans named of each kind; the rest is counted.
const EXAMPLES: usize = 5;

/// What becomes of a call, in the words of rules: `OPEN_INCIDENT` is a denial that opens an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, utoipa::ToSchema)]
#[schema(value_type = String)]
pub struct Effect(pub PolicyAction);

impl Serialize for Effect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// What a draft would change, of the scans of a window.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SimulationReport {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Where the draft is in force; empty when that is everywhere. Scans of other environments are left out.
    pub environments: Vec<String>,
    /// The draft judged without the tenant's other policies.
    pub alone: bool,
    /// Scans read: those that changed, those that did not, and those that could not be judged.
    pub scans: u64,
    pub changed: u64,
    pub unchanged: u64,
    /// Of the unchanged: decided alike, by another rule.
    pub by_another_rule: u64,
    /// Of all: recorded while only monitoring was on, and compared by what would have been.
    pub monitored: u64,
    pub not_judged: NotJudged,
    /// By what changed into what, the most frequent first.
    pub changes: Vec<Change>,
    /// Every rule of the draft.
    pub rules: Vec<RuleUse>,
    /// Scans that the policies in force decide otherwise today than was recorded: no doing of the draft.
    pub recorded_otherwise: Vec<RecordedOtherwise>,
    pub elapsed_ms: u64,
}

#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub struct NotJudged {
    /// Nothing was evaluated when they were recorded: the quota was used up.
    pub nothing_evaluated: u64,
    /// Their record does not open, or cannot be read.
    pub unreadable: u64,
    /// Some of those that are unreadable.
    pub examples: Vec<UnreadableScan>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct UnreadableScan {
    /// Position in the tenant's log.
    pub ledger_seq: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    pub why: String,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Change {
    /// With the policies in force.
    pub from: Effect,
    /// With the draft.
    pub to: Effect,
    /// The body would be redacted otherwise; all that changes when `from` is `to`.
    pub redacts_otherwise: bool,
    pub scans: u64,
    /// The newest of them.
    pub examples: Vec<Example>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Example {
    pub trace_id: TraceId,
    pub created_at: Timestamp,
    pub env: String,
    pub agent_name: String,
    pub tool_name: String,
    pub operation: String,
    /// Recorded while only monitoring was on.
    pub monitored: bool,
    pub from: Side,
    pub to: Side,
}

/// What one side says of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Side {
    pub effect: Effect,
    /// Absent when no rule decided.
    pub rule: Option<RuleName>,
    pub reason_code: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RuleName {
    pub policy: String,
    pub rule_id: String,
}

/// How often a rule of the draft came to its turn and matched. A rule behind one that speaks is not asked.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RuleUse {
    pub policy: String,
    /// Absent: every environment.
    pub env_name: Option<String>,
    pub rule_id: String,
    #[schema(value_type = String)]
    pub action: Effect,
    pub shadow: bool,
    pub matched: u64,
    /// How often it decided.
    pub decided: u64,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RecordedOtherwise {
    /// What has changed since; empty when nothing is known that has.
    pub changed_since: BTreeSet<Cause>,
    pub scans: u64,
    /// The newest of them.
    pub examples: Vec<TraceId>,
}

/// What makes a call be decided otherwise than it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    Engine,
    Detectors,
    Settings,
    Policies,
}

/// Counts as scans come in.
#[derive(Debug)]
pub(super) struct Tally {
    report: SimulationReport,
    /// Where each rule of the draft stands in the report.
    rules: BTreeMap<PolicyId, BTreeMap<String, usize>>,
}

impl Tally {
    pub(super) fn new(
        drafted: &[PolicyRow],
        filter: &ActivityFilter,
        is_alone: bool,
    ) -> Result<Self, TenantError> {
        let mut report = SimulationReport {
            since: filter.since,
            until: filter.until,
            environments: filter.envs.clone(),
            alone: is_alone,
            scans: 0,
            changed: 0,
            unchanged: 0,
            by_another_rule: 0,
            monitored: 0,
            not_judged: NotJudged::default(),
            changes: Vec::new(),
            rules: Vec::new(),
            recorded_otherwise: Vec::new(),
            elapsed_ms: 0,
        };
        let mut rules: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for row in drafted {
            for rule in install(row)?.rules {
                rules.entry(row.policy_id).or_default().insert(rule.rule_id.clone(), report.rules.len());
                report.rules.push(RuleUse {
                    policy: row.name.clone(),
                    env_name: row.env_name.clone(),
                    rule_id: rule.rule_id,
                    action: Effect(rule.action),
                    shadow: rule.mode == Mode::Shadow,
                    matched: 0,
                    decided: 0,
                });
            }
        }
        Ok(Self { report, rules })
    }

    pub(super) fn scans(&self) -> u64 {
        self.report.scans
    }

    pub(super) fn add(&mut self, scan: Judged) {
        self.report.scans += 1;
        let not_judged = &mut self.report.not_judged;
        match scan {
            Judged::Compared(compared) => self.compare(*compared),
            Judged::NothingEvaluated => not_judged.nothing_evaluated += 1,
            Judged::Unreadable { ledger_seq, trace_id, why } => {
                not_judged.unreadable += 1;
                keep(&mut not_judged.examples, || UnreadableScan { ledger_seq, trace_id, why });
            }
        }
    }

    fn compare(&mut self, compared: Compared) {
        let Compared { scan, redacts_otherwise, matched, decided, recorded_otherwise } = compared;
        self.report.monitored += u64::from(scan.monitored);
        for rule in &matched {
            self.count(rule, |counted| counted.matched += 1);
        }
        if let Some(rule) = &decided {
            self.count(rule, |counted| counted.decided += 1);
        }
        if let Some(causes) = recorded_otherwise {
            self.recorded_otherwise(causes, scan.trace_id);
        }
        if scan.from.effect == scan.to.effect && !redacts_otherwise {
            self.report.unchanged += 1;
            self.report.by_another_rule += u64::from(scan.from.rule != scan.to.rule);
        } else {
            self.report.changed += 1;
            self.changed(scan, redacts_otherwise);
        }
    }

    fn count(&mut self, rule: &RuleRef, count: impl FnOnce(&mut RuleUse)) {
        let place = self.rules.get(&rule.policy_id).and_then(|rules| rules.get(&rule.rule_id));
        if let Some(counted) = place.and_then(|place| self.report.rules.get_mut(*place)) {
            count(counted);
        }
    }

    fn recorded_otherwise(&mut self, changed_since: BTreeSet<Cause>, trace_id: TraceId) {
        let kinds = &mut self.report.recorded_otherwise;
        match kinds.iter_mut().find(|kind| kind.changed_since == changed_since) {
            Some(kind) => {
                kind.scans += 1;
                keep(&mut kind.examples, || trace_id);
            }
            None => kinds.push(RecordedOtherwise { changed_since, scans: 1, examples: vec![trace_id] }),
        }
    }

    fn changed(&mut self, scan: Example, redacts_otherwise: bool) {
        let (from, to) = (scan.from.effect, scan.to.effect);
        // Beside a change of the decision, what is redacted goes without saying.
        let redacts_otherwise = redacts_otherwise && from == to;
        let changes = &mut self.report.changes;
        let is_alike = |change: &&mut Change| {
            (change.from, change.to, change.redacts_otherwise) == (from, to, redacts_otherwise)
        };
        match changes.iter_mut().find(is_alike) {
            Some(change) => {
                change.scans += 1;
                keep(&mut change.examples, || scan);
            }
            None => changes.push(Change { from, to, redacts_otherwise, scans: 1, examples: vec![scan] }),
        }
    }

    pub(super) fn report(&self, elapsed: Duration) -> SimulationReport {
        let mut report = self.report.clone();
        report.changes.sort_by_key(|change| std::cmp::Reverse(change.scans));
        report.recorded_otherwise.sort_by_key(|kind| std::cmp::Reverse(kind.scans));
        report.elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        report
    }
}

fn keep<T>(examples: &mut Vec<T>, example: impl FnOnce() -> T) {
    if examples.len() < EXAMPLES {
        examples.push(example());
    }
}
