//! What is this call? From method, URL, headers and body to tool, operation, verb and everything that rules match on.
//!
//! Pure: no I/O, no clock, no randomness, and the same answer for the same request. Work is linear in the request and
//! bounded: what goes beyond a bound is named as an `ADMIN` operation of its own, never left out.
//!
//! What tools there are and how their calls look is data, one table per tool in `tools/`; see `tools/README.md`.

mod aws;
mod canonical;
mod domains;
mod embedded;
mod graphql;
mod http;
mod logical;
mod namer;
mod params;
mod route;
mod shell;
mod soap;
mod table;
mod template;
mod words;

pub use canonical::{CanonicalUrl, UrlError};
pub use domains::OwnDomains;

use interven_types::{Action, ScanRequest};
use namer::Namer;

/// A request and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalized {
    pub url: CanonicalUrl,
    /// The strictest thing that the call does: `ADMIN` before `WRITE` before `READ`, then the first.
    pub primary: Action,
    /// Everything else that it does, in the order in which the call names it.
    pub others: Vec<Action>,
}

impl Normalized {
    /// Every action, the primary one first.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        std::iter::once(&self.primary).chain(&self.others)
    }
}

/// Says what a request does.
///
/// # Errors
/// A URL that is relative, malformed or too long; the text is a sentence for the caller.
pub fn normalize(request: &ScanRequest, own: &OwnDomains) -> Result<Normalized, UrlError> {
    let url = CanonicalUrl::parse(&request.url)?;
    let mut namer = Namer::new(own);
    let method = request.method.to_ascii_uppercase();
    let call = http::Call { method: &method, url: &url, headers: &request.headers, body: &request.body };
    namer.name(call);
    let (primary, others) = namer.finish(call);
    Ok(Normalized { url, primary, others })
}

/// Tools that have a table or a scheme of their own, for checking policies.
pub fn known_tools() -> impl Iterator<Item = &'static str> {
    let tabled = embedded::tables().iter().map(|table| table.tool.as_str());
    tabled.chain([shell::TOOL, logical::FILE, logical::MCP, http::CUSTOM_PROXY])
}

/// Operations of a tool; `None` when it is unknown or its vocabulary is open (`mcp`, `custom_proxy`, `aws`, …), so that
/// no name can be called wrong.
pub fn known_operations(tool: &str) -> Option<Vec<&'static str>> {
    let mut operations: Vec<&'static str> = match tool {
        shell::TOOL => shell::operations().collect(),
        logical::FILE => logical::file_operations().collect(),
        _ => {
            let table = embedded::table_named(tool).filter(|table| !table.is_open)?;
            // Calls that no rule knows are named by their method.
            table.operations().chain(http::FALLBACK_OPERATIONS).collect()
        }
    };
    operations.sort_unstable();
    operations.dedup();
    Some(operations)
}
