//! What every service says of itself: whether it can do its work, and what it was built from.

use crate::Live;
use interven_classify::Classifier;
use interven_http::BuildInfo;
use interven_spool::SpoolState;
use interven_types::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// A store that does not answer within this time is down, as far as a scan is concerned.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

const OK: &str = "ok";
const DEGRADED: &str = "degraded";
const UNAVAILABLE: &str = "unavailable";
const STOPPING: &str = "stopping";

/// What works here now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`; `degraded`: scans are answered and their records wait in the spool; `unavailable`; or `stopping`: what comes now
    /// is still answered, but others should be asked.
    status: &'static str,
    dependencies: Vec<Dependency>,
    /// What does not keep the service from its work and needs a person: ledgers that do not match what was recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct Dependency {
    /// `sqlite`, `postgres` or `spool`.
    name: &'static str,
    /// `ok`, `draining` or `unavailable`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Of the spool: scans that were answered and are not in the store yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting: Option<u64>,
}

impl Health {
    /// Whether scans are decided and kept, and more should be sent here.
    pub fn can_decide(&self) -> bool {
        matches!(self.status, OK | DEGRADED)
    }

    /// Whether the store can be read and changed, and more should be asked of it here.
    pub fn can_change(&self) -> bool {
        self.status != STOPPING && self.dependencies.first().is_some_and(|store| store.error.is_none())
    }
}

fn dependency_on(spool: SpoolState, is_store_ok: bool) -> Dependency {
    let status = match (&spool.file_trouble, spool.waiting) {
        (Some(_), _) => UNAVAILABLE,
        (None, 0) => OK,
        (None, _) => "draining",
    };
    // A store that answers and yet takes nothing in says why.
    let error = spool.file_trouble.or(spool.store_trouble.filter(|_| is_store_ok));
    Dependency { name: "spool", status, error, waiting: Some(spool.waiting) }
}

/// What is running here.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Build {
    version: &'static str,
    git_commit: &'static str,
    built_at: &'static str,
    rustc: &'static str,
    /// SHA-256 over the shipped detectors: changes exactly when they change.
    secret_patterns_hash: String,
    secret_patterns_count: usize,
    policy_schema_version: u32,
    /// `sqlite` or `postgres`.
    store: &'static str,
    started_at: Timestamp,
}

impl Live {
    pub async fn health(&self) -> Health {
        let error = match tokio::time::timeout(PING_TIMEOUT, self.store.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some(format!("no answer within {} s", PING_TIMEOUT.as_secs())),
        };
        let is_ok = error.is_none();
        let status = if is_ok { OK } else { UNAVAILABLE };
        let mut dependencies = vec![Dependency { name: self.store.backend(), status, error, waiting: None }];
        let spool = self.spool_state().map(|state| dependency_on(state, is_ok));
        let status = match &spool {
            _ if self.is_stopping() => STOPPING,
            Some(spool) if spool.waiting == Some(0) && is_ok => OK,
            Some(spool) if spool.status == UNAVAILABLE => UNAVAILABLE,
            Some(_) => DEGRADED,
            None => status,
        };
        dependencies.extend(spool);
        // Not whose: this is answered to anybody. The error log says.
        let warnings = self.ledger_faults().into_iter().map(|(_, _, fault)| fault).collect();
        Health { status, dependencies, warnings }
    }

    /// How it goes with the spool, where there is one.
    pub fn spool_state(&self) -> Option<SpoolState> {
        self.spool.as_ref().map(|spool| spool.state())
    }

    pub fn build(&self, build: &BuildInfo) -> Build {
        let detectors = Classifier::builtin();
        Build {
            version: build.version,
            git_commit: build.git_commit,
            built_at: build.built_at,
            rustc: build.rustc,
            secret_patterns_hash: detectors.patterns_hash().to_owned(),
            secret_patterns_count: detectors.detector_count(),
            policy_schema_version: interven_policy::SCHEMA_VERSION,
            store: self.store.backend(),
            started_at: build.started_at,
        }
    }
}
