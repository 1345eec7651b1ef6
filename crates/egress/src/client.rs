//! One call to one configured place.

use crate::{
    EgressError, Lookup, Reach,
    resolve::{PublicResolver, ResolveError},
    withhold::Withheld,
};
use bytes::{Bytes, BytesMut};
use interven_client::{authorities, direct_http_trusting};
use reqwest::{
    Client, Method, Request,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    retry,
};
use rustls::CertificateError;
use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use url::Url;

/// Between this client and whoever it is connected to (RFC 9110 7.6.1), or its own to set.
const OWN_HEADERS: [HeaderName; 15] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::ACCEPT_ENCODING,
    // A body goes out as it was judged.
    header::CONTENT_ENCODING,
    // Some servers take the path from here, and another path was judged (IIS, Symfony).
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// They open a way to somewhere else, or show the caller what was sent, credentials and all (RFC 9110 9.3.6 and 9.3.8; IIS).
const NO_METHODS: [&str; 3] = ["CONNECT", "TRACE", "TRACK"];

/// Some upstreams refuse a call without one.
const USER_AGENT: &str = concat!("interven/", env!("CARGO_PKG_VERSION"));

/// Shorter than what servers keep a connection open for: a call on one that is just being closed is lost.
const IDLE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug)]
pub struct EgressLimits {
    /// For the name, the connection and TLS.
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

/// What the operator decides.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// Where calls may go.
    pub reach: Reach,
    pub limits: EgressLimits,
    /// Certificates (PEM) of authorities that vouch for upstreams beside those that this machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// A call to be made.
#[derive(Clone)]
pub struct UpstreamCall {
    pub method: Method,
    pub url: Url,
    headers: HeaderMap,
    pub body: Option<Bytes>,
    withheld: Withheld,
}

impl std::fmt::Debug for UpstreamCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamCall").field("method", &self.method).finish_non_exhaustive()
    }
}

impl UpstreamCall {
    pub fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None, withheld: Withheld::default() }
    }

    /// Sets a header that is text, in place of one of that name. What it holds is never shown.
    ///
    /// # Errors
    /// A name or value that HTTP does not know, or a header that is this client's own to set.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), EgressError> {
        let bad = |why| EgressError::BadHeader { name: name.escape_debug().to_string(), why };
        let known = HeaderName::try_from(name).map_err(|_| bad("this is not a name of a header"))?;
        if OWN_HEADERS.contains(&known) {
            return Err(bad("it is for this client to set"));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| bad("its value has a line break or another control character"))?;
        value.set_sensitive(true);
        self.headers.insert(known, value);
        Ok(())
    }

    /// Has the answer hold `[withheld]` wherever this secret comes back as it was sent.
    pub fn withhold(&mut self, secret: &str) {
        self.withheld.add(secret);
    }
}

/// What came back. A redirect is an answer like any other.
#[derive(Clone)]
pub struct UpstreamAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    /// As it came, but for what is withheld.
    pub body: Bytes,
    withheld: Withheld,
}

impl std::fmt::Debug for UpstreamAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

impl UpstreamAnswer {
    /// A text that stood in the body escaped, such as a string of JSON, without what is withheld.
    pub fn cover(&self, text: String) -> String {
        self.withheld.cover_text(text)
    }
}

/// A method that is sent.
///
/// # Errors
/// [`EgressError::BadMethod`]: it shows what a call was made with, or leads elsewhere.
pub fn check_method(method: &str) -> Result<(), EgressError> {
    if NO_METHODS.iter().any(|refused| refused.eq_ignore_ascii_case(method)) {
        return Err(EgressError::BadMethod { method: method.to_owned() });
    }
    Ok(())
}

/// Calls upstream tools. See the crate.
#[derive(Debug)]
pub struct Egress {
    client: Client,
    reach: Arc<Reach>,
    limits: EgressLimits,
    refusals: AtomicU64,
}

impl Egress {
    /// # Errors
    /// [`EgressError::BadAuthorities`], [`EgressError::NoClient`].
    pub fn new(settings: EgressSettings, lookup: Arc<dyn Lookup>) -> Result<Self, EgressError> {
        let EgressSettings { reach, limits, ca_file } = settings;
        let reach = Arc::new(reach);
        let resolver = PublicResolver { reach: Arc::clone(&reach), lookup };
        let roots = match ca_file {
            None => authorities(None).map_err(EgressError::NoClient)?,
            Some(path) => read_pem(&path)
                .and_then(|pem| authorities(Some(&pem)))
                .map_err(|why| EgressError::BadAuthorities { path, why })?,
        };
        // What other crates of a build have reqwest learn, such as to unpack answers, is of no use here.
        let client = direct_http_trusting(roots).map_err(EgressError::NoClient)?;
        let client = client
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .pool_idle_timeout(IDLE)
            .user_agent(USER_AGENT)
            .referer(false)
            .http1_only()
            .retry(retry::never())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()
            .map_err(|error| EgressError::NoClient(deepest(&error).to_string()))?;
        Ok(Self { client, reach, limits, refusals: AtomicU64::new(0) })
    }

