//! What a request is aimed at: the live page, an upstream named in the path, one named in the request line, or a tunnel.

use hyper::{Method, Uri};
use url::Url;

/// Where `http://localhost:4180/proxy/<upstream-url>` starts.
const PREFIX: &str = "/proxy/";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Something of the proxy's own.
    Own(String),
    /// A call to make. `is_prefixed` when the upstream stood in the path.
    Call {
        url: Url,
        is_prefixed: bool,
    },
    Tunnel(Authority),
}

/// `host:port` of a CONNECT (RFC 9110 §9.3.6); an IPv6 address is in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Authority {
    /// As the address of the site behind it.
    pub(super) fn url(&self) -> String {
        match self.port {
            443 => format!("https://{}/", self.host),
            port => format!("https://{}:{port}/", self.host),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTarget {
    #[error("CONNECT wants `host:port`, not `{0}`")]
    Authority(String),
    #[error("`{url}` cannot be called: {reason}; write {PREFIX}https://host/path")]
    Url { url: String, reason: String },
    #[error(
        "credentials in the URL are not forwarded, because URLs are recorded; send an Authorization header"
    )]
    UserInfo,
}

/// Reads the request line. `inside` is the tunnel that the request came through, once its TLS has been opened.
pub(super) fn target_of(method: &Method, uri: &Uri, inside: Option<&Authority>) -> Result<Target, BadTarget> {
    if method == Method::CONNECT {
        return tunnel(uri).map(Target::Tunnel);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if let Some(authority) = inside {
        // Whatever host an absolute form names inside a tunnel, the tunnel's is called.
        let site = authority.url();
        return call(&format!("{}{path}", site.trim_end_matches('/')), false);
    }
    if uri.scheme().is_some() {
        return call(&uri.to_string(), false);
    }
    match path.strip_prefix(PREFIX) {
        Some(upstream) => call(&repaired(upstream), true),
        None => Ok(Target::Own(uri.path().to_owned())),
    }
}

fn tunnel(uri: &Uri) -> Result<Authority, BadTarget> {
    let bad = || BadTarget::Authority(uri.to_string());
    let authority = uri.authority().ok_or_else(bad)?;
    let port = authority.port_u16().filter(|port| *port != 0).ok_or_else(bad)?;
    if authority.as_str().contains('@') {
        return Err(BadTarget::UserInfo);
    }
    // The same spelling as in URLs: lower case, IDN in ASCII, odd IPv4 notations as the address they mean.
    let url = Url::parse(&format!("https://{}/", authority.host())).map_err(|_| bad())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(bad)?;
    Ok(Authority { host: host.to_owned(), port })
}

fn call(text: &str, is_prefixed: bool) -> Result<Target, BadTarget> {
    let bad = |reason: String| BadTarget::Url { url: text.chars().take(200).collect(), reason };
    let mut url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadTarget::UserInfo);
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad(format!("`{}` is neither http nor https", url.scheme())));
    }
    url.set_fragment(None);
    Ok(Target::Call { url, is_prefixed })
}

/// Clients that tidy paths make one slash of two.
fn repaired(upstream: &str) -> String {
    for scheme in ["https:/", "http:/"] {
        if let Some(rest) = upstream.strip_prefix(scheme)
            && !rest.starts_with('/')
        {
            return format!("{scheme}/{rest}");
        }
    }
    upstream.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, uri: &str, inside: Option<&Authority>) -> Result<Target, String> {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        target_of(&method, &uri.parse().unwrap(), inside).map_err(|error| error.to_string())
    }

    #[test]
    fn each_form_of_a_request_line_has_one_target() {
        let call = |url: &str, is_prefixed| Ok(Target::Call { url: Url::parse(url).unwrap(), is_prefixed });
        let tunnel = |host: &str, port| Ok(Target::Tunnel(Authority { host: host.to_owned(), port }));
        for (method, uri, expected) in [
            ("GET", "/", Ok(Target::Own("/".to_owned()))),
            ("GET", "/proxyish?x=1", Ok(Target::Own("/proxyish".to_owned()))),
            ("GET", "/proxy/https://a.example/x?y=%2F&z", call("https://a.example/x?y=%2F&z", true)),
            ("GET", "/proxy/https:/a.example/x", call("https://a.example/x", true)),
            ("GET", "/proxy/http://[::1]:80/", call("http://[::1]/", true)),
            ("POST", "http://A.example:80/a/../b", call("http://a.example/b", false)),
            ("CONNECT", "A.example:443", tunnel("a.example", 443)),
            ("CONNECT", "[::1]:8443", tunnel("[::1]", 8443)),
            ("CONNECT", "0x7f000001:443", tunnel("127.0.0.1", 443)),
        ] {
            assert_eq!(read(method, uri, None), expected, "{method} {uri}");
        }
    }

    #[test]
    fn inside_a_tunnel_only_the_tunnels_host_is_called() {
        let inside = Authority { host: "a.example".to_owned(), port: 8443 };
        for (uri, expected) in [
            ("/x?y", "https://a.example:8443/x?y"),
            ("http://evil.example/x", "https://a.example:8443/x"),
            ("/proxy/http://evil.example/", "https://a.example:8443/proxy/http://evil.example/"),
        ] {
            let Ok(Target::Call { url, is_prefixed }) = read("GET", uri, Some(&inside)) else {
                panic!("{uri}")
            };
            assert_eq!((url.as_str(), is_prefixed), (expected, false));
        }
    }

    #[test]
    fn what_cannot_be_called_is_named() {
        for (method, uri, expected) in [
            ("GET", "/proxy/ftp://a.example/", "neither http nor https"),
            ("GET", "/proxy/a.example/x", "relative URL"),
            ("GET", "/proxy/https://u:p@a.example/", "Authorization header"),
            ("GET", "http://u@a.example/", "Authorization header"),
            ("CONNECT", "a.example", "host:port"),
            ("CONNECT", "a.example:0", "host:port"),
            ("CONNECT", "u@a.example:443", "Authorization header"),
        ] {
            let error = read(method, uri, None).unwrap_err();
            assert!(error.contains(expected), "{method} {uri}: {error}");
        }
    }
}
