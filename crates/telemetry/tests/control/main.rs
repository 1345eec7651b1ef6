//! The control plane over HTTP, on a database of its own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says where"
)]

mod access;
mod approvals;
mod budgets;
mod detectors;
mod encryption;
mod exports;
mod keys;
mod policies;
mod retention;
mod simulate;
mod tenants;
mod traces;
mod world;
