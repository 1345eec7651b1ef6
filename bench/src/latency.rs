//! How long things took, kept to three digits at every scale.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Longer than any wait that a plan allows, in nanoseconds.
const LONGEST: u64 = 600_000_000_000;

/// Latencies from 1 ns to 10 minutes; longer ones count as 10 minutes.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// # Errors
    /// Never with these constants; the histogram checks its bounds at run time.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST, 3)?))
    }

    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(LONGEST).clamp(1, LONGEST));
    }

    /// # Errors
    /// Never for two of these, which have the same bounds.
    pub fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        Ok(self.0.add(&other.0)?)
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of all was not slower than, in milliseconds: `share` is 0.99 for p99.
    #[must_use]
    pub fn milliseconds_at(&self, share: f64) -> f64 {
        Duration::from_nanos(self.0.value_at_quantile(share)).as_secs_f64() * 1e3
    }

    #[must_use]
    pub fn longest_milliseconds(&self) -> f64 {
        Duration::from_nanos(self.0.max()).as_secs_f64() * 1e3
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
            write!(out, "{name} {:.3} ms  ", self.milliseconds_at(share))?;
        }
        write!(out, "max {:.3} ms", self.longest_milliseconds())
    }
}

#[cfg(test)]
mod tests {
    use super::Latencies;
    use std::time::Duration;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latencies = Latencies::new().unwrap();
        for milliseconds in 1..=1000 {
            latencies.record(Duration::from_millis(milliseconds));
        }
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = latencies.milliseconds_at(share);
            assert!((found - expected).abs() < expected / 500.0, "{share}: {found}");
        }
        assert_eq!(latencies.count(), 1000);
    }

    #[test]
    fn what_is_too_long_to_hold_still_counts() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::from_secs(100_000));
        latencies.record(Duration::ZERO);
        assert_eq!(latencies.count(), 2);
        assert!(latencies.longest_milliseconds() >= 599_000.0);
    }
}
