//! Stories about the real binary: an operator starts it, uses it, stops it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a story that cannot go on has failed, and the line says where"
)]

mod answers;
mod backup;
mod classify;
mod copy;
mod deployment;
mod detectors;
mod disk;
mod doctor;
mod encryption;
mod exports;
mod first_start;
mod fleet;
mod gateways;
mod generated;
mod hook_answers;
mod hook_faults;
mod hook_install;
mod hook_pages;
mod ledger;
mod offline;
mod operator;
mod packs;
mod policies;
mod policy_test;
mod proxy;
mod refusals;
mod retained;
mod rolling_restart;
mod simulate;
mod spooled;
mod tenant_detectors;
mod tools;
mod tutorial;
mod world;
