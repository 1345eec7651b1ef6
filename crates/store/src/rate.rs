//! The tenant's rate of scans, exact over all gateways: the generic cell rate algorithm (ITU-T I.371), of which the store
//! keeps one number per tenant.

use interven_types::Timestamp;
use std::{num::NonZeroU32, time::Duration};

const MINUTE_US: u64 = 60_000_000;

/// How many scans a tenant may have recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub per_minute: NonZeroU32,
    /// At once, after a pause that was long enough.
    pub burst: NonZeroU32,
}

/// When all that was taken will have been paid back: microseconds since 1970. Zero: nothing was ever taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateTime(pub i64);

impl RateLimit {
    /// Twice as many at once as in a minute.
    pub fn per_minute(per_minute: NonZeroU32) -> Self {
        let burst = per_minute.saturating_mul(NonZeroU32::MIN.saturating_add(1));
        Self { per_minute, burst }
    }

    /// Takes one scan at `now`; or says how long to wait for the next.
    pub fn take(self, taken: RateTime, now: Timestamp) -> Result<RateTime, Duration> {
        let now = now.unix_ms().saturating_mul(1_000);
        let each = MINUTE_US.div_ceil(u64::from(self.per_minute.get()));
        let most = micros(each.saturating_mul(u64::from(self.burst.get())));
        // Further ahead than any use brings it is a clock that ran ahead: the bucket counts as empty, no worse.
        let taken = taken.0.clamp(now, now.saturating_add(most));
        let next = taken.saturating_add(micros(each));
        match u64::try_from(next.saturating_sub(now.saturating_add(most))) {
            Ok(wait) if wait > 0 => Err(Duration::from_micros(wait)),
            _ => Ok(RateTime(next)),
        }
    }
}

fn micros(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(per_minute: u32) -> RateLimit {
        RateLimit::per_minute(NonZeroU32::new(per_minute).unwrap())
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_790_000_000_000 + ms)
    }

    /// Takes as many as are given at `now`.
    fn drain(limit: RateLimit, taken: &mut RateTime, now: Timestamp) -> u32 {
        let mut given = 0;
        while let Ok(next) = limit.take(*taken, now) {
            (*taken, given) = (next, given + 1);
        }
        given
    }

    #[test]
    fn a_burst_is_given_at_once_and_then_the_rate() {
        for per_minute in [1, 7, 60, 6_000, 1_000_000] {
            let (limit, mut taken) = (limit(per_minute), RateTime::default());
            let burst = drain(limit, &mut taken, at(0));
            assert!(burst <= 2 * per_minute && burst >= 2 * per_minute - 2 * per_minute / 50, "{burst}");
            assert_eq!(drain(limit, &mut taken, at(0)), 0);
            let minute = drain(limit, &mut taken, at(60_000));
            assert!(minute.abs_diff(per_minute) <= per_minute / 50 + 1, "{minute} of {per_minute}");
            assert!(drain(limit, &mut taken, at(10_000_000)) >= burst, "a long pause gives all back");
        }
    }

    #[test]
    fn the_wait_that_is_told_is_enough_and_not_too_long() {
        let (limit, mut taken) = (limit(60), RateTime::default());
        assert_eq!(drain(limit, &mut taken, at(0)), 120);
        assert_eq!(limit.take(taken, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(limit.take(taken, at(999)), Err(Duration::from_millis(1)));
        assert!(limit.take(taken, at(1_000)).is_ok());
    }

    #[test]
    fn a_clock_that_ran_ahead_does_not_stop_the_others() {
        let (limit, mut taken) = (limit(60), RateTime::default());
        drain(limit, &mut taken, at(3_600_000));
        assert_eq!(limit.take(taken, at(0)), Err(Duration::from_secs(1)), "as if all had been taken now");
    }
}
