//! Domain and wire types of Interven: ids, requests, verdicts, settings, error codes.
//!
//! No I/O, no clock, no randomness: every other crate may depend on this one, and it depends on none of them.

mod agent;
mod budget;
mod call;
mod class;
mod data_key;
mod decision;
mod detection;
mod error;
mod fail;
mod history;
mod ids;
mod json;
mod key;
mod request;
mod scope;
mod secret;
mod settings;
mod settlement;
mod time;
mod verdict;
mod vocabulary;

pub use agent::{AgentStatus, RuntimeType, TrustState};
pub use budget::{Budget, BudgetKey, BudgetScope, Millionths, Spending};
pub use call::{Action, Tool, Verb};
pub use class::{Confidence, DataClass, Hit, Place, Redaction};
pub use data_key::{InvalidFingerprint, KeyFingerprint};
pub use decision::{Decision, RiskBand};
pub use detection::{CustomDetector, DetectorOverride, FindingException};
pub use error::{ErrorBody, ErrorCode};
pub use fail::FailMode;
pub use history::{
    Baseline, Lesson, MAX_REMEMBERED, RateWindow, TrustEvent, TrustEventKind, WINDOW_SECONDS, window_number,
};
pub use ids::{AgentId, ApprovalId, CredentialId, IncidentId, KeyId, PolicyId, TenantId, TraceId, UserId};
pub use json::{JsonError, MAX_JSON_DEPTH, by_name, parse_json};
pub use key::{ApiKey, KeyKind, MalformedKey, has_valid_key_checksum};
pub use request::{InvalidRequest, ScanRequest};
pub use scope::{CallScope, InvalidScope, ScopeKind, ScopeViolation};
pub use secret::{Secret, SecretBytes};
pub use settings::{
    ApprovalSettings, GrantUses, LimitSettings, RiskSettings, SettingsError, TenantSettings, TrustSettings,
};
pub use settlement::{ApprovalEffect, IncidentEffect, NewApproval, Precedent, PriorApproval};
pub use time::{Timestamp, TimestampError};
pub use verdict::{ApprovalTicket, Coverage, EngineName, Factor, RuleRef, Signal, Skipped, Verdict};
pub use vocabulary::{ToolVocabulary, Vocabulary};
