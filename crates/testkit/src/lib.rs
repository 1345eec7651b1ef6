//! What several crates' tests share. Dev-only: nothing here ships.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails there and then, and says how far it came"
)]

mod chaos;
mod faulty;
mod http;
pub mod migrations;
pub mod postgres;
pub mod store_conformance;

pub use chaos::{ChaosProxy, Direction, Weather};
pub use faulty::{Fault, FaultyStore};
pub use http::http_client;
