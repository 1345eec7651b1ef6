//! What a call carries: secrets, personal data, health data, internal documents.
//!
//! ```text
//! body, URL, headers ─► leaves ─► layers ─► matcher ─► overlap ─► hits
//!                      (strings,  (reveal,  (keywords,  (one hit
//!                       keys,      unpack,   regex,      per value)
//!                       numbers)   stitch,   checks)
//!                                  join)
//! ```
//!
//! Detectors are data (`data/*.toml`); every example in the data is a test. Everything here is pure, and linear in
//! the size of what it reads: decoding is bounded, each byte of a layer is unpacked once, and regexes run without
//! backtracking in windows round their keywords.

mod bytes;
mod checksum;
mod classifier;
pub mod detectors;
mod exceptions;
mod identifier;
mod keywords;
mod labels;
mod layers;
mod leaves;
mod marker;
mod matcher;
mod needs;
mod overlap;
mod pattern;
mod prefilter;
mod presented;
mod probe;
mod redact;
mod table;
mod value;
mod windows;
mod words;

pub use classifier::{Classifier, ExceptedHit, Findings, Options, Subject};
pub use detectors::{BuildError, Refusal};
pub use exceptions::hash_value;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub use layers::promises;
pub use probe::{Checks, Probe, ProbedValue, Prober, Reason};
pub use redact::{Redacted, RedactionPlan};
