//! Credentials of upstream tools: checked, sealed, and opened for one call.

use crate::{Live, MintError, at_rest::KeyError, checked_name, randomness};
use interven_egress::{EgressError, Method, Reach, UpstreamCall};
use interven_http::ApiError;
use interven_store::{Actor, CredentialKind, StoreError, ToolCredentialRow};
use interven_types::{CredentialId, ErrorCode, Secret, TenantId};
use interven_vault::{OpenError, Place};
use serde::Deserialize;
use std::{collections::BTreeMap, net::IpAddr};
use url::{Host, Url};

use CredentialKind::{Bearer, HeaderSet, IncomingWebhook};

const LONGEST_SECRET: usize = 16_384;

/// A tool that calls are made for, where it is, and what it takes.
#[derive(Debug)]
pub struct UpstreamTool {
    pub name: &'static str,
    /// Absent: wherever the credential says.
    pub base_url: Option<&'static str>,
    pub kinds: &'static [CredentialKind],
}

/// Addresses as the vendors document them: docs.slack.dev, docs.github.com/rest, developers.google.com/drive/api.
pub const UPSTREAM_TOOLS: [UpstreamTool; 4] = [
    UpstreamTool {
        name: "slack",
        base_url: Some("https://slack.com/api/"),
        kinds: &[Bearer, IncomingWebhook],
    },
    UpstreamTool { name: "github", base_url: Some("https://api.github.com/"), kinds: &[Bearer] },
    UpstreamTool { name: "gdrive", base_url: Some("https://www.googleapis.com/drive/v3/"), kinds: &[Bearer] },
    UpstreamTool { name: "http", base_url: None, kinds: &[Bearer, HeaderSet] },
];

/// A credential as an operator gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToolCredential {
    pub tool: String,
    pub kind: CredentialKind,
    /// Absent: every environment.
    pub env: Option<String>,
    /// Where the tool is, unless it is at its public address.
    pub base_url: Option<String>,
    pub secret: SecretText,
}

/// A secret in a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub struct SecretText(Secret);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

/// What a call is made with. It cannot print itself.
#[derive(Clone, Debug)]
pub enum ToolSecret {
    Bearer(Secret),
    Headers(BTreeMap<String, Secret>),
    Webhook(Secret),
}

