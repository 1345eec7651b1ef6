//! The detectors of a tenant.

use interven_types::{Confidence, DataClass};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetectorList {
    /// Version of the settings that the list follows from.
    pub settings_version: u32,
    /// Changes exactly when the active detectors do.
    pub secret_patterns_hash: String,
    pub detectors: Vec<DetectorEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetectorEntry {
    pub id: String,
    pub class: DataClass,
    pub summary: String,
    pub confidence: Confidence,
    pub weight: f64,
    /// `shipped`, `markers` or `custom`.
    pub origin: String,
    pub enabled: bool,
}
