//! What belongs to the tenant, and what lies outside.

use crate::CanonicalUrl;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::collections::BTreeSet;

/// The tenant's own domains, compiled from the setting `own_domains`.
///
/// An entry is a domain (`acme.example`, which covers its subdomains, also written `*.acme.example` or `@acme.example`),
/// an address, or an address prefix with a path: `hooks.slack.com/services/T024ACME` makes the webhooks of that workspace
/// the tenant's own without making all of Slack so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnDomains {
    domains: BTreeSet<String>,
    /// Host and path, without a trailing slash.
    places: Vec<(String, String)>,
}

/// Grantees that mean everybody, lower case: Drive, Google Cloud, S3.
const EVERYBODY: [&str; 7] =
    ["anyone", "anyonewithlink", "everyone", "public", "allusers", "allauthenticatedusers", "*"];

impl OwnDomains {
    /// Entries that name no host are left out.
    pub fn new<S: AsRef<str>>(entries: &[S]) -> Self {
        let mut own = Self::default();
        for entry in entries {
            let entry = entry.as_ref().trim();
            let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest);
            let entry = entry.trim_start_matches("*.").trim_start_matches(['.', '@']);
            let Ok(url) = CanonicalUrl::parse(&format!("https://{entry}")) else { continue };
            let Some(host) = url.host() else { continue };
            match url.path().trim_end_matches('/') {
                "" => _ = own.domains.insert(host.to_owned()),
                path => own.places.push((host.to_owned(), path.to_owned())),
            }
        }
        own
    }

    /// A domain of the tenant's, or below one.
    pub fn is_own_domain(&self, host: &str) -> bool {
        let mut name = host;
        loop {
            if self.domains.contains(name) {
                return true;
            }
            match name.split_once('.') {
                Some((_, parent)) => name = parent,
                None => return false,
            }
        }
    }

    /// Outside the tenant's domains, private and shared ranges, link-local, loopback, `localhost`, `.internal`, `.local`
    /// and names of a single label.
    pub fn is_external(&self, url: &CanonicalUrl) -> bool {
        let Some(host) = url.network_host() else { return false };
        if self.is_own_domain(host) {
            return false;
        }
        match url.ip() {
            Some(IpAddr::V4(ip)) => !is_private_v4(ip),
            Some(IpAddr::V6(ip)) => !is_private_v6(ip),
            None => !is_private_name(host),
        }
    }

    /// Where an MCP server or a framework's tool sends what it is given cannot be seen: it is outside, unless the tenant
    /// counts the server's name among its own domains, or the name stays inside by itself.
    pub fn is_external_server(&self, server: &str) -> bool {
        let is_inside = self.is_own_domain(server) || server == "localhost" || has_private_suffix(server);
        !is_inside
    }

    /// The address is the tenant's: one of its domains, or below one of its places.
    pub fn is_own_address(&self, url: &CanonicalUrl) -> bool {
        let Some(host) = url.network_host() else { return false };
        let is_below = |path: &str| {
            url.path().strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.is_own_domain(host) || self.places.iter().any(|(h, path)| h == host && is_below(path))
    }

    /// A mail address, domain or URL outside the tenant's, or everybody. A bare user name is not judged here.
    pub fn is_external_principal(&self, principal: &str) -> bool {
        if principal.contains("://")
            && let Ok(url) = CanonicalUrl::parse(principal.trim())
        {
            return self.is_external(&url) && !self.is_own_address(&url);
        }
        let principal = principal.trim().trim_end_matches('>').to_ascii_lowercase();
        if EVERYBODY.iter().any(|word| principal == *word || principal.ends_with(&format!("/{word}"))) {
            return true;
        }
        let domain = principal.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('.'));
        match domain {
            Some(domain) => !self.is_own_domain(domain),
            None => is_domain_name(&principal) && !self.is_own_domain(&principal),
        }
    }
}

