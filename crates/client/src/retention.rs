//! How long the record is kept.

use interven_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetentionStatus {
    /// Absent: for ever.
    pub retention_days: Option<u32>,
    pub run: Option<RetentionRun>,
    pub next_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RetentionRun {
    pub started_at: Timestamp,
    pub older_than: Timestamp,
    /// Scans up to this position go.
    pub through: u64,
    /// Rows taken so far, by kind.
    pub pruned: Map<String, Value>,
    /// Absent while it runs, or when it was cut off.
    pub ended_at: Option<Timestamp>,
}
