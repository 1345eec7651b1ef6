//! Hooks of coding agents: a client starts this program before each tool call, with the call on its standard input, and
//! does what the answer says.
//!
//! [`Event::read`] understands what a client says, [`Event::to_request`] makes a scan of it, [`answer`] says in the client's
//! words what is to be done, and [`settings`] makes the client call. All of it is pure.
//!
//! | client | reference |
//! | --- | --- |
//! | Claude Code | <https://code.claude.com/docs/en/hooks> |
//! | GitHub Copilot | <https://docs.github.com/en/copilot/reference/copilot-cli-reference/cli-hooks-reference> |
//! | VS Code, as Copilot's editor | <https://code.visualstudio.com/docs/copilot/customization/hooks> |
//! | Cursor | <https://cursor.com/docs/agent/hooks> |

mod answer;
mod call;
mod client;
mod event;
pub mod settings;

pub use answer::{Answer, Manner, answer, refuse};
pub use client::Client;
pub use event::{Event, UnreadableEvent};
