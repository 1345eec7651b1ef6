//! How many calls an agent makes now, against what is usual for it.

use super::baseline::MIN_LEARNED;
use interven_types::{Baseline, Timestamp, window_number};

/// This many times the usual rate is a burst.
const FACTOR: f64 = 5.0;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub recent: u64,
    pub usual: f64,
    pub is_burst: bool,
}

pub(crate) fn measure(baseline: &Baseline, now: Timestamp) -> Rate {
    let is_current = baseline.scans > 0 && baseline.current.number == window_number(now);
    let in_current = if is_current { baseline.current.count } else { 0 };
    let past_windows = baseline.windows - u64::from(is_current).min(baseline.windows);
    let past_scans = baseline.scans.saturating_sub(in_current);
    let usual = if past_windows == 0 { 0.0 } else { past_scans as f64 / past_windows as f64 };
    let recent = in_current + 1;
    let is_burst = past_windows > 0 && past_scans >= MIN_LEARNED && recent as f64 >= FACTOR * usual.max(1.0);
    Rate { recent, usual, is_burst }
}

#[cfg(test)]
mod tests {
    use super::*;
    use interven_types::RateWindow;

    #[test]
    fn five_times_the_usual_rate_is_a_burst() {
        let now = Timestamp::from_unix_ms(7 * 600_000);
        let with = |count| Baseline {
            scans: 60 + count,
            windows: 7,
            current: RateWindow { number: 7, count },
            ..Default::default()
        };
        assert!(!measure(&with(48), now).is_burst);
        assert!(measure(&with(49), now).is_burst);
        assert_eq!(measure(&with(49), now).usual, 10.0);
        let next_window = Timestamp::from_unix_ms(8 * 600_000);
        assert_eq!(measure(&with(49), next_window).recent, 1);
    }

    #[test]
    fn the_first_window_knows_no_usual_rate() {
        let baseline = Baseline {
            scans: 10_000,
            windows: 1,
            current: RateWindow { number: 0, count: 10_000 },
            ..Default::default()
        };
        assert!(!measure(&baseline, Timestamp::from_unix_ms(0)).is_burst);
    }
}
