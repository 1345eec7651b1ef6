//! What a running binary was built from.

use interven_types::Timestamp;

/// Filled in by the binary; answers `GET /debug/build` together with what the running state adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    pub version: &'static str,
    /// `unknown` when built outside a repository.
    pub git_commit: &'static str,
    pub built_at: &'static str,
    pub rustc: &'static str,
    pub started_at: Timestamp,
}
