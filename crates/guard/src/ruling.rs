//! What is to be done with a call.

use interven_client::{ClientError, ScanAnswer};
use interven_engine::InvalidCall;
use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// As it is: allowed, or only monitored.
    Go { answer: Box<ScanAnswer> },
    /// With this body in place of its own.
    GoWith { body: Value, answer: Box<ScanAnswer> },
    /// As it is, though nobody judged it, because letting through was chosen. It is logged and counted.
    LetThrough { fault: Fault },
    /// Not at all.
    Stop { answer: Box<ScanAnswer> },
    /// Not before a person says so, and nobody did in time.
    Hold { answer: Box<ScanAnswer> },
    /// Not at all: nobody judged it.
    Fault { fault: Fault },
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Stable: [`ClientError::code`], or `INVALID_REQUEST`.
    pub code: String,
    /// A sentence a person can act on.
    pub message: String,
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        Self { code: error.code().to_owned(), message: error.to_string() }
    }
}

impl From<InvalidCall> for Fault {
    fn from(error: InvalidCall) -> Self {
        Self { code: "INVALID_REQUEST".to_owned(), message: error.to_string() }
    }
}

impl Ruling {
    /// The verdict, where there is one.
    pub fn answer(&self) -> Option<&ScanAnswer> {
        match self {
            Self::Go { answer }
            | Self::GoWith { answer, .. }
            | Self::Stop { answer }
            | Self::Hold { answer } => Some(answer),
            Self::LetThrough { .. } | Self::Fault { .. } => None,
        }
    }

    /// Whether the call may happen, changed or not.
    pub fn lets_go(&self) -> bool {
        matches!(self, Self::Go { .. } | Self::GoWith { .. } | Self::LetThrough { .. })
    }
}
