//! Who may use the proxy.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hyper::header::{HOST, HeaderMap, HeaderName};
use interven_types::Secret;
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;

/// What browsers say of where a request comes from (W3C Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[derive(Debug)]
pub(super) struct Access {
    /// Wanted of everybody, when there is one.
    pub(super) token: Option<Secret>,
    /// Names under which the proxy may be called, beside `localhost` and addresses.
    pub(super) names: Vec<String>,
}

impl Access {
    /// Whether the credentials in `header` hold the token: `Bearer TOKEN`, or `Basic` with it as the password.
    pub(super) fn is_granted(&self, headers: &HeaderMap, header: &HeaderName) -> bool {
        let Some(token) = &self.token else { return true };
        let given = headers.get(header).and_then(|value| value.to_str().ok()).and_then(password);
        given.is_some_and(|given| given.as_bytes().ct_eq(token.reveal().as_bytes()).into())
    }

    /// Whether a request to the proxy's own address was meant for it. A web page that points a name of its own at this machine
    /// (DNS rebinding) sends that name; one that calls across sites is told apart by the browser.
    pub(super) fn is_meant(&self, headers: &HeaderMap) -> bool {
        let is_foreign = headers
            .get(FETCH_SITE)
            .is_some_and(|site| matches!(site.as_bytes(), b"cross-site" | b"same-site"));
        let mut hosts = headers.get_all(HOST).iter();
        let (host, further) = (hosts.next().and_then(|host| host.to_str().ok()), hosts.next());
        !is_foreign && further.is_none() && host.is_some_and(|host| self.is_ours(host))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.trim_matches(['[', ']']).to_ascii_lowercase();
        name == "localhost"
            || name.ends_with(".localhost")
            || name.parse::<IpAddr>().is_ok()
            || self.names.iter().any(|own| own.eq_ignore_ascii_case(&name))
    }
}

fn password(credentials: &str) -> Option<String> {
    let (scheme, rest) = credentials.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(rest.trim()))?.ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::PROXY_AUTHORIZATION;

    #[test]
    fn a_token_is_taken_as_bearer_or_as_a_password() {
        let access = Access { token: Some(Secret::new("s3cret")), names: Vec::new() };
        for (value, expected) in [
            ("Bearer s3cret", true),
            ("bearer s3cret", true),
            // agent:s3cret
            ("Basic YWdlbnQ6czNjcmV0", true),
            ("Bearer s3cre", false),
            ("Basic czNjcmV0", false),
            ("Basic !", false),
            ("s3cret", false),
        ] {
            let headers = HeaderMap::from_iter([(PROXY_AUTHORIZATION, value.parse().unwrap())]);
            assert_eq!(access.is_granted(&headers, &PROXY_AUTHORIZATION), expected, "{value}");
        }
        assert!(!access.is_granted(&HeaderMap::new(), &PROXY_AUTHORIZATION));
    }

    #[test]
    fn a_name_that_somebody_else_owns_is_not_ours() {
        let access = Access { token: None, names: vec!["proxy.corp".to_owned()] };
        for (host, expected) in [
            ("localhost:4180", true),
            ("LOCALHOST", true),
            ("127.0.0.1:4180", true),
            ("[::1]:4180", true),
            ("proxy.corp:4180", true),
            ("evil.example:4180", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            assert_eq!(access.is_meant(&headers), expected, "{host}");
        }
        let mut headers = HeaderMap::from_iter([(HOST, "localhost".parse().unwrap())]);
        headers.insert(FETCH_SITE, "cross-site".parse().unwrap());
        assert!(!access.is_meant(&headers));
    }
}
