//! What a call carries: data classes, hits and redactions.

use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum DataClass {
    Secrets,
    Pii,
    Phi,
    Internal,
}

impl DataClass {
    pub const ALL: [Self; 4] = [Self::Secrets, Self::Pii, Self::Phi, Self::Internal];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secrets => "SECRETS",
            Self::Pii => "PII",
            Self::Phi => "PHI",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

impl Confidence {
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where in a call a hit lies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the body.
    Body,
    /// In the URL as the agent wrote it.
    Url,
    /// In the value of this outbound header (lower case).
    Header(String),
}

/// One finding of one detector. It never holds the value found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    pub class: DataClass,
    pub detector: String,
    pub confidence: Confidence,
    pub place: Place,
    /// JSON Pointer (RFC 6901) of the string or number that holds the value; empty for the whole body, a URL or a header.
    /// A hit in an object key has the pointer of that member and `in_key` set. A key in which something was found stands
    /// in it as `[REDACTED:<detector>]`: a path never repeats a value.
    pub path: String,
    pub in_key: bool,
    /// Span in Unicode code points of that string as it was sent. For a value found under an encoding
    /// (base64, hex, gzip, …) the span covers the encoded run.
    pub start: usize,
    pub end: usize,
}

/// One replaced span of a sanitized body. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Redaction {
    /// JSON Pointer (RFC 6901) into the original body.
    pub path: String,
    /// Absent when a rule's `sanitize_fields` named the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<DataClass>,
    pub detector: String,
    /// Span in Unicode code points of the original string.
    pub start: usize,
    pub end: usize,
}
