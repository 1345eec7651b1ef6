//! What telemetry counts.

use crate::Telemetry;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use interven_live::Live;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

type Labels = [(&'static str, String); 2];

#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    ledger_faults: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("interven_telemetry"),
            requests: Family::default(),
            ledger_faults: Gauge::default(),
        };
        let requests = metrics.requests.clone();
        metrics.registry.register("requests", "Requests to the control plane, by route and status", requests);
        let faults = metrics.ledger_faults.clone();
        let help = "Logs whose ledger does not match what was recorded; see the error log";
        metrics.registry.register("ledger_faults", help, faults);
        metrics
    }

    pub(crate) fn text(&self, live: &Live) -> String {
        self.ledger_faults.set(i64::try_from(live.ledger_faults().len()).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Counts a request under its route: what stands in the path itself comes from the caller and is without bound.
pub(crate) async fn count(State(telemetry): State<Telemetry>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    let labels = [
        ("route", route.unwrap_or_else(|| "none".to_owned())),
        ("status", response.status().as_u16().to_string()),
    ];
    telemetry.metrics.requests.get_or_create(&labels).inc();
    response
}
