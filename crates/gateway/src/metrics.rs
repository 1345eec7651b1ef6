//! What the gateway counts.

use crate::answer::ScanAnswer;
use interven_live::SpoolState;
use interven_types::ErrorCode;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use std::{sync::atomic::Ordering::Relaxed, time::Duration};

type Labels = [(&'static str, String); 1];

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    decisions: Family<Labels, Counter>,
    errors: Family<Labels, Counter>,
    not_judged: Family<Labels, Counter>,
    duration: Histogram,
    spool_waiting: Gauge,
    spool_size: Gauge,
    upstream_refusals: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // 0.25 ms to about 4 s, doubling.
        let buckets = std::iter::successors(Some(0.000_25), |bound: &f64| Some(bound * 2.0)).take(15);
        let mut metrics = Self {
            registry: Registry::with_prefix("interven"),
            decisions: Family::default(),
            errors: Family::default(),
            not_judged: Family::default(),
            duration: Histogram::new(buckets),
            spool_waiting: Gauge::default(),
            spool_size: Gauge::default(),
            upstream_refusals: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("decisions", "Recorded decisions", metrics.decisions.clone());
        registry.register("errors", "Requests answered with an error, by code", metrics.errors.clone());
        registry.register(
            "not_judged",
            "Parts of calls that were not looked at, by what they were",
            metrics.not_judged.clone(),
        );
        registry.register_with_unit(
            "scan_duration",
            "From the request's headers to the recorded answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register(
            "spool_waiting",
            "Scans that were answered and wait in the spool for the store",
            metrics.spool_waiting.clone(),
        );
        registry.register_with_unit(
            "spool_size",
            "Length of the spool's file",
            Unit::Bytes,
            metrics.spool_size.clone(),
        );
        registry.register(
            "upstream_refusals",
            "Calls of tools that were refused because of where they would have gone",
            metrics.upstream_refusals.clone(),
        );
        metrics
    }

    pub(crate) fn decided(&self, answer: &ScanAnswer, took: Duration) {
        self.decisions.get_or_create(&[("decision", answer.decision.to_string())]).inc();
        self.duration.observe(took.as_secs_f64());
        for skipped in &answer.coverage.skipped {
            // The part before the colon is one of a few words; what follows may come from the call itself.
            let what = skipped.what.split(':').next().unwrap_or_default();
            self.not_judged.get_or_create(&[("what", what.to_owned())]).inc();
        }
    }

    pub(crate) fn refused(&self, code: ErrorCode) {
        self.errors.get_or_create(&[("code", code.as_str().to_owned())]).inc();
    }

    pub(crate) fn text(&self, spool: Option<SpoolState>, upstream_refusals: u64) -> String {
        let gauge = |number| i64::try_from(number).unwrap_or(i64::MAX);
        let spool = spool.unwrap_or_default();
        self.spool_waiting.set(gauge(spool.waiting));
        self.spool_size.set(gauge(spool.bytes));
        self.upstream_refusals.inner().store(upstream_refusals, Relaxed);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
