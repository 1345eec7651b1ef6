//! Trust: how it is read, and how one settled scan moves it.

use crate::{decide::Judgement, risk::GOOD_NAME};
use interven_types::{
    Decision, EngineName, Factor, RiskBand, Timestamp, TraceId, TrustEvent, TrustEventKind, TrustState,
    Verdict,
};

/// Clean calls in a row that earn [`TrustEventKind::CleanStreak`].
const CLEAN_STREAK: u32 = 50;
/// A baseline score from here on is an anomaly.
const STRONG_ANOMALY: f64 = 0.6;

/// A judgement stands although trust has moved since by this much: the largest step that one call makes. It moves the risk
/// score by 0.0125 at most below 0.8, and by 0.025 above.
const NO_MATTER: f64 = 0.05;

impl Judgement {
    /// Whether the call would be judged no differently on the trust as stored now. Other calls, of this gateway or of another,
    /// may have moved it since it was read.
    pub fn stands_on(&self, stored: &TrustState, threshold: f64, now: Timestamp) -> bool {
        stands(self.decision, &self.facts.trust, stored, threshold, now)
    }
}

/// Less trust makes no DENY stricter. Everything else rests on the score, on which side of a good name it lies, and on scrutiny.
fn stands(
    decision: Decision,
    judged: &TrustState,
    stored: &TrustState,
    threshold: f64,
    now: Timestamp,
) -> bool {
    if decision == Decision::Deny && stored.trust_score <= judged.trust_score {
        return true;
    }
    let (before, after) = (scrutiny(judged, threshold, now), scrutiny(stored, threshold, now));
    let has_moved = |one: f64, other: f64| rounded((one - other).abs()) > NO_MATTER;
    before.is_active == after.is_active
        && (judged.trust_score >= GOOD_NAME) == (stored.trust_score >= GOOD_NAME)
        && !has_moved(judged.trust_score, stored.trust_score)
        && !has_moved(before.trust_score, after.trust_score)
}

/// Four decimals, so that a step of 0.05 is that and not a hair more.
fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}

/// Whether an agent is watched more closely, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scrutiny {
    pub is_active: bool,
    /// With the recovery since the last change.
    pub trust_score: f64,
    pub threshold: f64,
}

pub(crate) fn scrutiny(state: &TrustState, threshold: f64, now: Timestamp) -> Scrutiny {
    let trust_score = state.recovered(now);
    let until_later = state.scrutiny_until.is_some_and(|until| now < until);
    Scrutiny { is_active: until_later || trust_score < threshold, trust_score, threshold }
}

/// The agent's trust after this scan, and the events that moved it.
pub(crate) fn after(
    state: &TrustState,
    verdict: &Verdict,
    trace_id: TraceId,
    now: Timestamp,
) -> (TrustState, Vec<TrustEvent>) {
    let mut next = state.clone();
    next.trust_score = state.recovered(now);
    let kinds = kinds_of(verdict);
    let mut events: Vec<TrustEvent> =
        kinds.iter().map(|kind| next.take_in(*kind, Some(trace_id), now)).collect();
    let is_clean =
        verdict.decision == Decision::Allow && verdict.risk_band <= RiskBand::Medium && kinds.is_empty();
    next.clean_streak = if is_clean { state.clean_streak + 1 } else { 0 };
    if next.clean_streak >= CLEAN_STREAK {
        next.clean_streak = 0;
        if next.trust_score < 1.0 {
            events.push(next.take_in(TrustEventKind::CleanStreak, Some(trace_id), now));
        }
    }
    if !events.is_empty() || next.trust_score != state.trust_score {
        next.updated_at = now;
    }
    (next, events)
}

