//! Policies.

use crate::RefusedPolicy;
use interven_types::{PolicyId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A policy in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    pub policy_id: PolicyId,
    pub name: String,
    /// Absent: every environment.
    #[serde(default)]
    pub env_name: Option<String>,
    pub version: u32,
    pub updated_at: Timestamp,
    #[serde(default)]
    pub updated_by: String,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppliedPolicy {
    pub policy_id: PolicyId,
    pub name: String,
    #[serde(default)]
    pub env_name: Option<String>,
    pub version: u32,
    /// How many.
    pub rules: u64,
    /// What is odd about it, also beside the policies that were in force already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<RefusedPolicy>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
