//! Monitor mode: everything runs and is recorded, and the call passes.

use interven_types::{Decision, Factor, Verdict};

/// Loosens a verdict to ALLOW and keeps the real decision in `would_be`.
pub fn monitored(mut verdict: Verdict) -> Verdict {
    verdict.would_be = Some(verdict.decision);
    verdict.determined_by.push(Factor::Monitor { would_be: verdict.decision });
    verdict.decision = Decision::Allow;
    verdict.sanitized_body = None;
    verdict.redactions.clear();
    verdict.approval = None;
    verdict
}