/// A credential that was opened for a call.
#[derive(Clone, Debug)]
pub struct ToolCredential {
    pub credential_id: CredentialId,
    /// Calls go to its origin alone. Ends in a slash.
    pub base_url: Url,
    pub secret: ToolSecret,
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("there is no tool `{0}` here: `slack`, `github`, `gdrive`, `http`")]
    UnknownTool(String),
    #[error("`{tool}` takes no credential of the kind `{}`", .kind.as_str())]
    WrongKind { tool: &'static str, kind: CredentialKind },
    #[error("`base_url` is needed: where the tool is, `https://…`")]
    NoBaseUrl,
    #[error("`base_url` {0}")]
    BadBaseUrl(&'static str),
    #[error("`secret` {0}")]
    BadSecret(&'static str),
    #[error("`secret`: {0}")]
    BadHeader(#[from] EgressError),
    #[error(transparent)]
    BadEnv(#[from] MintError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the secret could not be sealed: {0}")]
    NotSealed(#[from] KeyError),
    #[error("the credential does not open: {0}")]
    NotOpened(#[from] OpenError),
    #[error("the stored address is not on the host that the credential was sealed for")]
    Moved,
}

impl From<CredentialError> for ApiError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Store(StoreError::NotFound(what)) => Self::not_found(what),
            CredentialError::Store(_)
            | CredentialError::NotSealed(_)
            | CredentialError::NotOpened(_)
            | CredentialError::Moved => {
                tracing::error!(%error, "a tool's credential could not be stored or read");
                Self::new(
                    ErrorCode::Unavailable,
                    "the tool's credential cannot be stored or read now; try again",
                )
            }
            invalid => Self::invalid_request(invalid.to_string()),
        }
    }
}

impl Live {
    /// Seals a credential, in the place of the one for the same tool, host and environment.
    pub async fn set_tool_credential(
        &self,
        tenant: TenantId,
        new: NewToolCredential,
        actor: &Actor,
    ) -> Result<ToolCredentialRow, CredentialError> {
        let tool = UPSTREAM_TOOLS.iter().find(|tool| tool.name == new.tool);
        let tool = tool.ok_or_else(|| CredentialError::UnknownTool(new.tool.clone()))?;
        if !tool.kinds.contains(&new.kind) {
            return Err(CredentialError::WrongKind { tool: tool.name, kind: new.kind });
        }
        let env = new.env.as_deref().map(|env| checked_name("env", env).map(str::to_owned)).transpose()?;
        let SecretText(secret) = new.secret;
        read_secret(new.kind, &secret)?;
        let base = base_of(tool, new.kind, new.base_url.as_deref(), &secret)?;
        let row = ToolCredentialRow {
            credential_id: CredentialId(randomness::fresh_id()),
            tool: new.tool,
            host: place_of(&base),
            env,
            kind: new.kind,
            base_url: new.base_url.map(|_| base.to_string()),
            sealed_secret: Vec::new(),
            created_at: self.now(),
            created_by: actor.name.clone(),
            rotated_at: None,
            last_used_at: None,
        };
        let sealed_secret = self.at_rest.seal(&place(tenant, &bound_to(&row)), secret.reveal().as_bytes())?;
        let row = ToolCredentialRow { sealed_secret, ..row };
        Ok(self.store.set_tool_credential(tenant, &row, actor).await?)
    }

    /// The credential for a tool in an environment; with `at`, the one for that origin. One of the environment's own goes
    /// before one for all.
    pub async fn tool_credential(
        &self,
        tenant: TenantId,
        env: &str,
        tool: &str,
        at: Option<&Url>,
    ) -> Result<Option<ToolCredential>, CredentialError> {
        let at = at.map(place_of);
        let rows = self.store.tool_credentials(tenant).await?;
        let fits = |row: &&ToolCredentialRow| {
            row.tool == tool
                && row.env.as_deref().is_none_or(|own| own == env)
                && at.as_ref().is_none_or(|host| row.host == *host)
        };
        // Of several, the one that was set last.
        let newest = |row: &&ToolCredentialRow| (row.env.is_some(), row.rotated_at.unwrap_or(row.created_at));
        match rows.iter().filter(fits).max_by_key(newest) {
            Some(row) => self.open_credential(tenant, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn open_credential(
        &self,
        tenant: TenantId,
        row: &ToolCredentialRow,
    ) -> Result<ToolCredential, CredentialError> {
        let sealed = std::iter::once(row.sealed_secret.as_slice());
        self.at_rest.learn_keys_of(self.store.as_ref(), sealed).await?;
        let opened = self.at_rest.open(&place(tenant, &bound_to(row)), &row.sealed_secret)?;
        let text = String::from_utf8(opened).map_err(|_| CredentialError::BadSecret("is no text"))?;
        let secret = Secret::new(text);
        let tool = UPSTREAM_TOOLS.iter().find(|tool| tool.name == row.tool);
        let tool = tool.ok_or_else(|| CredentialError::UnknownTool(row.tool.clone()))?;
        let base_url = base_of(tool, row.kind, row.base_url.as_deref(), &secret)?;
        // The secret is sealed for its host; whoever writes to the database and not to us could name another address.
        if place_of(&base_url) != row.host {
            return Err(CredentialError::Moved);
        }
        Ok(ToolCredential {
            credential_id: row.credential_id,
            base_url,
            secret: read_secret(row.kind, &secret)?,
        })
    }

    /// For the list of credentials. What fails here fails nobody's call.
    pub async fn note_credential_use(&self, tenant: TenantId, credential: CredentialId) {
        if let Err(error) = self.store.touch_tool_credential(tenant, credential, self.now()).await {
            tracing::warn!(credential_id = %credential, %error, "could not note when a credential was last used");
        }
    }
}

fn place(tenant: TenantId, row: &str) -> Place<'_> {
    Place { tenant: Some(tenant), table: "tool_credentials", row }
}

/// A sealed secret moved to another tool, host or environment does not open.
fn bound_to(row: &ToolCredentialRow) -> String {
    format!("{} {} {}", row.tool, row.host, row.env.as_deref().unwrap_or_default())
}

/// The host, with its port where that is not the scheme's own.
fn place_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Where calls with it go.
fn base_of(
    tool: &UpstreamTool,
    kind: CredentialKind,
    given: Option<&str>,
    secret: &Secret,
) -> Result<Url, CredentialError> {
    if kind == IncomingWebhook {
        return match given {
            Some(_) => {
                Err(CredentialError::BadBaseUrl("has no place beside the webhook, which is the address"))
            }
            None => read_url(secret.reveal()).map_err(CredentialError::BadSecret),
        };
    }
    let mut base = read_url(given.or(tool.base_url).ok_or(CredentialError::NoBaseUrl)?)
        .map_err(CredentialError::BadBaseUrl)?;
    if base.query().is_some() {
        return Err(CredentialError::BadBaseUrl("has a query"));
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    Ok(base)
}

/// A credential goes over TLS, or to an address in the operator's own network.
fn read_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text.trim()).map_err(|_| "is not an absolute URL")?;
    let addr = match url.host() {
        Some(Host::Ipv4(addr)) => Some(IpAddr::V4(addr)),
        Some(Host::Ipv6(addr)) => Some(IpAddr::V6(addr)),
        Some(Host::Domain(_)) | None => None,
    };
    let everything = Reach::parse(["0.0.0.0/0", "::/0"].into_iter()).unwrap_or_default();
    if addr.is_some_and(|addr| everything.admit(addr).is_err()) {
        return Err("is an address that no operator can open, such as where clouds hand out credentials");
    }
    let is_inside = addr.is_some_and(|addr| Reach::default().admit(addr).is_err());
    if !(url.scheme() == "https" || url.scheme() == "http" && is_inside) {
        return Err("is not https; plain http is for addresses in a network of your own");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("has a user or a fragment");
    }
    Ok(url)
}

fn read_secret(kind: CredentialKind, secret: &Secret) -> Result<ToolSecret, CredentialError> {
    let text = secret.reveal();
    if text.is_empty() || text.len() > LONGEST_SECRET {
        return Err(CredentialError::BadSecret("is empty or longer than 16,384 bytes"));
    }
    match kind {
        Bearer if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(ToolSecret::Bearer(secret.clone())),
        Bearer => Err(CredentialError::BadSecret("is no token: visible ASCII without spaces")),
        IncomingWebhook => Ok(ToolSecret::Webhook(secret.clone())),
        HeaderSet => {
            let no_headers = "is not a JSON object of header names and texts";
            let headers: BTreeMap<String, String> =
                serde_json::from_str(text).map_err(|_| CredentialError::BadSecret(no_headers))?;
            if headers.is_empty() {
                return Err(CredentialError::BadSecret(no_headers));
            }
            let mut probe = UpstreamCall::new(
                Method::GET,
                read_url("https://probe.invalid").map_err(CredentialError::BadBaseUrl)?,
            );
            for (name, value) in &headers {
                probe.set_header(name, value)?;
            }
            Ok(ToolSecret::Headers(
                headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            ))
        }
    }
}
