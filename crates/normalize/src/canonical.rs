//! Canonical URLs: one text for all spellings of one address.
//!
//! Parsing is the WHATWG URL standard's (<https://url.spec.whatwg.org/>), because that is what HTTP clients do: case of
//! scheme and host, default ports, dot segments, IPv4 in octal, hex, short and integer form, IDN. On top of it, so that
//! a rule about an address cannot be stepped around by writing the address differently:
//! - percent-encoding is normalized (RFC 3986 §6.2.2): unreserved characters decoded, hex digits upper case;
//! - a trailing dot on a host is removed, an IPv4-mapped IPv6 address is the IPv4 address (RFC 4291 §2.5.5.2);
//! - userinfo is left out: it is a credential, and `https://slack.com@evil.example` must not begin like Slack's address;
//! - an empty query is left out, and for HTTP and WebSocket the fragment, which is never sent (RFC 9110 §7.1).

use core::net::IpAddr;
use interven_types::ScanRequest;
use std::borrow::Cow;
use url::{Host, Url};

/// An absolute URL in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalUrl {
    url: Url,
}

/// Why a URL is refused. Each text reads on after the name of the field that holds the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("is empty")]
    Empty,
    #[error("is {bytes} bytes; the limit is {}", ScanRequest::MAX_URL_BYTES)]
    TooLong { bytes: usize },
    #[error("contains a control character (U+{code:04X} at byte {offset})")]
    ControlCharacter { code: u32, offset: usize },
    #[error("must be absolute, such as `https://host/path`, `tool://framework/tool` or `shell://exec`")]
    Relative,
    #[error("has no host")]
    NoHost,
    #[error("is not a valid URL: {0}")]
    Invalid(url::ParseError),
}

/// Schemes whose authority names something of ours, not a network host.
const LOGICAL_SCHEMES: [&str; 5] = ["tool", "mcp", "a2a", "shell", "exec"];

impl CanonicalUrl {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// Relative or malformed URLs, control characters, an empty host where the scheme needs one, and texts beyond
    /// [`ScanRequest::MAX_URL_BYTES`].
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        if raw.len() > ScanRequest::MAX_URL_BYTES {
            return Err(UrlError::TooLong { bytes: raw.len() });
        }
        if let Some((offset, c)) = raw.char_indices().find(|(_, c)| c.is_control()) {
            return Err(UrlError::ControlCharacter { code: u32::from(c), offset });
        }
        if raw.trim().is_empty() {
            return Err(UrlError::Empty);
        }
        let mut url = read(raw)?;
        if url.scheme() == "file" && url.has_host() {
            // A drive letter takes the place of the host, and an empty segment before it hides that from one reading.
            url = read(url.as_str())?;
        }
        drop_what_is_not_sent(&mut url);
        if let Cow::Owned(normalized) = normalize_percent_encoding(url.as_str()) {
            url = read(&normalized)?;
        }
        settle_host(&mut url)?;
        Ok(Self { url })
    }

    /// What a reference on a page at this address means.
    pub(crate) fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let joined = self.url.join(reference).map_err(UrlError::Invalid)?;
        Self::parse(joined.as_str())
    }

    /// Canonical text, the same for equal URLs.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    pub fn scheme(&self) -> &str {
        self.url.scheme()
    }

    /// Lower-case host: a name in ASCII form, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> Option<&str> {
        self.url.host_str().filter(|host| !host.is_empty())
    }

    /// Host that the network knows: absent for logical schemes and for local files.
    pub fn network_host(&self) -> Option<&str> {
        if self.is_logical() { None } else { self.host() }
    }

    /// The address, when the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        }
    }

    /// Port, explicit or the scheme's default.
    pub fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }

    pub fn path(&self) -> &str {
        self.url.path()
    }

    pub fn query(&self) -> Option<&str> {
        self.url.query()
    }

    /// Names and values of the query, decoded as a form.
    pub fn query_pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.url.query_pairs()
    }

    pub fn is_http(&self) -> bool {
        matches!(self.scheme(), "http" | "https" | "ws" | "wss")
    }

    /// `tool`, `mcp`, `shell` or `exec`.
    pub fn is_logical(&self) -> bool {
        LOGICAL_SCHEMES.contains(&self.scheme())
    }
}

