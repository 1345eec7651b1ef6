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
//! - Addresses are told apart by the registries of IANA, the IPv4 address that stands in one of IPv6 included: see [`Reach`].
//!   A public address of this machine is refused too: what listens there may be closed to everybody outside.
//! - An operator opens networks of their own (`EGRESS_ALLOW_PRIVATE`), and names authorities of their own
//!   (`EGRESS_CA_FILE`). What hands out credentials in a cloud stays closed.
//! - Redirects are answers, not orders. Proxies of the environment are not used. Answers are not decompressed.
//! - A credential that an upstream sends back is covered in its answer, and methods that ask for that are refused.
//! - Time and size have limits, and each has an error of its own. Nothing is sent twice.
//!
//! ```no_run
//! # async fn call() -> Result<(), Box<dyn std::error::Error>> {
//! use interven_egress::{Egress, EgressSettings, Method, SystemLookup, UpstreamCall};
//! use std::sync::Arc;
//!
//! let egress = Egress::new(EgressSettings::default(), Arc::new(SystemLookup))?;
//! let configured = "https://slack.com".parse()?;
//! let mut call = UpstreamCall::new(Method::POST, "https://slack.com/api/chat.postMessage".parse()?);
//! call.set_header("authorization", "Bearer …")?;
//! call.body = Some(r#"{"channel":"C1","text":"hi"}"#.into());
//! let answer = egress.send(&configured, call).await?;
//! # drop(answer); Ok(()) }
//! ```
//!
//! A network that translates IPv6 to IPv4 with a prefix of its own (RFC 6052) is not seen through: its translator has to
//! refuse private addresses itself. That of `64:ff9b::/96` is.

mod address;
mod client;
mod error;
mod machine;
mod resolve;
mod withhold;

pub use address::{BadNetwork, NotPublic, PublicAddr, Reach};
pub use client::{Egress, EgressLimits, EgressSettings, UpstreamAnswer, UpstreamCall, check_method};
pub use error::EgressError;
pub use reqwest::{Method, header};
pub use resolve::{Lookup, SystemLookup};
