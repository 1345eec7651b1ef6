//! What happens when the store does not: every answer, and what is there afterwards.
#![cfg(test)]

mod file;
mod spool;
mod world;
