//! What `interven scan --local` judges by, and how it answers.

use crate::{
    commands::policy::check_packs,
    exit::{UsageError, tell},
};
use anyhow::Result;
use interven_client::ScanAnswer;
use interven_policy::{PolicySource, default_policies};
use interven_types::Verdict;
use std::path::PathBuf;

/// The packs named, or the default policies.
pub(super) fn sources(packs: &[PathBuf]) -> Result<Vec<PolicySource>> {
    if packs.is_empty() {
        return Ok(default_policies());
    }
    let checked = check_packs(packs)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Err(UsageError("the packs have errors; nothing was judged".to_owned()).into());
    }
    Ok(checked.policies)
}

/// The wire form, without what only a server has: a record and an approval.
pub(super) fn answer(verdict: Verdict) -> ScanAnswer {
    let (policy_name, rule_id) = verdict.rule.map(|rule| (rule.policy_name, rule.rule_id)).unzip();
    ScanAnswer {
        decision: verdict.decision,
        would_be: verdict.would_be,
        risk_score: verdict.risk_score,
        risk_band: verdict.risk_band,
        reason_codes: verdict.reason_codes,
        tool_name: verdict.tool_name,
        operation: verdict.operation,
        verb: verdict.verb,
        classifications: verdict.classifications,
        signals: verdict.signals,
        policy_name,
        rule_id,
        redactions: verdict.sanitized_body.is_some().then_some(verdict.redactions),
        sanitized_body: verdict.sanitized_body,
        approval_id: None,
        approval_url: None,
        expires_at: None,
        coverage: verdict.coverage,
        receipt: None,
        more: serde_json::Map::new(),
    }
}
