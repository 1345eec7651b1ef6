//! What happens when the store does not: every answer, and what is there afterwards.
#![cfg(test)]

mod file;
mod nth_call;
mod postgres;
mod spool;
mod spooled_calls;
mod world;