fn is_domain_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || !c.is_ascii())
    };
    text.contains('.')
        && text.split('.').all(is_label)
        && text
            .rsplit('.')
            .next()
            .is_some_and(|tld| tld.len() >= 2 && !tld.bytes().all(|c| c.is_ascii_digit()))
}

/// RFC 1918, RFC 6598 (shared by carriers), RFC 3927 (link-local), RFC 1122 §3.2.1.3 (this network, loopback).
fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
}

/// RFC 4193 (unique local), RFC 4291 §2.5 (link-local, loopback, unspecified).
fn is_private_v6(ip: Ipv6Addr) -> bool {
    ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
}

fn is_private_name(host: &str) -> bool {
    !host.contains('.') || has_private_suffix(host)
}

fn has_private_suffix(host: &str) -> bool {
    [".internal", ".local", ".localhost"].iter().any(|suffix| host.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_external_unless_private_or_own() {
        let own = OwnDomains::new(&["Acme.example", "*.bücher.example", "203.0.113.7"]);
        let external = |raw: &str| own.is_external(&CanonicalUrl::parse(raw).unwrap());
        for raw in [
            "https://slack.com",
            "https://notacme.example",
            "https://acme.example.evil.test",
            "http://8.8.8.8",
            "http://100.128.0.1",
            "http://172.32.0.1",
            "http://[2606:4700::1]",
            "http://[::ffff:8.8.8.8]",
            "ftp://files.test/x",
        ] {
            assert!(external(raw), "{raw}");
        }
        for raw in [
            "https://ACME.example.",
            "https://api.acme.example",
            "https://x.xn--bcher-kva.example",
            "http://203.0.113.7",
            "http://10.1.2.3",
            "http://0xA.1",
            "http://172.16.0.1",
            "http://192.168.0.1",
            "http://100.64.0.1",
            "http://169.254.169.254",
            "http://127.9.9.9",
            "http://0.0.0.0",
            "http://[::1]",
            "http://[fd00::1]",
            "http://[fe80::1]",
            "http://[::ffff:10.0.0.1]",
            "http://localhost:3000",
            "http://db",
            "http://db.internal",
            "http://printer.local",
            "tool://langchain/x",
            "shell://exec",
            "file:///etc/passwd",
        ] {
            assert!(!external(raw), "{raw}");
        }
    }

    #[test]
    fn servers_are_external_unless_they_are_named_as_own() {
        let own = OwnDomains::new(&["files", "acme.example"]);
        for server in ["langchain", "notes", "mcp.evil.test", "files.evil.test"] {
            assert!(own.is_external_server(server), "{server}");
        }
        for server in ["files", "mcp.acme.example", "localhost", "notes.internal"] {
            assert!(!own.is_external_server(server), "{server}");
        }
    }

    #[test]
    fn principals_are_external_by_mail_domain() {
        let own = OwnDomains::new(&["acme.example"]);
        for who in [
            "bob@gmail.com",
            "Bob <bob@evil.test>",
            "anyone",
            "AllUsers",
            "partner.test",
            "a@acme.example.evil.test",
            "https://hooks.evil.test/x?to=acme.example",
        ] {
            assert!(own.is_external_principal(who), "{who}");
        }
        for who in [
            "bob@acme.example",
            "Bob <bob@EU.acme.example>",
            "acme.example",
            "octocat",
            "U012",
            "",
            "https://ci.acme.example/x",
            "http://10.1.2.3/x",
        ] {
            assert!(!own.is_external_principal(who), "{who}");
        }
    }

    #[test]
    fn a_place_owns_what_lies_below_it() {
        let own = OwnDomains::new(&["https://hooks.slack.com/services/T1/"]);
        let owned = |raw: &str| own.is_own_address(&CanonicalUrl::parse(raw).unwrap());
        assert!(owned("https://hooks.slack.com/services/T1/B2/x"));
        assert!(!owned("https://hooks.slack.com/services/T12/B2/x"));
        assert!(!owned("https://hooks.slack.com/services/T2/B2/x"));
    }
}
