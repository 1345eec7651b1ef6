//! URLs of upstreams: what is judged, what is looked at and what is connected to are one host, and it is not private.

#![no_main]

use http::Uri;
use interven_egress::Reach;
use interven_normalize::CanonicalUrl;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(url) = Url::parse(text) else { return };
    if !matches!(url.scheme(), "http" | "https") {
        return;
    }
    let is_admitted = Reach::default().admit_literal(&url).is_ok();
    match url.host().unwrap() {
        Host::Ipv4(addr) => assert!(!is_admitted || is_nobodys(addr), "{addr}"),
        Host::Ipv6(addr) => assert!(!is_admitted || is_nobodys_v6(addr), "{addr}"),
        // The connector does not ask the resolver about what it takes for an address.
        Host::Domain(name) => assert!(name.parse::<IpAddr>().is_err(), "{name}"),
    }
    // The HTTP client reads the URL once more, in its own way.
    if let Ok(sent) = url.as_str().parse::<Uri>() {
        assert_eq!(sent.host(), url.host_str());
        assert_eq!(sent.port_u16(), url.port());
    }
    // An agent's call is judged by its canonical URL.
    if let Ok(judged) = CanonicalUrl::parse(text) {
        let called = url.host().unwrap();
        assert_eq!(judged.port(), url.port_or_known_default());
        match called {
            Host::Ipv4(addr) => assert_eq!(judged.ip(), Some(addr.into())),
            Host::Ipv6(addr) => assert_eq!(judged.ip(), Some(addr.to_ipv4_mapped().map_or(addr.into(), IpAddr::from))),
            Host::Domain(name) => assert_eq!(judged.host(), Some(name.strip_suffix('.').unwrap_or(name))),
        }
    }
});

/// As the standard library sees it.
fn is_nobodys(addr: Ipv4Addr) -> bool {
    let is_local = addr.is_loopback() || addr.is_private() || addr.is_link_local() || addr.is_unspecified();
    !(is_local || addr.is_multicast() || addr.is_broadcast() || addr.is_documentation())
}

fn is_nobodys_v6(addr: Ipv6Addr) -> bool {
    let is_local = addr.is_loopback() || addr.is_unspecified() || addr.is_unique_local() || addr.is_unicast_link_local();
    !(is_local || addr.is_multicast()) && addr.to_ipv4_mapped().is_none_or(is_nobodys)
}
