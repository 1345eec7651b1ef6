//! Settings of a tenant: one versioned document, checked as a whole.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    EngineName,
    budget::{Budget, check_budgets},
    detection::{CustomDetector, DetectorOverride, FindingException, check_exceptions},
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TenantSettings {
    pub approvals: ApprovalSettings,
    pub risk: RiskSettings,
    pub trust: TrustSettings,
    pub limits: LimitSettings,
    /// The tenant's own domains: their hosts are not external, their mail addresses no external principals.
    pub own_domains: Vec<String>,
    /// Detectors that are switched off, by id.
    pub disabled_detectors: BTreeSet<String>,
    /// The tenant's own INTERNAL markers: phrases, case-insensitive.
    pub internal_markers: Vec<String>,
    /// The tenant's own detectors; 100 at most.
    pub custom_detectors: Vec<CustomDetector>,
    /// Severity and weight of detectors, by id.
    pub detector_overrides: BTreeMap<String, DetectorOverride>,
    /// Findings that do not count; 500 at most.
    pub finding_exceptions: Vec<FindingException>,
    /// Daily budgets that rules ask about with `daily_budget_exceeded`; 50 at most.
    pub budgets: Vec<Budget>,
    /// Days that scans, and what hangs on them, are kept: 1–3,650. Absent: for ever. The audit log and the hashes of the
    /// ledger stay.
    pub retention_days: Option<u32>,
    /// Environments in monitor mode: everything runs and is recorded, the answer is ALLOW with `would_be`.
    pub monitor_envs: BTreeSet<String>,
    /// Monitor mode for the whole tenant.
    pub monitor: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApprovalSettings {
    /// How long an approval waits for a human: 60–86,400 s.
    pub default_ttl_seconds: u64,
    /// How long an approval answers identical retries: 60–3,600 s.
    pub grant_window_seconds: u64,
    /// How long a denial answers identical retries: 60–3,600 s.
    pub deny_window_seconds: u64,
    pub grant_max_uses: GrantUses,
    pub max_pending_per_agent: u32,
    pub max_pending_per_tenant: u32,
}

/// How often one approval may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", untagged)]
pub enum GrantUses {
    AtMost(u32),
    Unlimited(Unlimited),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unlimited {
    Unlimited,
}

impl GrantUses {
    /// The bound; `None` when unlimited.
    pub fn bound(self) -> Option<u32> {
        match self {
            Self::AtMost(uses) => Some(uses),
            Self::Unlimited(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RiskSettings {
    /// Weight of each engine in the average: 0–1. An engine that is absent has its default weight.
    pub weights: BTreeMap<EngineName, f64>,
    /// Engines that are switched off; every answer says so in `coverage`.
    pub engines_off: BTreeSet<EngineName>,
    /// With no rule matching, CRITICAL risk needs a human.
    pub critical_requires_approval: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrustSettings {
    /// Trust below this is scrutiny.
    pub scrutiny_below: f64,
    /// Per environment, multiplies `scrutiny_below`.
    pub env_multipliers: BTreeMap<String, f64>,
}

/// Absent means unlimited, or the gateway's own limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitSettings {
    pub scans_per_minute: Option<u32>,
    pub scans_per_month: Option<u64>,
    pub max_body_bytes: Option<u64>,
}

impl Default for ApprovalSettings {
    fn default() -> Self {
        Self {
            default_ttl_seconds: 600,
            grant_window_seconds: 600,
            deny_window_seconds: 600,
            grant_max_uses: GrantUses::AtMost(1),
            max_pending_per_agent: 50,
            max_pending_per_tenant: 1_000,
        }
    }
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self { weights: BTreeMap::new(), engines_off: BTreeSet::new(), critical_requires_approval: true }
    }
}

impl Default for TrustSettings {
    fn default() -> Self {
        Self { scrutiny_below: 0.6, env_multipliers: BTreeMap::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` must be {expected}")]
pub struct SettingsError {
    /// Path of the field, such as `finding_exceptions[2].note`.
    pub field: String,
    pub expected: &'static str,
}

impl SettingsError {
    pub(crate) fn new(field: impl Into<String>, expected: &'static str) -> Self {
        Self { field: field.into(), expected }
    }
}

impl TenantSettings {
    /// Checks every bound that can be checked without knowing the shipped detectors.
    pub fn check(&self) -> Result<(), SettingsError> {
        let fail = |field: &str, expected| Err(SettingsError::new(field, expected));
        if self.retention_days.is_some_and(|days| !(1..=3_650).contains(&days)) {
            return fail("retention_days", "1 to 3650 days, or absent");
        }
        let approvals = &self.approvals;
        if !(60..=86_400).contains(&approvals.default_ttl_seconds) {
            return fail("approvals.default_ttl_seconds", "60 to 86400 (1 minute to 24 hours)");
        }
        if !(60..=3_600).contains(&approvals.grant_window_seconds) {
            return fail("approvals.grant_window_seconds", "60 to 3600 (1 minute to 1 hour)");
        }
        if !(60..=3_600).contains(&approvals.deny_window_seconds) {
            return fail("approvals.deny_window_seconds", "60 to 3600 (1 minute to 1 hour)");
        }
        if approvals.grant_max_uses.bound() == Some(0) {
            return fail("approvals.grant_max_uses", "at least 1, or `unlimited`");
        }
        if self.risk.weights.values().any(|w| !(0.0..=1.0).contains(w)) {
            return fail("risk.weights", "numbers from 0 to 1");
        }
        if !(0.0..=1.0).contains(&self.trust.scrutiny_below) {
            return fail("trust.scrutiny_below", "a number from 0 to 1");
        }
        if self.trust.env_multipliers.values().any(|m| !(0.0..=10.0).contains(m)) {
            return fail("trust.env_multipliers", "numbers from 0 to 10");
        }
        if self.internal_markers.iter().any(|m| m.trim().len() < 3 || m.len() > 200) {
            return fail("internal_markers", "phrases of 3 to 200 bytes");
        }
        if self.limits.scans_per_minute == Some(0) {
            return fail("limits.scans_per_minute", "at least 1");
        }
        check_budgets(&self.budgets)?;
        check_exceptions(&self.finding_exceptions)
    }

    /// Trust below this puts an agent under scrutiny in `env`.
    pub fn scrutiny_threshold(&self, env: &str) -> f64 {
        self.trust.scrutiny_below * self.trust.env_multipliers.get(env).copied().unwrap_or(1.0)
    }

    pub fn is_monitored(&self, env: &str) -> bool {
        self.monitor || self.monitor_envs.contains(env)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_pass_their_own_check_and_survive_json() {
        let settings = TenantSettings::default();
        assert_eq!(settings.check(), Ok(()));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<TenantSettings>(&text).unwrap(), settings);
    }

    #[test]
    fn each_bound_is_checked() {
        let refused = |patch: serde_json::Value| {
            serde_json::from_value::<TenantSettings>(patch).unwrap().check().unwrap_err().field
        };
        assert_eq!(
            refused(json!({"approvals": {"default_ttl_seconds": 59}})),
            "approvals.default_ttl_seconds"
        );
        assert_eq!(
            refused(json!({"approvals": {"grant_window_seconds": 3601}})),
            "approvals.grant_window_seconds"
        );
        assert_eq!(refused(json!({"approvals": {"grant_max_uses": 0}})), "approvals.grant_max_uses");
        assert_eq!(refused(json!({"risk": {"weights": {"classifier": 1.5}}})), "risk.weights");
        assert_eq!(refused(json!({"internal_markers": ["a"]})), "internal_markers");
        assert!(serde_json::from_value::<TenantSettings>(json!({"aprovals": {}})).is_err());
    }

    #[test]
    fn grant_uses_read_a_number_or_the_word() {
        let read = |v| serde_json::from_value::<GrantUses>(v).map(GrantUses::bound);
        assert_eq!(read(json!(3)).unwrap(), Some(3));
        assert_eq!(read(json!("unlimited")).unwrap(), None);
        assert!(read(json!("many")).is_err());
    }
}
