//! Putting the guard into a client's configuration, and taking it out.
//!
//! How the file itself is changed: [`crate::settings_file`].

mod apps;
mod edit;

pub use apps::{App, Places};
pub use edit::{HEADERS_VARIABLE, Plan, Wrapping, install, uninstall};
