//! What every service says of itself: whether it can do its work, and what it was built from.

use crate::Live;
use interven_classify::Classifier;
use interven_http::BuildInfo;
use interven_types::Timestamp;
use serde::Serialize;
use std::time::Duration;

/// A store that does not answer within this time is down, as far as a scan is concerned.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

const OK: &str = "ok";

/// Whether decisions and changes could be recorded now.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// `ok`, `unavailable`, or `stopping`: what comes now is still answered, but others should be asked.
    status: &'static str,
    dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
struct Dependency {
    name: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Health {
    pub fn is_ok(&self) -> bool {
        self.status == OK
    }
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
        let store = if error.is_none() { OK } else { "unavailable" };
        let status = if self.is_stopping() { "stopping" } else { store };
        Health { status, dependencies: vec![Dependency { name: self.store.backend(), status: store, error }] }
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
