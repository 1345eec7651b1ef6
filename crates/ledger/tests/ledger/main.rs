//! Stories of a log in memory: against known vectors, against another author's implementation, and against a forger.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails there and then"
)]

mod formats;
mod log;
mod other_implementation;
mod proofs;
mod verifier;
