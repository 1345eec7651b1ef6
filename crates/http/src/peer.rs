//! Who is calling: the socket peer, or what trusted proxies say of it.

use axum::http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// A list of CIDR blocks; a bare address is a block of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CidrList(Vec<IpNet>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an IP address or CIDR block such as 10.0.0.0/8")]
pub struct InvalidCidr(String);

impl CidrList {
    pub fn parse<'a>(blocks: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidCidr> {
        let parse = |text: &str| {
            let text = text.trim();
            text.parse::<IpNet>()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| InvalidCidr(text.chars().take(64).collect()))
        };
        blocks.into_iter().filter(|b| !b.trim().is_empty()).map(parse).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// IPv4-mapped IPv6 addresses count as the IPv4 address they hold.
    pub fn contains(&self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        self.0.iter().any(|block| block.contains(&addr))
    }
}

/// The caller's address. `X-Forwarded-For` is read only when the peer is a trusted proxy, from right to left, up to the
/// first address that is not one; what stands further left was written by the client.
pub fn client_addr(peer: SocketAddr, headers: &HeaderMap, trusted: &CidrList) -> IpAddr {
    let mut addr = peer.ip().to_canonical();
    let forwarded: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let mut hops = forwarded.into_iter().rev();
    while trusted.contains(addr) {
        let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse::<IpAddr>()) else { break };
        addr = hop.to_canonical();
    }
    addr
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn caller(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        let trusted = CidrList::parse(trusted.iter().copied()).unwrap();
        client_addr(SocketAddr::new(peer.parse().unwrap(), 1), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_behind_trusted_proxies() {
        let proxies = ["10.0.0.0/8"];
        assert_eq!(caller("203.0.113.7", &["198.51.100.1"], &proxies), "203.0.113.7");
        assert_eq!(caller("10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"], &proxies), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["1.1.1.1", "198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["not an address"], &proxies), "10.0.0.1");
        assert_eq!(caller("::ffff:10.0.0.1", &["198.51.100.1"], &proxies), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &[], &proxies), "10.0.0.1");
    }

    #[test]
    fn blocks_that_are_none_are_named() {
        assert!(CidrList::parse(["10.0.0.1", "fd00::/8", " "]).is_ok());
        assert_eq!(
            CidrList::parse(["10.0.0.0/40"]).unwrap_err().to_string(),
            "`10.0.0.0/40` is not an IP address or CIDR block such as 10.0.0.0/8"
        );
    }
}
