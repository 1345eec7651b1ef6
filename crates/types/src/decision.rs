//! The four answers and the four bands of risk.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the caller must do. Ordered from the loosest to the strictest, so the strictest of several is their maximum.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// Send the original request.
    Allow,
    /// Send `sanitized_body` in place of the original body.
    Sanitize,
    /// Wait: a human decides; the identical retry then passes.
    RequireApproval,
    /// Drop the call.
    Deny,
}

impl Decision {
    pub const ALL: [Self; 4] = [Self::Allow, Self::Sanitize, Self::RequireApproval, Self::Deny];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Sanitize => "SANITIZE",
            Self::RequireApproval => "REQUIRE_APPROVAL",
            Self::Deny => "DENY",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Bands of the risk score.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum RiskBand {
    Low,
    Medium,
    High,
    Critical,
}

impl RiskBand {
    /// `MEDIUM` from 0.25, `HIGH` from 0.50, `CRITICAL` from 0.75.
    pub fn of(score: f64) -> Self {
        match score {
            s if s >= 0.75 => Self::Critical,
            s if s >= 0.50 => Self::High,
            s if s >= 0.25 => Self::Medium,
            _ => Self::Low,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

impl fmt::Display for RiskBand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_decision_is_the_maximum() {
        assert_eq!(Decision::ALL.into_iter().max(), Some(Decision::Deny));
        assert!(Decision::RequireApproval > Decision::Sanitize && Decision::Sanitize > Decision::Allow);
    }

    #[test]
    fn bands_start_at_their_bounds() {
        let bands = [0.0, 0.249, 0.25, 0.5, 0.75, 1.0].map(RiskBand::of);
        use RiskBand::*;
        assert_eq!(bands, [Low, Low, Medium, High, Critical, Critical]);
    }
}
