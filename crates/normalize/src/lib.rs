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
mod paths;
mod route;
mod shell;
mod soap;
mod table;
mod template;
mod tolerant;
mod vocabulary;
mod words;

pub use canonical::{CanonicalUrl, UrlError};
pub use domains::OwnDomains;
pub use params::opened;
pub use vocabulary::vocabulary;

use interven_types::{Action, ScanRequest};
use namer::Namer;
use std::borrow::Cow;

/// A request and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalized {
    pub url: CanonicalUrl,
    /// The method, and after it those that headers or query ask it to be taken for.
    pub methods: Vec<String>,
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
    let methods = call.methods().map(Cow::into_owned).collect();
    Ok(Normalized { url, methods, primary, others })
}
