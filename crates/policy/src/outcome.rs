//! What is evaluated, and what comes of it.

use crate::budget::BudgetFact;
use crate::source::{PolicyAction, RuleSource};
use interven_types::{
    Action, AgentId, Confidence, DataClass, Decision, GrantUses, Hit, RiskBand, RuleRef, RuntimeType,
    Timestamp,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// Everything that rules may ask about one call.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Of the request as the agent sent it. Rules match the method of each action, which for a command is that of
    /// the HTTP call it makes.
    pub method: &'a str,
    /// Primary first, never empty. A rule matches when any of them does.
    pub actions: &'a [&'a Action],
    pub env: &'a str,
    pub agent_id: AgentId,
    pub agent_name: &'a str,
    pub runtime_type: RuntimeType,
    pub body: &'a Value,
    pub body_bytes: usize,
    /// All decoded text of the body.
    pub texts: &'a [Cow<'a, str>],
    pub hits: &'a [Hit],
    pub is_new_destination: bool,
    pub is_volume_burst: bool,
    /// 0–1.
    pub risk_score: f64,
    /// 0–1.
    pub trust_score: f64,
    pub agent_in_scrutiny: bool,
    /// Here and below, `None`: the engine did not run.
    pub threat_intel_match: Option<bool>,
    pub semantic_categories: Option<&'a [String]>,
    pub correlation_patterns: Option<&'a [String]>,
    /// By name. A name that is not there is no budget of the tenant.
    pub budgets: Option<&'a BTreeMap<String, BudgetFact>>,
    pub mcp: Option<McpFacts>,
    pub now: Timestamp,
}

/// What the MCP guard noticed about the tool that is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct McpFacts {
    pub drift_detected: bool,
    pub origin_changed: bool,
    pub injection_heuristic: bool,
    pub risky_param_added: bool,
}

/// What the policies say about one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// `None`: no rule spoke.
    pub decision: Option<Decision>,
    /// Whether no rule spoke about something that the call does.
    pub leaves_unspoken: bool,
    /// The strictest match; of equally strict ones that of the lowest priority number, then the agent's own
    /// before the tenant's, then by policy name.
    pub decisive: Option<RuleMatch>,
    /// The rule that spoke in each policy, and the shadow rules that matched before it.
    pub matches: Vec<RuleMatch>,
    pub notes: Vec<Note>,
    pub redaction: RedactionRequest,
}

/// One rule that matched.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleMatch {
    pub rule: RuleRef,
    pub action: PolicyAction,
    pub reason_code: String,
    /// The rule only watches: it has no effect on the decision.
    pub shadow: bool,
    pub modifiers: Modifiers,
    /// The condition met a type error, which in a strict rule counts as a match: what it was.
    pub failed_closed: Option<String>,
}

/// What a rule asks for beside its action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modifiers {
    pub escalate_to: Vec<String>,
    pub tags: Vec<String>,
    pub incident_severity: Option<RiskBand>,
    pub approval_ttl_seconds: Option<u64>,
    pub grant_max_uses: Option<GrantUses>,
    pub approvers: Vec<String>,
    pub compliance_tags: Vec<String>,
}

impl From<&RuleSource> for Modifiers {
    fn from(rule: &RuleSource) -> Self {
        Self {
            escalate_to: rule.escalate_to.clone(),
            tags: rule.tags.clone(),
            incident_severity: rule.incident_severity,
            approval_ttl_seconds: rule.approval_ttl_seconds,
            grant_max_uses: rule.grant_max_uses,
            approvers: rule.approvers.clone(),
            compliance_tags: rule.compliance_tags.clone(),
        }
    }
}

/// What to redact: the union over every SANITIZE rule that spoke, also when a stricter rule decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedactionRequest {
    pub classes: BTreeSet<DataClass>,
    /// The lowest bar of those rules.
    pub min_confidence: Confidence,
    /// JSON Pointers (RFC 6901) that exist in this body. The empty pointer, the whole body, stands for a path that
    /// leads to too many places to name.
    pub fields: Vec<String>,
}

impl Default for RedactionRequest {
    fn default() -> Self {
        Self { classes: BTreeSet::new(), min_confidence: Confidence::Medium, fields: Vec::new() }
    }
}

impl RedactionRequest {
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.fields.is_empty()
    }
}

/// Something about a rule that did not match, worth a line in the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub rule: RuleRef,
    /// `could not be evaluated: $.amount is missing`
    pub text: String,
}

/// The highest confidence found for each class.
pub(crate) fn confidence_by_class(hits: &[Hit]) -> BTreeMap<DataClass, Confidence> {
    let mut highest = BTreeMap::new();
    for hit in hits {
        let level = highest.entry(hit.class).or_insert(hit.confidence);
        *level = hit.confidence.max(*level);
    }
    highest
}
