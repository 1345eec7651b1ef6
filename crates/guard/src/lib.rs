//! What stands at an agent's edge: hooks, the MCP guard and the proxy.
//!
//! Each turns what an agent intends into a [`interven_types::ScanRequest`], asks a [`Guard`], and does what the [`Ruling`] says in the words of its own
//! protocol. Who judges is a [`Judge`]: a gateway, which records before it answers, or this process with some policies, which
//! records nothing. Whatever goes wrong on the way is a [`Fault`], and a fault blocks unless letting through was chosen.

mod guard;
pub mod hook;
pub(crate) mod json_text;
mod local;
pub mod mcp;
pub mod proxy;
mod ruling;
pub mod settings_file;

pub use guard::{Guard, Judge, Mode};
pub use local::{Circumstances, LocalJudge, PolicyProblem};
pub use ruling::{Fault, Ruling};