/// What a verdict means for trust. Answers that repeat an earlier decision cost nothing twice.
fn kinds_of(verdict: &Verdict) -> Vec<TrustEventKind> {
    let factor = |wanted: fn(&Factor) -> bool| verdict.determined_by.iter().any(wanted);
    let mut kinds = Vec::new();
    let repeats = factor(|f| {
        matches!(
            f,
            Factor::AgentSuspended
                | Factor::DenyWindow { .. }
                | Factor::QueueFull { .. }
                | Factor::Monitor { .. }
        )
    });
    if repeats {
        return kinds;
    }
    match (verdict.decision, verdict.risk_band) {
        (Decision::Deny, RiskBand::Critical) => kinds.push(TrustEventKind::CriticalDeny),
        (Decision::Deny, _) => kinds.push(TrustEventKind::Deny),
        (_, RiskBand::High | RiskBand::Critical) => kinds.push(TrustEventKind::HighRisk),
        _ => {}
    }
    let is_new_request = !factor(|f| matches!(f, Factor::PendingApproval { .. }));
    if verdict.decision == Decision::RequireApproval && is_new_request {
        kinds.push(TrustEventKind::ApprovalRequested);
    }
    if factor(|f| matches!(f, Factor::Grant { .. })) {
        kinds.push(TrustEventKind::ApprovedRetry);
    }
    let baseline = verdict.signals.iter().find(|s| s.engine == EngineName::Baseline);
    if baseline.is_some_and(|s| s.score >= STRONG_ANOMALY) {
        kinds.push(TrustEventKind::Anomaly);
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::AgentId;
    use std::time::Duration;

    fn state(trust_score: f64) -> TrustState {
        let fresh = TrustState::fresh(AgentId(Default::default()), Timestamp::from_unix_ms(0));
        TrustState { trust_score, ..fresh }
    }

    #[test]
    fn trust_recovers_a_hundredth_an_hour() {
        let now = Timestamp::from_unix_ms(0).saturating_add(Duration::from_secs(5 * 3_600));
        assert_eq!(scrutiny(&state(0.5), 0.6, now).trust_score, 0.55);
        assert_eq!(scrutiny(&state(0.99), 0.6, now).trust_score, 1.0);
    }

    #[test]
    fn scrutiny_is_low_trust_or_a_set_time() {
        let now = Timestamp::from_unix_ms(1_000);
        assert!(scrutiny(&state(0.59), 0.6, now).is_active);
        assert!(!scrutiny(&state(0.6), 0.6, now).is_active);
        let set = TrustState { scrutiny_until: Some(Timestamp::from_unix_ms(1_001)), ..state(1.0) };
        assert!(scrutiny(&set, 0.6, now).is_active);
        assert!(!scrutiny(&set, 0.6, Timestamp::from_unix_ms(1_001)).is_active);
    }

    #[test]
    fn a_judgement_stands_until_trust_has_moved_in_what_matters() {
        let now = Timestamp::from_unix_ms(3_600_000);
        let at = |trust_score| TrustState { updated_at: now, ..state(trust_score) };
        let watched =
            TrustState { scrutiny_until: Some(now.saturating_add(Duration::from_secs(1))), ..at(0.9) };
        let clean = TrustState { clean_streak: 7, ..at(0.9) };
        let (allow, deny) = (Decision::Allow, Decision::Deny);
        for (why, decision, judged, stored, stands_still) in [
            ("nothing moved", allow, at(0.9), at(0.9), true),
            ("a clean call", allow, at(0.9), clean, true),
            ("the largest step of one call", allow, at(1.0), at(0.95), true),
            ("the largest step up", allow, at(0.85), at(0.9), true),
            ("more than one step", allow, at(1.0), at(0.94), false),
            ("mended by an operator", allow, at(0.85), at(1.0), false),
            ("no good name any more", allow, at(0.81), at(0.79), false),
            ("under scrutiny by now", allow, at(0.61), at(0.59), false),
            ("scrutiny set by hand", allow, at(0.9), watched.clone(), false),
            ("a DENY is no stricter on less trust", deny, at(1.0), at(0.2), true),
            ("a DENY may be milder on more", deny, at(0.5), at(1.0), false),
        ] {
            assert_eq!(stands(decision, &judged, &stored, 0.6, now), stands_still, "{why}");
        }
    }
}
