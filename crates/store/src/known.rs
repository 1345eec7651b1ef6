//! What a store knows of earlier calls, made into a [`Precedent`](crate::Precedent): the same for every backend.

use crate::{ApprovalStatus, PriorApproval, TrustEvent, TrustEventKind};
use interven_types::{ApprovalId, Timestamp};
use std::time::Duration;

/// Earlier approvals of one exact call that a retry looks at, newest first.
pub const PRECEDENTS: u32 = 16;

/// Trust events of the last hour that a scan looks at: beyond them an agent is far past every threshold.
pub const RECENT_EVENTS: u32 = 256;

pub const HOUR: Duration = Duration::from_secs(3_600);
pub const DAY: Duration = Duration::from_secs(86_400);

/// An earlier approval of the exact call, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownApproval {
    pub approval_id: ApprovalId,
    pub status: ApprovalStatus,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub window_ends_at: Option<Timestamp>,
    pub uses: u32,
    /// Absent: unlimited within the window.
    pub max_uses: Option<u32>,
}

impl KnownApproval {
    pub fn has_use_left(&self) -> bool {
        self.max_uses.is_none_or(|most| self.uses < most)
    }

    /// What it says to a retry at `now`; `is_repeat` when it was already used under the retry's idempotency key.
    pub fn about_retry(&self, now: Timestamp, is_repeat: bool) -> Option<PriorApproval> {
        let approval_id = self.approval_id;
        let in_window = self.window_ends_at.is_some_and(|end| now < end);
        match self.status {
            ApprovalStatus::Pending if now < self.expires_at => {
                Some(PriorApproval::Pending { approval_id, expires_at: self.expires_at })
            }
            ApprovalStatus::Approved if in_window && (self.has_use_left() || is_repeat) => {
                Some(PriorApproval::Granted { approval_id })
            }
            ApprovalStatus::Denied if in_window => Some(PriorApproval::Denied { approval_id }),
            _ => None,
        }
    }
}

/// What the last hour of an agent shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastHour {
    /// Since the last reset.
    pub denials: u32,
    pub highest_trust: f64,
}

impl LastHour {
    /// Of its events, newest first, and the trust it has now.
    pub fn of<'a>(newest_first: impl Iterator<Item = &'a TrustEvent> + Clone, trust_score: f64) -> Self {
        let is_denial =
            |event: &&TrustEvent| matches!(event.kind, TrustEventKind::Deny | TrustEventKind::CriticalDeny);
        let since_reset = newest_first.clone().take_while(|event| event.kind != TrustEventKind::Reset);
        let denials = since_reset.filter(is_denial).count();
        let before_all = newest_first.clone().last().map_or(0.0, |event| match event.kind {
            // There was no trust before it.
            TrustEventKind::Inherited => event.score_after,
            _ => (event.score_after - event.delta).clamp(0.0, 1.0),
        });
        let scores = newest_first.map(|event| event.score_after).chain([before_all, trust_score]);
        Self {
            denials: u32::try_from(denials).unwrap_or(u32::MAX),
            highest_trust: scores.fold(0.0, f64::max),
        }
    }
}

/// A counter of `agent_trust_state`, the window in which an event counts, and the events that count.
#[derive(Debug)]
pub struct TrustCounter {
    pub column: &'static str,
    pub window: Duration,
    pub kinds: &'static [&'static str],
}

pub const TRUST_COUNTERS: [TrustCounter; 6] = [
    TrustCounter { column: "high_risk_count_1h", window: HOUR, kinds: &["high_risk", "critical_deny"] },
    TrustCounter { column: "critical_count_24h", window: DAY, kinds: &["critical_deny"] },
    TrustCounter { column: "ti_match_count_24h", window: DAY, kinds: &["threat_match"] },
    TrustCounter { column: "semantic_match_count_24h", window: DAY, kinds: &["semantic_match"] },
    TrustCounter { column: "deny_count_24h", window: DAY, kinds: &["deny", "critical_deny"] },
    TrustCounter { column: "approval_count_24h", window: DAY, kinds: &["approval_requested"] },
];
