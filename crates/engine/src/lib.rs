//! The decision core: a pure function of a request, a snapshot of what is known, and the time.
//!
//! ```text
//! decide:  normalize → classify → risk → policy → scrutiny → redact     → Judgement
//! settle:  + what the store knows of identical calls (grants, denials)  → Verdict and its effects
//! ```
//!
//! [`decide`] runs before the record is written, [`settle`] inside the transaction that writes it. Neither does I/O, reads
//! a clock or draws random numbers, so replay, `explain`, the command line without a server and the gateway share them.

mod budget;
mod combine;
mod decide;
mod fingerprint;
mod identity;
mod injection;
mod monitor;
mod reason;
mod risk;
mod settle;
mod snapshot;
mod trust;
mod view;

pub use budget::BudgetView;
pub use decide::{Examination, InvalidCall, Judgement, Ruling, Steps, decide, examine};
pub use fingerprint::{Fingerprint, FingerprintKey, Overlap};
pub use identity::signature;
pub use injection::{Injection, inspect};
pub use monitor::monitored;
pub use reason::code;
pub use settle::{Settlement, SettlementContext, settle};
pub use snapshot::{AgentFacts, AgentView, BaselineFacts, EngineFacts, History, Snapshot};
pub use view::{redacted_request, shown_host, shown_url};

/// Version of the decision core; a recorded decision names the one that made it.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");
