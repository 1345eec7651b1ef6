//! Where an approval stands, and waiting for a person.

use super::AgentClient;
use crate::ClientError;
use interven_types::ApprovalId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Between two questions, where the gateway does not hold its answer: it allows one in two seconds.
const INTERVAL: Duration = Duration::from_millis(2_500);
/// The longest that the gateway holds an answer.
const LONGEST_HOLD: u64 = 25;

/// What the gateway says of an approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalStatus {
    /// `pending`, `approved`, `denied`, `expired`, or `executed`: approved, and used already.
    pub status: String,
    /// Everything else that was said.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ApprovalStatus {
    /// A yes that can still be used.
    pub fn is_approved(&self) -> bool {
        self.status == "approved"
    }

    /// Nothing will change any more.
    pub fn is_terminal(&self) -> bool {
        matches!(self.status.as_str(), "approved" | "denied" | "expired" | "executed")
    }
}

/// Nobody said yes.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    #[error("approval `{0}` was denied")]
    Denied(ApprovalId),
    #[error("approval `{0}` expired before anybody decided")]
    Expired(ApprovalId),
    #[error("nobody decided approval `{0}` within {seconds} s", seconds = .1.as_secs())]
    TimedOut(ApprovalId, Duration),
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl AgentClient {
    /// Waits for up to `patience` until a person has decided. The gateway holds each question until there is a decision, so
    /// the answer comes at once; outages are waited through. After a yes, scan the identical call again: that uses it.
    ///
    /// # Errors
    /// A no, no decision in time, or a refusal.
    pub async fn wait_for_approval(
        &self,
        id: ApprovalId,
        patience: Duration,
    ) -> Result<ApprovalStatus, WaitError> {
        let status = self.approval_decision(id, patience).await?;
        match status.status.as_str() {
            "denied" => Err(WaitError::Denied(id)),
            "expired" => Err(WaitError::Expired(id)),
            _ => Ok(status),
        }
    }

    /// As [`Self::wait_for_approval`], but a no and an expiry are answers too.
    ///
    /// # Errors
    /// No decision in time, or a refusal.
    pub async fn approval_decision(
        &self,
        id: ApprovalId,
        patience: Duration,
    ) -> Result<ApprovalStatus, WaitError> {
        let end = Instant::now() + patience;
        let mut left = patience;
        loop {
            let asked = Instant::now();
            let hold = left.as_secs().min(LONGEST_HOLD);
            let pause = match self.poll(&id.to_string(), hold, left.max(INTERVAL)).await {
                Ok(status) if status.is_terminal() => return Ok(status),
                Ok(_) => INTERVAL,
                // A gateway that restarts, or is asked too often, is asked again: the approval still waits there.
                Err(error) if error.is_outage() || error.status() == Some(429) => {
                    INTERVAL.max(error.retry_after().unwrap_or_default())
                }
                Err(error) => return Err(error.into()),
            };
            let now = Instant::now();
            if now >= end {
                return Err(WaitError::TimedOut(id, patience));
            }
            sleep(pause.saturating_sub(now - asked).min(end - now)).await;
            left = end.saturating_duration_since(Instant::now());
        }
    }
}
