//! What this binary was built from.

use interven_http::BuildInfo;
use interven_types::Timestamp;

pub(crate) fn build_info(started_at: Timestamp) -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION"),
        git_commit: env!("INTERVEN_GIT_COMMIT"),
        built_at: env!("INTERVEN_BUILT_AT"),
        rustc: env!("INTERVEN_RUSTC"),
        started_at,
    }
}