fn read(text: &str) -> Result<Url, UrlError> {
    Url::parse(text).map_err(|error| match error {
        url::ParseError::RelativeUrlWithoutBase => UrlError::Relative,
        url::ParseError::EmptyHost => UrlError::NoHost,
        other => UrlError::Invalid(other),
    })
}

/// The setters fail only for URLs that have no such part to begin with.
fn drop_what_is_not_sent(url: &mut Url) {
    if !url.username().is_empty() || url.password().is_some() {
        let _nothing_to_drop = url.set_username("").and_then(|()| url.set_password(None));
    }
    if matches!(url.scheme(), "http" | "https" | "ws" | "wss") && url.fragment().is_some() {
        url.set_fragment(None);
    }
    if url.query() == Some("") {
        url.set_query(None);
    }
}

fn settle_host(url: &mut Url) -> Result<(), UrlError> {
    let Some(host) = url.host_str() else {
        let needs_host = LOGICAL_SCHEMES.contains(&url.scheme());
        return if needs_host { Err(UrlError::NoHost) } else { Ok(()) };
    };
    if let Some(Host::Ipv6(ip)) = url.host() {
        if let Some(v4) = ip.to_ipv4_mapped() {
            url.set_ip_host(IpAddr::V4(v4)).map_err(|()| UrlError::NoHost)?;
        }
        return Ok(());
    }
    let settled = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let may_be_empty = host.is_empty() && !LOGICAL_SCHEMES.contains(&url.scheme());
    if may_be_empty {
        return Ok(());
    }
    if settled.is_empty() || settled.ends_with('.') {
        return Err(UrlError::NoHost);
    }
    if settled != host {
        url.set_host(Some(&settled)).map_err(UrlError::Invalid)?;
    }
    Ok(())
}

/// RFC 3986 §6.2.2. A `%` that begins no valid sequence stays as it is, and nothing is decoded that would complete it
/// to one: `%%341` must not become `%41`.
fn normalize_percent_encoding(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    // Characters written since a `%` that stands for itself; two hex digits after one would make it a sequence.
    let mut since_bare = usize::MAX;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            out.push(byte);
            since_bare = if byte.is_ascii_hexdigit() { since_bare.saturating_add(1) } else { usize::MAX };
            at += 1;
            continue;
        }
        match bytes.get(at + 1..at + 3).and_then(hex_pair) {
            Some(value) => {
                let completes = since_bare < 2 && value.is_ascii_hexdigit();
                if is_unreserved(value) && !completes {
                    out.push(value);
                    since_bare =
                        if value.is_ascii_hexdigit() { since_bare.saturating_add(1) } else { usize::MAX };
                } else {
                    out.push(b'%');
                    out.extend(bytes.iter().skip(at + 1).take(2).map(u8::to_ascii_uppercase));
                    since_bare = usize::MAX;
                }
                at += 3;
            }
            None => {
                out.push(b'%');
                since_bare = 0;
                at += 1;
            }
        }
    }
    match String::from_utf8(out) {
        Ok(normalized) if normalized != text => Cow::Owned(normalized),
        _ => Cow::Borrowed(text),
    }
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    match pair {
        [high, low] => u8::try_from(digit(high)? * 16 + digit(low)?).ok(),
        _ => None,
    }
}

