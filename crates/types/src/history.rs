//! What is remembered of an agent between calls, and what moves its trust.

use crate::{Timestamp, TraceId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// Length of a rate window of the baseline.
pub const WINDOW_SECONDS: i64 = 600;

/// Most destinations or operations remembered of one agent; beyond it everything further stays new.
pub const MAX_REMEMBERED: usize = 10_000;

/// A count within one window of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateWindow {
    /// Unix time in seconds, divided by [`WINDOW_SECONDS`].
    pub number: i64,
    pub count: u64,
}

/// What an agent's allowed calls have taught so far. Cheap to clone: the sets are shared until there is news.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Allowed calls learned from.
    pub scans: u64,
    /// Windows of [`WINDOW_SECONDS`] in which there was at least one.
    pub windows: u64,
    pub current: RateWindow,
    /// Hosts, or `scheme:` for local calls, of allowed calls.
    pub destinations: Arc<BTreeSet<String>>,
    /// `tool.operation` of allowed calls.
    pub operations: Arc<BTreeSet<String>>,
}

/// What one allowed call teaches. Values already known cost no write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    pub new_destinations: Vec<String>,
    pub new_operations: Vec<String>,
}

impl Baseline {
    /// Takes in one allowed call made at `now`.
    pub fn learn(&mut self, lesson: &Lesson, now: Timestamp) {
        let number = window_number(now);
        if self.scans == 0 || self.current.number != number {
            self.current = RateWindow { number, count: 0 };
            self.windows += 1;
        }
        self.scans += 1;
        self.current.count += 1;
        take_in(&mut self.destinations, &lesson.new_destinations);
        take_in(&mut self.operations, &lesson.new_operations);
    }
}

fn take_in(known: &mut Arc<BTreeSet<String>>, news: &[String]) {
    if !news.is_empty() {
        Arc::make_mut(known).extend(news.iter().cloned());
    }
}

/// The rate window that holds `now`.
pub fn window_number(now: Timestamp) -> i64 {
    now.unix_ms().div_euclid(WINDOW_SECONDS * 1_000)
}

/// Why trust moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustEventKind {
    Deny,
    CriticalDeny,
    HighRisk,
    ThreatMatch,
    SemanticMatch,
    Anomaly,
    ApprovalRequested,
    ApprovalDenied,
    ApprovedRetry,
    CleanStreak,
    Inherited,
    Reset,
}

impl TrustEventKind {
    /// By how much the event moves trust. `Inherited` and `Reset` set it instead.
    pub fn delta(self) -> f64 {
        match self {
            Self::Deny => -0.03,
            Self::CriticalDeny => -0.05,
            Self::ThreatMatch => -0.15,
            Self::SemanticMatch => -0.05,
            Self::Anomaly => -0.02,
            Self::ApprovalDenied => -0.10,
            Self::ApprovedRetry => 0.02,
            Self::CleanStreak => 0.05,
            Self::HighRisk | Self::ApprovalRequested | Self::Inherited | Self::Reset => 0.0,
        }
    }
}

/// One step of an agent's trust history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustEvent {
    pub at: Timestamp,
    pub kind: TrustEventKind,
    pub delta: f64,
    pub score_after: f64,
    pub trace_id: Option<TraceId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_counts_calls_per_window() {
        let at = |seconds: i64| Timestamp::from_unix_ms(seconds * 1_000);
        let mut baseline = Baseline::default();
        for seconds in [0, 10, 599, 600, 4_000] {
            let lesson = Lesson { new_destinations: vec!["a.example".into()], new_operations: Vec::new() };
            baseline.learn(&lesson, at(seconds));
        }
        assert_eq!((baseline.scans, baseline.windows), (5, 3));
        assert_eq!(baseline.current, RateWindow { number: 6, count: 1 });
        assert_eq!(baseline.destinations.len(), 1);
    }
}
