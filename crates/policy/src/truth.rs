//! Four-valued truth: a condition holds, does not, or cannot be evaluated for one of two reasons.
//!
//! The values are ordered `False < Unknown < TypeError < True`; "and" is the minimum, "or" the maximum. So a missing
//! value never makes a rule match, not even under `not`, and a type error does only where everything else holds.

use crate::budget::Unmeasured;
use crate::path::JsonPath;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Truth<'r> {
    False,
    /// A value is missing, or an engine did not run.
    Unknown(Cause<'r>),
    /// A value is of a kind that cannot be compared.
    TypeError(Cause<'r>),
    True,
}

impl Truth<'_> {
    fn rank(self) -> u8 {
        match self {
            Self::False => 0,
            Self::Unknown(_) => 1,
            Self::TypeError(_) => 2,
            Self::True => 3,
        }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        if other.rank() < self.rank() { other } else { self }
    }

    pub(crate) fn or(self, other: Self) -> Self {
        if other.rank() > self.rank() { other } else { self }
    }
}

impl std::ops::Not for Truth<'_> {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::True => Self::False,
            unsure => unsure,
        }
    }
}

impl From<bool> for Truth<'_> {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// Why a condition cannot be evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cause<'r> {
    Missing(&'r JsonPath),
    NotRun(&'static str),
    NotANumber {
        path: &'r JsonPath,
        found: &'static str,
    },
    /// A value of another kind than a step of the path needs.
    InTheWay {
        path: &'r JsonPath,
        found: &'static str,
    },
    TooManyNodes(&'r JsonPath),
    NoBudget(&'r str),
    Unmeasured {
        budget: &'r str,
        why: Unmeasured,
    },
}

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{path} is missing"),
            Self::NotRun(engine) => write!(f, "{engine} did not run"),
            Self::NotANumber { path, found } => write!(f, "{path} is {found}, not a number"),
            Self::InTheWay { path, found } => write!(f, "{path} leads no further than {found}"),
            Self::NoBudget(name) => write!(f, "the tenant has no budget `{name}`"),
            Self::Unmeasured { budget, why } => {
                write!(f, "what the call adds to the budget `{budget}` {}", why.as_str())
            }
            Self::TooManyNodes(path) => {
                write!(f, "{path} leads to more than {} values", JsonPath::MAX_NODES)
            }
        }
    }
}