    /// Calls that were refused because of where they would have gone.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Relaxed)
    }

    /// Makes the call, once, if it goes to the origin of `configured`.
    ///
    /// # Errors
    /// Why it was not made, or why what came of it is not known: each [`EgressError`] says which.
    pub async fn send(&self, configured: &Url, call: UpstreamCall) -> Result<UpstreamAnswer, EgressError> {
        let sent = self.send_to(configured, call).await;
        if let Err(error) = &sent
            && error.is_refusal()
        {
            self.refusals.fetch_add(1, Relaxed);
            tracing::warn!(%error, "a call to an upstream was refused");
        }
        sent
    }

    async fn send_to(&self, configured: &Url, call: UpstreamCall) -> Result<UpstreamAnswer, EgressError> {
        let method = call.method.as_str();
        check_method(method)?;
        self.check(configured, &call.url)?;
        let host = host_of(&call.url);
        let mut request = Request::new(call.method, call.url);
        *request.headers_mut() = call.headers;
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        *request.body_mut() = call.body.map(Into::into);
        let mut response =
            self.client.execute(request).await.map_err(|error| self.read_error(&host, &error))?;
        let (status, mut headers) = (response.status().as_u16(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.read_error(&host, &error))? {
            if body.len() + chunk.len() > self.limits.answer_bytes {
                return Err(EgressError::TooLarge { host, status, limit: self.limits.answer_bytes });
            }
            body.extend_from_slice(&chunk);
        }
        // In what nobody unpacks here a secret that comes back cannot be seen.
        if is_packed(&headers) && !body.is_empty() {
            return Err(EgressError::Packed { host, status });
        }
        call.withheld.cover_headers(&mut headers);
        let body = call.withheld.cover(&body).map_or(body.freeze(), Bytes::from);
        Ok(UpstreamAnswer { status, headers, body, withheld: call.withheld })
    }

    /// An address in the URL is connected to without asking the resolver, so it is looked at here.
    fn check(&self, configured: &Url, asked: &Url) -> Result<(), EgressError> {
        if !matches!(asked.scheme(), "http" | "https") {
            return Err(EgressError::NotHttp { scheme: asked.scheme().to_owned() });
        }
        if asked.origin() != configured.origin() {
            let origin = |url: &Url| url.origin().ascii_serialization();
            return Err(EgressError::NotAllowed { asked: origin(asked), allowed: origin(configured) });
        }
        if !asked.username().is_empty() || asked.password().is_some() {
            return Err(EgressError::HasUser { host: host_of(asked) });
        }
        let refused = |cause| EgressError::NotPublic { host: host_of(asked), cause };
        self.reach.admit_literal(asked).map_err(refused)
    }

    fn read_error(&self, host: &str, error: &reqwest::Error) -> EgressError {
        let host = host.to_owned();
        if let Some(ResolveError::NotPublic(cause)) = find::<ResolveError>(error) {
            return EgressError::NotPublic { host, cause: cause.clone() };
        }
        if let Some(rustls::Error::InvalidCertificate(why)) = find(error) {
            let why = match why {
                CertificateError::UnknownIssuer => {
                    "no authority that is known here vouches for it; name its authority in EGRESS_CA_FILE"
                        .to_owned()
                }
                other => other.to_string(),
            };
            return EgressError::NotTrusted { host, why };
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse_too_large) {
            return EgressError::HeadTooLarge { host };
        }
        let why = deepest(error).to_string();
        match (error.is_connect(), error.is_timeout()) {
            (true, true) => EgressError::NotConnected { host, limit: self.limits.connect },
            (true, false) => EgressError::Unreachable { host, why },
            (false, true) => EgressError::TimedOut { host, limit: self.limits.total },
            (false, false) => EgressError::BrokenOff { host, why },
        }
    }
}

/// Whether a body is coded in some way besides the chunks that every HTTP/1.1 client reads (RFC 9110 8.4, RFC 9112 7.1).
fn is_packed(headers: &HeaderMap) -> bool {
    [(header::CONTENT_ENCODING, "identity"), (header::TRANSFER_ENCODING, "chunked")].iter().any(
        |(name, plain)| {
            let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("unreadable"));
            let mut codings = values.flat_map(|value| value.split(',')).map(str::trim);
            codings.any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(plain))
        },
    )
}

fn read_pem(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The first error of that kind among the causes.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// What it came down to. What stands above it names the whole URL.
fn deepest<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    causes(error).last().unwrap_or(error)
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // Whoever wraps an error into one of I/O is not named as its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
    })
}
