//! The trust of the agents in a batch, and what moved it within the last hour.

use interven_store::{HOUR, LastHour, RECENT_EVENTS};
use interven_types::{AgentId, Timestamp, TrustEvent, TrustState};

/// A row of `agent_trust_state`, whatever an operator wrote into it: what cannot be read is no trust, never an error that
/// stops an agent's scans. An agent without a row has no trust.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StoredTrust {
    pub trust_score: Option<f64>,
    pub scrutiny_until: Option<Timestamp>,
    /// In the order of [`interven_store::TRUST_COUNTERS`], and then the clean streak.
    pub counts: [Option<i64>; 7],
    pub updated_at: Option<Timestamp>,
}

impl StoredTrust {
    pub(crate) fn at(&self, agent_id: AgentId, now: Timestamp) -> TrustState {
        let [high_risk, critical, threat, semantic, deny, approval, clean] =
            self.counts.map(|count| u32::try_from(count.unwrap_or(0).max(0)).unwrap_or(u32::MAX));
        TrustState {
            agent_id,
            trust_score: self.trust_score.filter(|score| !score.is_nan()).unwrap_or(0.0).clamp(0.0, 1.0),
            scrutiny_until: self.scrutiny_until,
            high_risk_count_1h: high_risk,
            critical_count_24h: critical,
            ti_match_count_24h: threat,
            semantic_match_count_24h: semantic,
            deny_count_24h: deny,
            approval_count_24h: approval,
            clean_streak: clean,
            updated_at: self.updated_at.unwrap_or(now),
        }
    }
}

impl From<&TrustState> for StoredTrust {
    fn from(trust: &TrustState) -> Self {
        let counts = [
            trust.high_risk_count_1h,
            trust.critical_count_24h,
            trust.ti_match_count_24h,
            trust.semantic_match_count_24h,
            trust.deny_count_24h,
            trust.approval_count_24h,
            trust.clean_streak,
        ];
        Self {
            trust_score: Some(trust.trust_score),
            scrutiny_until: trust.scrutiny_until,
            counts: counts.map(|count| Some(i64::from(count))),
            updated_at: Some(trust.updated_at),
        }
    }
}

/// One agent of the batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownAgent {
    pub trust: StoredTrust,
    /// Newest first; none older than an hour before the earliest scan of the batch.
    pub events: Vec<TrustEvent>,
    /// The trust is to be written.
    pub has_moved: bool,
}

impl KnownAgent {
    pub(crate) fn last_hour(&self, trust_score: f64, now: Timestamp) -> LastHour {
        let since = now.saturating_sub(HOUR);
        let recent = self.events.iter().take_while(|event| event.at > since).take(RECENT_EVENTS as usize);
        LastHour::of(recent, trust_score)
    }

    pub(crate) fn take_in(&mut self, trust: &TrustState, events: &[TrustEvent], now: Timestamp) {
        if *trust != self.trust.at(trust.agent_id, now) {
            (self.trust, self.has_moved) = (trust.into(), true);
        }
        for event in events {
            let place = self.events.iter().position(|known| known.at <= event.at);
            self.events.insert(place.unwrap_or(self.events.len()), event.clone());
        }
    }
}
