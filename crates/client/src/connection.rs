//! One server: where it is, how it is spoken to, what its answers mean.

use crate::{
    Download,
    error::{ClientError, Refusal},
    tls,
};
use interven_types::Secret;
use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
    redirect,
};
use rustls::RootCertStore;
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the longest wait a server holds an answer for (25 s).
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// For an answer that grows while the server works, as long as it does grow.
const GROWING_ANSWER_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Answers above this size are not read: no endpoint gives them.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    base: Url,
    http: Client,
}

/// HTTP to hosts that a person named. With `is_secure`, the authorities that this machine trusts vouch for a server: they
/// are read only then, because that takes longer than an answer.
///
/// # Errors
/// This machine trusts no authority, in words.
pub fn direct_http(is_secure: bool) -> Result<ClientBuilder, String> {
    let roots = if is_secure { tls::authorities(None)? } else { RootCertStore::empty() };
    if is_secure && roots.is_empty() {
        return Err("this machine trusts no authority that could vouch for an https server".to_owned());
    }
    direct_http_trusting(roots)
}

/// HTTP to the hosts of the URLs it is given, and to no others: redirects are not followed and proxies of the environment are
/// not used.
///
/// # Errors
/// No version of TLS can be spoken, in words.
pub fn direct_http_trusting(roots: RootCertStore) -> Result<ClientBuilder, String> {
    Ok(Client::builder()
        .tls_backend_preconfigured(tls::tls_settings(roots)?)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT))
}

impl Connection {
    /// `address` may have a path, for a server behind a proxy.
    pub(crate) fn new(address: &str, token: &Secret) -> Result<Self, ClientError> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))
            .map_err(|_invalid| ClientError::BadToken)?;
        bearer.set_sensitive(true);
        Self::with_headers(address, HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
    }

    /// Where nobody asks who we are.
    pub(crate) fn without_token(address: &str) -> Result<Self, ClientError> {
        Self::with_headers(address, HeaderMap::new())
    }

    fn with_headers(address: &str, headers: HeaderMap) -> Result<Self, ClientError> {
        let bad = |reason: String| ClientError::BadAddress { address: address.to_owned(), reason };
        let base = Url::parse(address.trim()).map_err(|error| bad(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(bad(format!("`{}` is not http", base.scheme())));
        }
        if !base.username().is_empty() || base.password().is_some() {
            let address = "…".to_owned();
            return Err(ClientError::BadAddress { address, reason: "a user has no place in it".to_owned() });
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(bad("a query or a fragment has no place in it".to_owned()));
        }
        let http = direct_http(base.scheme() == "https")
            .map_err(bad)?
            .default_headers(headers)
            .timeout(ANSWER_TIMEOUT)
            .read_timeout(ANSWER_TIMEOUT)
            .build()
            .map_err(|error| bad(reason_of(&error)))?;
        Ok(Self { base, http })
    }

    /// A request to the path made of `segments`, each of them escaped.
    pub(crate) fn request<Q: AsRef<str>>(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, Q)],
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        // Only a URL that cannot be a base has no segments, and http ones always can.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query.iter().map(|(name, value)| (name, value.as_ref())));
        }
        self.http.request(method, url)
    }

    /// Sends, and reads an answer of 2xx as `T` and any other as the refusal it is.
    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.accepted(request).await?;
        let url = response.url().to_string();
        let bytes = self.read(response).await?;
        // An answer without content reads as `null`.
        let text = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
        serde_json::from_slice(text)
            .map_err(|error| ClientError::Unreadable { url, reason: error.to_string() })
    }

    /// Sends a text to the address itself, and wants an answer of 2xx.
    pub(crate) async fn post_text(&self, text: &str) -> Result<(), ClientError> {
        let request = self.http.post(self.base.clone()).header(CONTENT_TYPE, "text/plain; charset=utf-8");
        self.accepted(request.body(text.to_owned())).await.map(drop)
    }

    /// Sends, and reads an answer of 2xx as it is.
    pub(crate) async fn send_for_bytes(&self, request: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = self.accepted(request).await?;
        self.read(response).await
    }

    /// Sends, and reads an answer of one JSON object per line as it grows, until `take` makes something of a line.
    pub(crate) async fn send_for_lines<L: DeserializeOwned, T>(
        &self,
        request: RequestBuilder,
        mut take: impl FnMut(L) -> Option<T>,
    ) -> Result<T, ClientError> {
        let mut response = self.accepted(request.timeout(GROWING_ANSWER_TIMEOUT)).await?;
        let url = response.url().to_string();
        let unreadable = |reason: String| ClientError::Unreadable { url: url.clone(), reason };
        let mut unread = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            unread.extend_from_slice(&chunk);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let line = serde_json::from_slice(&line).map_err(|error| unreadable(error.to_string()))?;
                if let Some(taken) = take(line) {
                    return Ok(taken);
                }
            }
            if unread.len() > MAX_ANSWER_BYTES {
                return Err(unreadable(format!("a line is larger than {MAX_ANSWER_BYTES} bytes")));
            }
        }
        Err(unreadable("it ended before it was complete".to_owned()))
    }

    /// Sends, and leaves it to the caller to read an answer of 2xx.
    pub(crate) async fn download(&self, request: RequestBuilder) -> Result<Download, ClientError> {
        let response = self.accepted(request.timeout(GROWING_ANSWER_TIMEOUT)).await?;
        Ok(Download { connection: self.clone(), response })
    }

    /// Sends; an answer other than 2xx is the refusal it is.
    async fn accepted(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after = retry_after(response.headers());
        let bytes = self.read(response).await?;
        let refusal = Refusal::read(&bytes, status.as_u16(), self.base.as_str(), retry_after);
        Err(ClientError::Refused(Box::new(refusal)))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
                let reason = format!("it is larger than {MAX_ANSWER_BYTES} bytes");
                return Err(ClientError::Unreadable { url: response.url().to_string(), reason });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    pub(crate) fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let url = self.base.to_string();
        match error.is_timeout() && !error.is_connect() {
            true => ClientError::TimedOut { url },
            false => ClientError::Unreachable {
                url,
                reason: reason_of(error),
                may_have_arrived: !error.is_connect(),
            },
        }
    }
}

/// The innermost cause: the outer ones repeat the URL and say less.
fn reason_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the time for an answer ran out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Either form of the header (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let when = httpdate::parse_http_date(text).ok()?;
            Some(when.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_named_with_the_reason() {
        for (address, expected) in [
            ("localhost:4000", "`localhost` is not http"),
            ("127.0.0.1:4000", "relative URL without a base"),
            ("ftp://a.example", "`ftp` is not http"),
        ] {
            let error = Connection::new(address, &Secret::new("t")).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(address), "{error}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_not_printed() {
        let error = Connection::new("http://a.example", &Secret::new("to\nken")).unwrap_err().to_string();
        assert!(!error.contains("ken\""), "{error}");
        assert!(error.contains("no header may carry"), "{error}");
    }

    #[test]
    fn segments_are_escaped_and_a_path_of_the_address_stays() {
        let connection = Connection::new("http://a.example/iv/", &Secret::new("t")).unwrap();
        let request = connection.request(Method::GET, &["v1", "a/b?c"], &[("q", "x&y")]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://a.example/iv/v1/a%2Fb%3Fc?q=x%26y");
    }
}
