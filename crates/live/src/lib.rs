//! What a running service knows, and the one way from a request to a recorded verdict.
//!
//! Snapshots of tenants, keys and agents are kept in memory and follow the store's announcements of change. A scan reads
//! them, lets the pure core judge, and has the store settle and record the result; only then is there an answer.

mod agents;
mod approvals;
mod at_rest;
mod clock;
mod credentials;
mod export;
mod follow;
mod keys;
mod lanes;
mod ledger;
mod minting;
mod named_tenant;
mod operations;
mod policies;
mod randomness;
mod record;
mod replay;
mod response;
mod retention;
mod rules;
mod scan;
mod secrets;
mod signatures;
mod simulate;
mod tenants;

pub use approvals::{ApprovalPoll, ApprovalStatusAnswer, PollError};
pub use at_rest::{DataKeyStatus, EncryptionStatus, KeyError, MasterKeys, StartError, wrapped_under};
pub use clock::Clock;
pub use credentials::{
    CredentialError, NewToolCredential, ToolCredential, ToolSecret, UPSTREAM_TOOLS, UpstreamTool,
};
pub use export::{Export, ExportFormat, ExportQuery};
pub use interven_spool::{SpoolOptions, SpoolState};
pub use keys::{Caller, Refusal};
pub use ledger::LedgerError;
pub use minting::{MintError, MintedKey, NewEphemeralKey, NewKeyRequest, checked_name};
pub use operations::{Build, Health};
pub use policies::{Applied, AppliedPolicy, ApplyError, NewPolicies, PolicyChange};
pub use randomness::{fresh_api_key, fresh_id, fresh_token};
pub use record::Recorded;
pub use replay::{Replay, ReplayError};
pub use response::InspectedResponse;
pub use retention::RetentionStatus;
pub use rules::{Part, RulePart};
pub use scan::{ScanError, ScanRequestContext};
pub use secrets::fingerprint_name;
pub use signatures::REMEMBERED;
pub use simulate::{
    Draft, Ended, Progress, SimulateError, Simulation, SimulationEvent, SimulationReport, SimulationWindow,
};
pub use tenants::{Tenant, TenantError};

use interven_http::CidrList;
use interven_spool::Spool;
use interven_store::Store;
use std::sync::Arc;

/// Settings of the process, parsed once.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Body limit of tenants that have none of their own.
    pub max_body_bytes: u64,
    pub trusted_proxies: CidrList,
    pub clock: Clock,
    /// Where scans are kept while the store is away. Absent: then they are refused.
    pub spool: Option<SpoolOptions>,
    /// How often what was recorded is sealed; zero: only when it is asked for.
    pub seal_every: std::time::Duration,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            max_body_bytes: 262_144,
            trusted_proxies: CidrList::default(),
            clock: Clock::System,
            spool: None,
            seal_every: std::time::Duration::from_secs(5),
        }
    }
}

/// The running state, shared by the services of one process.
#[derive(Debug)]
pub struct Live {
    pub store: Arc<dyn Store>,
    pub options: LiveOptions,
    spool: Option<Arc<Spool>>,
    at_rest: at_rest::AtRest,
    secrets: secrets::ServerSecrets,
    ledger: ledger::Ledger,
    tenants: tenants::Tenants,
    keys: keys::Keys,
    agents: agents::Agents,
    waiting: follow::Waiting,
    polls: approvals::Polls,
    lanes: lanes::Lanes,
    simulations: simulate::Places,
}

impl Live {
    /// Loads what the store holds and starts to follow its changes.
    pub async fn start(
        store: Arc<dyn Store>,
        masters: MasterKeys,
        options: LiveOptions,
    ) -> Result<Arc<Self>, StartError> {
        let at_rest = at_rest::AtRest::start(store.as_ref(), masters, options.clock.now()).await?;
        let secrets = secrets::load(store.as_ref(), &at_rest).await?;
        let spool = match &options.spool {
            Some(spool) => Some(Spool::open(Arc::clone(&store), spool.clone(), secrets.signing_key()).await?),
            None => None,
        };
        let ledger = ledger::Ledger::load(store.as_ref(), &at_rest).await?;
        let changes = store.changes();
        let seal_every = options.seal_every;
        let live = Arc::new(Self {
            store,
            options,
            spool,
            at_rest,
            secrets,
            ledger,
            tenants: tenants::Tenants::default(),
            keys: keys::Keys::new(),
            agents: agents::Agents::new(),
            waiting: follow::Waiting::default(),
            polls: approvals::Polls::new(),
            lanes: lanes::Lanes::new(),
            simulations: simulate::Places::new(),
        });
        live.reload_all().await?;
        follow::spawn(&live, changes);
        ledger::spawn(&live, seal_every);
        Ok(live)
    }

    pub fn now(&self) -> interven_types::Timestamp {
        self.options.clock.now()
    }
}
