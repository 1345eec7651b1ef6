//! Reason codes that the core itself gives. Rules bring their own.

/// Codes of the decision core. Stable: SIEM rules and tests match on them.
pub mod code {
    pub const NO_POLICY: &str = "NO_POLICY";
    pub const EPHEMERAL_SCOPE_VIOLATION: &str = "EPHEMERAL_SCOPE_VIOLATION";
    pub const AGENT_SUSPENDED: &str = "AGENT_SUSPENDED";
    pub const AGENT_UNDER_SCRUTINY: &str = "AGENT_UNDER_SCRUTINY";
    pub const RISK_CRITICAL: &str = "RISK_CRITICAL";
    pub const CANNOT_SANITIZE: &str = "CANNOT_SANITIZE";
    pub const RECENT_APPROVAL_GRANT: &str = "RECENT_APPROVAL_GRANT";
    pub const RECENT_APPROVAL_DENIED: &str = "RECENT_APPROVAL_DENIED";
    pub const APPROVAL_PENDING: &str = "APPROVAL_PENDING";
    pub const APPROVAL_QUEUE_FULL: &str = "APPROVAL_QUEUE_FULL";
    pub const SECRETS_DETECTED: &str = "SECRETS_DETECTED";
    pub const PII_DETECTED: &str = "PII_DETECTED";
    pub const PHI_DETECTED: &str = "PHI_DETECTED";
    pub const INTERNAL_DETECTED: &str = "INTERNAL_DETECTED";
    pub const SECRET_TO_EXTERNAL_HOST: &str = "SECRET_TO_EXTERNAL_HOST";
    pub const DECOMPRESSION_BOMB: &str = "DECOMPRESSION_BOMB";
    pub const NEW_DESTINATION: &str = "NEW_DESTINATION";
    pub const NEW_OPERATION: &str = "NEW_OPERATION";
    pub const VOLUME_BURST: &str = "VOLUME_BURST";
    pub const LOW_TRUST: &str = "LOW_TRUST";
}
