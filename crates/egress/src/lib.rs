//! The only way in which the services call somebody else: upstream tools, with a tenant's credential.
//!
//! Whatever an agent or a tenant names, a call reaches the one origin that was configured for it, at an address of the public
//! internet. Nothing on the machine itself, in its network or of its cloud provider answers, unless the operator opened it.
//!
//! ```text
//!   call ─► origin is the configured one? ─► name resolved once ─► every address public? ─► connect to those ─► bounded answer
//! ```
//!
//! - The resolver is asked once for a connection, and the connection goes to the addresses that were looked at: an answer
//!   that changes in between (DNS rebinding) changes nothing.
//! - One address that is not public refuses the name, whatever stands beside it.
//! - Redirects are answers, not orders. Proxies of the environment are not used. Answers are not decompressed.
//! - Time and size have limits, and each has an error of its own. Nothing is sent twice.
//!
//! Addresses are told apart by the registries of IANA: see [`Reach`].

mod address;
mod client;
mod error;
mod resolve;

pub use address::{NotPublic, PublicAddr, Reach};
pub use client::{Egress, EgressLimits, UpstreamAnswer, UpstreamCall};
pub use error::EgressError;
pub use reqwest::{Method, header};
pub use resolve::{Lookup, SystemLookup};
