//! What a call is, once normalized.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap, fmt};

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    Read,
    Write,
    Admin,
}

impl Verb {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::Admin => "ADMIN",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Name of a tool or operation: borrowed from the built-in tables or owned when derived from a request.
pub type Tool = Cow<'static, str>;

/// One thing a call does. Most calls do one; a shell pipeline may do several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// `slack`, `github`, `shell`, …; `custom_proxy` for unknown hosts and tools.
    pub tool: Tool,
    /// `post_message`, `create_pr`, …
    pub operation: Tool,
    pub verb: Verb,
    /// `messages`, `issues`, `iam`, …
    pub category: Tool,
    /// Upper-case method: of the request, or of the HTTP call that a command makes.
    pub method: String,
    /// Canonical URL: of the request, or of the HTTP call that a command makes.
    pub url: String,
    /// Canonical host; absent for local schemes.
    pub host: Option<String>,
    /// The host lies outside the tenant's own domains, private ranges, loopback, `.internal` and `.local`.
    pub external_host: bool,
    /// The call gives something to, or sends it to, someone outside the tenant's own domains.
    pub external_principal: bool,
    /// What is acted on: a repository, channel, bucket, path, user.
    pub resource: Option<String>,
    /// Who is given something: mail addresses, user names, `anyone`, ARNs.
    pub principals: Vec<String>,
    pub org: Option<String>,
    pub repo: Option<String>,
    pub channel: Option<String>,
    pub region: Option<String>,
    pub account: Option<String>,
    pub aws_tags: BTreeMap<String, String>,
}
