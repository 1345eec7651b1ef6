//! Measuring a gateway on this machine: load, latency, the floor set by the disk, and what a `kill -9` loses.
//!
//! Everything is bounded in count and time, and nothing is ever sent past the loopback interface.

mod bodies;
mod connection;
mod database;
mod disk;
mod fleet;
mod forger;
mod latency;
mod ledger;
mod load;
mod null;
mod process;
mod random;
mod receipt;
mod subject;

pub use bodies::{Bodies, Mix};
pub use connection::{Connection, Target};
pub use database::{Backend, Database};
pub use disk::{DiskPlan, time_appends};
pub use fleet::{Fleet, MintedKey};
pub use forger::{EDITS, Edit, Forger, Outcome, SealedLedger};
pub use latency::Latencies;
pub use ledger::{Entry, Losses, compare};
pub use load::{Pace, Plan, Report, load};
pub use null::null_service;
pub use process::{NullHandler, Serving, program_beside_this_one};
pub use random::Random;
pub use receipt::Receipt;
pub use subject::Subject;
