//! Typed client of the gateway ([`AgentClient`]: an agent's side) and of the control plane ([`ControlClient`]: the
//! operator's side).
//!
//! Nothing is ever sent to a host that the caller did not name: redirects are not followed and proxies of the
//! environment are not used. Answers keep what this client does not know (`more`), so that an older client shows what a
//! newer server says.

mod activity;
mod agent;
mod agents;
mod approvals;
mod budgets;
mod connection;
mod control;
mod credentials;
mod detectors;
mod encryption;
mod error;
mod export;
mod keys;
mod ledger;
mod policies;
mod retention;
mod scan;
mod settings;
mod simulation;
mod tenants;
mod tls;

pub use activity::{Activity, ActivityPage, ActivityQuery, Explanation, RulePart, Trace};
pub use agent::{
    AgentClient, AgentOptions, AgentSettings, ApprovalStatus, Asked, Counters, EphemeralKey, NewEphemeralKey,
    ResponseAnswer, WaitError,
};
pub use agents::{Agent, AgentDetail, Trust, TrustStep};
pub use approvals::{Approval, ApprovalQuery, Ruling};
pub use budgets::{BudgetToday, BudgetUse};
pub use connection::{direct_http, direct_http_trusting};
pub use control::ControlClient;
pub use credentials::{NewToolCredential, ToolCredential};
pub use detectors::{DetectorEntry, DetectorList};
pub use encryption::{DataKey, EncryptionStatus};
pub use error::{ClientError, Refusal, RefusedPolicy};
pub use export::{Download, ExportQuery};
pub use keys::{Key, MintedKey, NewKey};
pub use ledger::{LedgerStatus, StoredEntry, post_text};
pub use policies::{AppliedPolicy, NewPolicies, Policy, PolicyVersion};
pub use retention::{RetentionRun, RetentionStatus};
pub use scan::{Receipt, ScanAnswer, UnreadableAnswer};
pub use settings::{Settings, SettingsVersion};
pub use simulation::{
    NotJudged, RecordedOtherwise, RuleName, RuleUse, SimulatedChange, SimulatedScan, SimulatedSide,
    Simulation, SimulationProgress, SimulationQuery, UnreadableScan,
};
pub use tenants::{CreatedUser, NewPassword, NewUser, Tenant, User};
pub use tls::{authorities, tls_settings};
