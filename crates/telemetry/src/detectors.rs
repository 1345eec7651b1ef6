//! The detectors of a tenant, as its settings make them.

use crate::{Telemetry, error::Answer, operator::Operator};
use axum::{Json, extract::State};
use interven_classify::{
    Classifier, Options,
    detectors::{Detector, Origin},
};
use interven_store::StoreError;
use interven_types::{Confidence, DataClass, ErrorBody};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DetectorList {
    /// Version of the settings that the list follows from.
    settings_version: u32,
    /// SHA-256 over the active detectors: changes exactly when they do. Every scan records the one it was judged with.
    secret_patterns_hash: String,
    detectors: Vec<DetectorEntry>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DetectorEntry {
    id: String,
    class: DataClass,
    summary: String,
    /// What a match counts as whose checks pass.
    confidence: Confidence,
    /// Factor of what a finding adds to the risk.
    weight: f64,
    /// `shipped`, `markers` (the tenant's internal markers) or `custom`.
    origin: &'static str,
    enabled: bool,
}

impl DetectorEntry {
    fn of(detector: &Detector, enabled: bool) -> Self {
        Self {
            id: detector.id.clone(),
            class: detector.class,
            summary: detector.summary.clone(),
            confidence: detector.confidence,
            weight: detector.weight,
            origin: match detector.origin {
                Origin::Shipped => "shipped",
                Origin::Markers => "markers",
                Origin::Custom => "custom",
            },
            enabled,
        }
    }
}

/// The tenant's detectors: its own first, then the shipped ones; those that are switched off too.
#[utoipa::path(
    get, path = "/api/telemetry/detectors", tag = "settings", security(("operator" = [])),
    responses((status = 200, body = DetectorList), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<DetectorList> {
    let tenant = telemetry.live.tenant(operator.tenant).ok_or(StoreError::NotFound("tenant"))?;
    let active: BTreeSet<&str> = tenant.classifier.detectors().iter().map(|d| d.id.as_str()).collect();
    // The same settings, with nothing switched off.
    let options = Options { disabled_detectors: &BTreeSet::new(), ..Options::from(&*tenant.settings) };
    let mut detectors: Vec<DetectorEntry> = Classifier::list(&options)
        .iter()
        .map(|detector| DetectorEntry::of(detector, active.contains(detector.id.as_str())))
        .collect();
    detectors.sort_by_key(|entry| entry.origin == "shipped");
    Ok(Json(DetectorList {
        settings_version: tenant.settings_version,
        secret_patterns_hash: tenant.classifier.patterns_hash().to_owned(),
        detectors,
    }))
}
