//! Stories of agents at the gateway: real HTTP, a real database, a clock turned by hand.
#![cfg(test)]

mod approvals;
mod contract;
mod decisions;
mod delegation;
mod detectors;
mod durability;
mod hostile;
mod keys;
mod limits;
mod policies;
mod responses;
mod signed;
mod tools;
mod trust;
mod upstream;
mod world;
