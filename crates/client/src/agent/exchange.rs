//! How a request is sent until it is answered, within one deadline.

use super::counters::Counting;
use crate::{ClientError, Refusal, connection::Connection};
use reqwest::{RequestBuilder, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const FIRST_BACKOFF: Duration = Duration::from_millis(100);
/// Of the gateway that may be well a moment later.
const PASSING: [StatusCode; 3] =
    [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];

/// How long, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub deadline: Instant,
    pub retries: u32,
    /// Whether it does no harm when the request arrives twice.
    pub is_repeatable: bool,
}

/// The content of an answer of 2xx.
///
/// Repeats after connection errors, 502, 503 and 504, and after 429 that says when to come back. What must not happen twice is
/// repeated only where it cannot have arrived, or was turned away with 429.
pub(super) async fn exchange(
    connection: &Connection,
    request: impl Fn() -> RequestBuilder,
    patience: Patience,
    counting: &Counting,
) -> Result<Vec<u8>, ClientError> {
    let mut attempt = 0;
    loop {
        counting.sent(attempt > 0);
        let left = patience.deadline.saturating_duration_since(Instant::now());
        let error = match connection.send_for_bytes(request().timeout(left)).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        let wait = wait_after(&error, FIRST_BACKOFF * 2_u32.saturating_pow(attempt), patience.is_repeatable);
        attempt += 1;
        match wait {
            Some(wait) if attempt <= patience.retries && Instant::now() + wait < patience.deadline => {
                sleep(wait).await;
            }
            _ => return Err(error),
        }
    }
}

/// How long until the request is worth repeating, if it is.
fn wait_after(error: &ClientError, backoff: Duration, is_repeatable: bool) -> Option<Duration> {
    match error {
        ClientError::Unreachable { may_have_arrived, .. } => {
            (is_repeatable || !may_have_arrived).then_some(backoff)
        }
        ClientError::Refused(refusal) => {
            let Refusal { status, retry_after, code, .. } = &**refusal;
            if *status == StatusCode::TOO_MANY_REQUESTS {
                return retry_after.filter(|_| code != "QUOTA_EXCEEDED");
            }
            let is_passing = PASSING.iter().any(|passing| passing == status);
            (is_passing && is_repeatable).then(|| retry_after.unwrap_or(backoff))
        }
        _ => None,
    }
}
