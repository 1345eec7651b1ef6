//! Policies.

use crate::RefusedPolicy;
use interven_types::{PolicyId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A policy in force, a deleted one, or one as it was at a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    pub policy_id: PolicyId,
    pub name: String,
    /// Absent: every environment.
    #[serde(default)]
    pub env_name: Option<String>,
    /// Name of the agent whose own policy it is; absent: it is for all.
    #[serde(default)]
    pub agent: Option<String>,
    pub version: u32,
    /// The canonical source.
    #[serde(default)]
    pub policy: Value,
    pub updated_at: Timestamp,
    #[serde(default)]
    pub updated_by: String,
    /// `cli`, `api`, `console`.
    #[serde(default)]
    pub updated_from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppliedPolicy {
    pub policy_id: PolicyId,
    pub name: String,
    #[serde(default)]
    pub env_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub version: u32,
    /// `added`, `changed` or `unchanged`.
    #[serde(default)]
    pub change: String,
    /// How many.
    pub rules: u64,
    /// What is odd about it, also beside the policies that were in force already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<RefusedPolicy>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Policies to apply, and where.
#[derive(Clone, Debug, Default)]
pub struct NewPolicies<'a> {
    pub policies: &'a [Value],
    /// In place of the environments that each names.
    pub env: Option<&'a str>,
    /// Name or id of an agent, in place of those that they name.
    pub agent: Option<&'a str>,
    /// The version that each must be at now; 0: it must not exist.
    pub if_version: Option<u32>,
    /// The same by name.
    pub if_versions: BTreeMap<String, u32>,
}

/// One version, without its source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    pub version: u32,
    pub rules: u32,
    pub updated_at: Timestamp,
    pub updated_by: String,
    pub updated_from: String,
    #[serde(default)]
    pub restored_from: Option<u32>,
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    #[serde(default)]
    pub deleted_by: Option<String>,
    #[serde(default)]
    pub deleted_from: Option<String>,
    #[serde(flatten)]
    pub more: Map<String, Value>,
}
