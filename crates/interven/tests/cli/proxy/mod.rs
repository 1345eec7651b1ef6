//! `interven proxy`, its judge, its upstreams and its clients.

mod calls;
mod clients;
mod faults;
mod hostile;
mod page;
mod recorded;
mod streams;
mod tls;
mod world;

/// Policies for hosts on this machine, which the default ones trust.
pub(super) const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/proxy/rules.yaml");
