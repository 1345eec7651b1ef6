//! One call to one configured place.

use crate::{
    EgressError, Lookup, Reach,
    resolve::{PublicResolver, ResolveError},
};
use bytes::{Bytes, BytesMut};
use interven_client::direct_http;
use reqwest::{
    Client, Method, Request,
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use url::{Host, Url};

/// Between this client and whoever it is connected to (RFC 9110 7.6.1), or its own to set.
const OWN_HEADERS: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::EXPECT,
];

#[derive(Clone, Copy, Debug)]
pub struct EgressLimits {
    pub connect: Duration,
    /// For the whole call.
    pub total: Duration,
    pub answer_bytes: usize,
}

impl Default for EgressLimits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(10), answer_bytes: 1 << 20 }
    }
}

/// A call to be made.
#[derive(Clone)]
pub struct UpstreamCall {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

impl std::fmt::Debug for UpstreamCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamCall").field("method", &self.method).finish_non_exhaustive()
    }
}

impl UpstreamCall {
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None }
    }

    /// Sets a header that is text. What it holds is never shown.
    ///
    /// # Errors
    /// A name or value that HTTP does not know, or a header that is this client's own to set.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), EgressError> {
        let bad = || EgressError::BadHeader(name.escape_debug().to_string());
        let known = HeaderName::try_from(name).map_err(|_| bad())?;
        let is_own = OWN_HEADERS.contains(&known) || name.eq_ignore_ascii_case("keep-alive");
        let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
        if is_own {
            return Err(bad());
        }
        value.set_sensitive(true);
        self.headers.insert(known, value);
        Ok(())
    }
}

/// What came back. A redirect is an answer like any other.
#[derive(Clone, Debug)]
pub struct UpstreamAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    /// As it came: whoever sends it compressed although nobody asked for that gets it read so.
    pub body: Bytes,
}

/// Calls upstream tools. See the crate.
#[derive(Debug)]
pub struct Egress {
    /// The machine may trust no authority; then there are no calls, and everything else works.
    client: Result<Client, String>,
    reach: Arc<Reach>,
    limits: EgressLimits,
    refusals: AtomicU64,
}

impl Egress {
    pub fn new(reach: Reach, lookup: Arc<dyn Lookup>, limits: EgressLimits) -> Self {
        let reach = Arc::new(reach);
        let resolver = PublicResolver { reach: Arc::clone(&reach), lookup };
        let client = direct_http(true).and_then(|builder| {
            let builder = builder
                .dns_resolver(Arc::new(resolver))
                .connect_timeout(limits.connect)
                .timeout(limits.total)
                .referer(false);
            builder.build().map_err(|error| deepest(&error))
        });
        Self { client, reach, limits, refusals: AtomicU64::new(0) }
    }

    /// Calls that were refused because of where they would have gone.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Relaxed)
    }

    /// Makes the call, once, if it goes to the origin of `configured`.
    pub async fn send(&self, configured: &Url, call: UpstreamCall) -> Result<UpstreamAnswer, EgressError> {
        let sent = self.send_to(configured, call).await;
        if let Err(error @ (EgressError::NotAllowed { .. } | EgressError::NotPublic { .. })) = &sent {
            self.refusals.fetch_add(1, Relaxed);
            tracing::warn!(%error, "a call to an upstream was refused");
        }
        sent
    }

    async fn send_to(&self, configured: &Url, call: UpstreamCall) -> Result<UpstreamAnswer, EgressError> {
        let client = self.client.as_ref().map_err(|why| EgressError::NoAuthorities(why.clone()))?;
        let host = host_of(&call.url);
        self.check(configured, &call.url, &host)?;
        let mut request = Request::new(call.method, call.url);
        *request.headers_mut() = call.headers;
        *request.body_mut() = call.body.map(Into::into);
        let mut response = client.execute(request).await.map_err(|error| self.read_error(&host, &error))?;
        let (status, headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.read_error(&host, &error))? {
            if body.len() + chunk.len() > self.limits.answer_bytes {
                return Err(EgressError::TooLarge { host, limit: self.limits.answer_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(UpstreamAnswer { status, headers, body: body.freeze() })
    }

    /// An address in the URL is connected to without asking the resolver, so it is looked at here.
    fn check(&self, configured: &Url, asked: &Url, host: &str) -> Result<(), EgressError> {
        let has_user = !asked.username().is_empty() || asked.password().is_some();
        let is_http = matches!(asked.scheme(), "http" | "https");
        if asked.origin() != configured.origin() || has_user || !is_http {
            let origin = |url: &Url| url.origin().ascii_serialization();
            return Err(EgressError::NotAllowed { asked: origin(asked), allowed: origin(configured) });
        }
        let literal = match asked.host() {
            Some(Host::Ipv4(addr)) => addr.into(),
            Some(Host::Ipv6(addr)) => addr.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        let refused = |cause| EgressError::NotPublic { host: host.to_owned(), cause };
        self.reach.admit(literal).map(drop).map_err(refused)
    }

    fn read_error(&self, host: &str, error: &reqwest::Error) -> EgressError {
        let host = host.to_owned();
        if let Some(ResolveError::NotPublic(cause)) = find::<ResolveError>(error) {
            return EgressError::NotPublic { host, cause: cause.clone() };
        }
        match deepest(error) {
            why if error.is_connect() => EgressError::Unreachable { host, why },
            _ if error.is_timeout() => EgressError::TimedOut { host, limit: self.limits.total },
            why => EgressError::BrokenOff { host, why },
        }
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The first error of that kind among the causes.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// What it came down to. What stands above it names the whole URL.
fn deepest(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}
