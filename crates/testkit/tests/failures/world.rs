//! Waiting on state.

use std::time::Duration;
use tokio::time::Instant;

/// Waits until `check` holds; the time limit only stops a test that would never end.
pub(crate) async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !check().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
