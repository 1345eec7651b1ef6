//! The one way from an intended call to what is done with it.

use crate::{Circumstances, Fault, LocalJudge, Ruling};
use interven_client::{AgentClient, Asked, ResponseAnswer, ScanAnswer};
use interven_types::{ApprovalId, Decision, FailMode, ScanRequest, Timestamp, TraceId};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Who judges.
#[derive(Debug)]
pub enum Judge {
    Gateway(AgentClient),
    /// Nothing is recorded, nobody can approve, and the agent has no past.
    Local(Box<LocalJudge>),
    /// Nobody can, for this reason: every call hears it.
    Nobody(Fault),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Enforce,
    /// Every call goes as it is; what would have become of it is told.
    Monitor,
}

#[derive(Debug)]
pub struct Guard {
    pub judge: Judge,
    pub mode: Mode,
    /// How long a call waits for a person.
    pub wait: Duration,
}

impl Judge {
    /// # Errors
    /// There is no verdict.
    pub async fn judge(&self, request: &ScanRequest) -> Result<Asked<ScanAnswer>, Fault> {
        match self {
            Self::Gateway(client) => Ok(client.scan(request).await?),
            Self::Nobody(fault) => Err(fault.clone()),
            Self::Local(judge) => {
                let now = Timestamp::from(SystemTime::now());
                let verdict = judge.judge(request, Circumstances::of_a_stranger(request, now))?;
                Ok(Asked::Answered(LocalJudge::answer(verdict)))
            }
        }
    }
}

impl Guard {
    pub fn fail_mode(&self) -> FailMode {
        match &self.judge {
            Judge::Gateway(client) => client.settings().fail_mode,
            Judge::Local(_) | Judge::Nobody(_) => FailMode::Closed,
        }
    }

    /// Calls and responses that went through without a verdict so far, because that was chosen.
    pub fn let_through(&self) -> u64 {
        match &self.judge {
            Judge::Gateway(client) => client.counters().fail_opens,
            Judge::Local(_) | Judge::Nobody(_) => 0,
        }
    }

    /// What is to be done with a call. Waits for a person where one must approve it.
    pub async fn ask(&self, request: &ScanRequest) -> Ruling {
        let ruling = self.ask_once(request).await;
        let Ruling::Hold { answer } = &ruling else { return ruling };
        match answer.approval_id {
            // The identical call uses the approval, or hears of the denial.
            Some(id) if self.is_decided(id).await => self.ask_once(request).await,
            _ => ruling,
        }
    }

    /// Tells the gateway what came back from a call that it judged. Nothing without one.
    ///
    /// # Errors
    /// The gateway did not take it, and letting through was not chosen.
    pub async fn inspect_response(
        &self,
        trace_id: TraceId,
        body: &Value,
        status: Option<u16>,
    ) -> Result<Option<ResponseAnswer>, Fault> {
        let Judge::Gateway(client) = &self.judge else { return Ok(None) };
        match client.scan_response(trace_id, body, status).await? {
            Asked::Answered(answer) => Ok(Some(answer)),
            Asked::LetThrough(_) => Ok(None),
        }
    }

    async fn ask_once(&self, request: &ScanRequest) -> Ruling {
        let answer = match self.judge.judge(request).await {
            Ok(Asked::Answered(answer)) => Box::new(answer),
            Ok(Asked::LetThrough(outage)) => return Ruling::LetThrough { fault: outage.into() },
            Err(fault) => return Ruling::Fault { fault },
        };
        if self.mode == Mode::Monitor {
            return Ruling::Go { answer };
        }
        match answer.decision {
            Decision::Allow => Ruling::Go { answer },
            Decision::Sanitize => {
                Ruling::GoWith { body: answer.sanitized_body.clone().unwrap_or_default(), answer }
            }
            Decision::RequireApproval => Ruling::Hold { answer },
            Decision::Deny => Ruling::Stop { answer },
        }
    }

    async fn is_decided(&self, id: ApprovalId) -> bool {
        let Judge::Gateway(client) = &self.judge else { return false };
        if self.wait.is_zero() {
            return false;
        }
        match client.approval_decision(id, self.wait).await {
            Ok(status) => status.is_approved() || status.status == "denied",
            Err(error) => {
                tracing::info!(%error, "the call was not approved");
                false
            }
        }
    }
}
