//! The MCP guard: between a client of the Model Context Protocol and a server of tools.
//!
//! ```text
//!   client ─► frame ─► relay ─ tools/call ─► judge ─► server
//!          ◄─ results ◄───────── tools/list ─► pins ◄─
//! ```
//!
//! A frame in which the guard changes nothing leaves as the bytes that came, whatever methods, members and forms of
//! numbers it holds. Calls are judged before the server sees them; results are inspected before the model does; tools
//! are compared with what was pinned of them.
//!
//! Pure: [`Frame`], [`Descriptor`], [`Pins`] and the edits of [`install`]. Edges: [`guard_child`] (a server that runs as a
//! child), [`bridge_http`] (a server behind streamable HTTP), [`listen_http`] (the guard as such a server itself), and
//! [`serve_stdio`] (the guard as a server of its own, which agents may ask).
//!
//! Revisions of the protocol: all from 2024-11-05 to 2026-07-28.

mod answer;
mod bridge;
mod call;
mod child;
mod descriptor;
mod findings;
mod frame;
mod hidden;
pub mod install;
mod lines;
mod listen;
mod lock_file;
mod pin_book;
mod pins;
mod pump;
mod relay;
mod results;
mod server;
mod sse;
mod texts;
mod upstream;

pub use bridge::bridge_http;
pub(crate) use call::escaped;
pub use call::{ServerName, ToolCall, UnreadableCall};
pub use child::{ChildError, Ended, guard_child};
pub use descriptor::{Change, Descriptor, UnreadableDescriptor, differences};
pub use findings::Finding;
pub use frame::{Frame, Id, Kind, Message, Unreadable};
pub use hidden::{Hidden, find_hidden, reveal};
pub use listen::{ListenError, bind_loopback, listen_http};
pub use lock_file::{LockFile, LockFileError};
pub use pin_book::PinBook;
pub use pins::{Objection, Offer, Pin, Pins, ServerPins, Standing, Trust};
pub use pump::pump_lines;
pub use relay::{Conversation, Intake, Outcome, Post};
pub use results::OnInjection;
pub use server::{AskServer, ServeError, serve_stdio};
pub use upstream::{Upstream, UpstreamError};