/// RFC 3986 §2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_addresses_have_one_text() {
        let table = [
            ("HTTPS://Slack.COM:443/api/../api/./chat.postMessage", "https://slack.com/api/chat.postMessage"),
            ("https://slack.com./x", "https://slack.com/x"),
            ("https://bob:pw@slack.com/x", "https://slack.com/x"),
            ("https://slack.com@evil.example/x", "https://evil.example/x"),
            ("https://slack.com\\@evil.example/x", "https://slack.com/@evil.example/x"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("http://0177.0.0.01/", "http://127.0.0.1/"),
            ("http://2130706433/", "http://127.0.0.1/"),
            ("http://127.1", "http://127.0.0.1/"),
            ("file://host/c:/x", "file:///c:/x"),
            ("file://host//c:/x", "file:///c:/x"),
            ("http://127.0.0.1./", "http://127.0.0.1/"),
            ("http://[::ffff:127.0.0.1]/", "http://127.0.0.1/"),
            ("http://[::FFFF:a9fe:a9fe]:8080/", "http://169.254.169.254:8080/"),
            ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://ｓｌａｃｋ.com/", "https://slack.com/"),
            ("https://slack%2ecom/", "https://slack.com/"),
            ("https://slack。com/", "https://slack.com/"),
            ("https://a.example/%7euser/%2e%2e/%63hat%2epost", "https://a.example/chat.post"),
            ("https://a.example/a%2fb%3a", "https://a.example/a%2Fb%3A"),
            ("https://a.example/100%/%zz", "https://a.example/100%/%zz"),
            ("https://a.example/%%341", "https://a.example/%%341"),
            ("https://a.example/%4%31", "https://a.example/%4%31"),
            ("https://a.example?", "https://a.example/"),
            ("https://a.example/p#part", "https://a.example/p"),
            ("https://a.example/?q=%61&r=a b", "https://a.example/?q=a&r=a%20b"),
            ("https:/a.example/x", "https://a.example/x"),
            ("https:a.example/x", "https://a.example/x"),
            ("  https://a.example/x ", "https://a.example/x"),
            ("wss://a.example:443/s", "wss://a.example/s"),
            ("TOOL://LangChain/Send_Mail", "tool://langchain/Send_Mail"),
            ("mcp://GitHub./create%5Fissue", "mcp://github/create_issue"),
            ("shell://exec", "shell://exec"),
            ("file://localhost/etc/./passwd", "file:///etc/passwd"),
            ("mailto:bob@a.example", "mailto:bob@a.example"),
        ];
        for (raw, canonical) in table {
            assert_eq!(CanonicalUrl::parse(raw).unwrap().as_str(), canonical, "{raw}");
        }
    }

    #[test]
    fn refusals_say_what_is_wrong() {
        let table = [
            ("", "empty"),
            ("   ", "empty"),
            ("/api/x", "must be absolute"),
            ("slack.com/api", "must be absolute"),
            ("//slack.com/api", "must be absolute"),
            ("https://", "no host"),
            ("https://./", "no host"),
            ("tool:///x", "no host"),
            ("mcp:x", "no host"),
            ("https://a.example/\tx", "U+0009 at byte 18"),
            ("https://a.ex\nample/", "U+000A"),
            ("https://a.example/\0", "U+0000"),
            ("https://a b/", "not a valid URL"),
            ("https://a.example:99999/", "not a valid URL"),
            ("http://1.2.3.4.5/", "not a valid URL"),
            ("http://256.1.1.1/", "not a valid URL"),
        ];
        for (raw, part) in table {
            let refusal = CanonicalUrl::parse(raw).expect_err(raw).to_string();
            assert!(refusal.contains(part), "{raw}: {refusal}");
        }
        let long = format!("https://a.example/{}", "a".repeat(ScanRequest::MAX_URL_BYTES));
        assert!(CanonicalUrl::parse(&long).unwrap_err().to_string().contains("the limit is 32768"));
    }

    #[test]
    fn parts_are_canonical_too() {
        let url = CanonicalUrl::parse("HTTP://[::ffff:10.0.0.1]/a?x=1&y=%32").unwrap();
        assert_eq!((url.scheme(), url.host(), url.port()), ("http", Some("10.0.0.1"), Some(80)));
        assert_eq!(url.ip(), Some("10.0.0.1".parse().unwrap()));
        let pairs: Vec<_> = url.query_pairs().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(pairs, ["x=1", "y=2"]);
        assert_eq!(CanonicalUrl::parse("mcp://github/x").unwrap().network_host(), None);
        assert_eq!(CanonicalUrl::parse("file:///etc/passwd").unwrap().host(), None);
    }

    proptest! {
        #[test]
        fn canonical_text_is_its_own_canonical_text(
            raw in "(https?|ws|tool|file|x):(//)?[a-zA-Z0-9.%@:\\[\\]]{0,12}[/?#%a-fA-F0-9.\\\\ é]{0,24}"
        ) {
            if let Ok(url) = CanonicalUrl::parse(&raw) {
                prop_assert_eq!(&CanonicalUrl::parse(url.as_str()).expect("reads its own text"), &url);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(raw in "\\PC{0,64}") {
            if let Ok(url) = CanonicalUrl::parse(&raw) {
                prop_assert_eq!(&CanonicalUrl::parse(url.as_str()).expect("reads its own text"), &url);
            }
        }
    }
}
