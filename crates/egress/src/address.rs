//! Which addresses may be called.

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

/// What is not the public internet, and where that is written: the IANA registries of special-purpose addresses
/// (RFC 6890) and of multicast.
const SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0/8", "this network, RFC 791"),
    ("10.0.0.0/8", "private, RFC 1918"),
    ("100.64.0.0/10", "shared by carriers, RFC 6598"),
    ("127.0.0.0/8", "this machine, RFC 1122"),
    ("169.254.0.0/16", "link-local, RFC 3927"),
    ("172.16.0.0/12", "private, RFC 1918"),
    ("192.0.0.0/24", "protocol assignments, RFC 6890"),
    ("192.0.2.0/24", "documentation, RFC 5737"),
    ("192.31.196.0/24", "AS112, RFC 7535"),
    ("192.52.193.0/24", "AMT, RFC 7450"),
    ("192.88.99.0/24", "6to4 relays, RFC 7526"),
    ("192.168.0.0/16", "private, RFC 1918"),
    ("192.175.48.0/24", "AS112, RFC 7534"),
    ("198.18.0.0/15", "benchmarks, RFC 2544"),
    ("198.51.100.0/24", "documentation, RFC 5737"),
    ("203.0.113.0/24", "documentation, RFC 5737"),
    ("224.0.0.0/4", "multicast, RFC 5771"),
    ("240.0.0.0/4", "reserved, RFC 1112"),
    ("::/96", "unspecified, this machine and IPv4-compatible, RFC 4291"),
    ("64:ff9b:1::/48", "local translation, RFC 8215"),
    ("100::/64", "discarded, RFC 6666"),
    ("100:0:0:1::/64", "dummy prefix, RFC 9780"),
    ("2001::/23", "protocol assignments with Teredo and ORCHID, RFC 2928"),
    ("2001:db8::/32", "documentation, RFC 3849"),
    ("2002::/16", "6to4, RFC 3056"),
    ("2620:4f:8000::/48", "AS112, RFC 7534"),
    ("3fff::/20", "documentation, RFC 9637"),
    ("5f00::/16", "segment routing, RFC 9602"),
    ("fc00::/7", "unique local, RFC 4193"),
    ("fe80::/10", "link-local, RFC 4291"),
    ("fec0::/10", "site-local, RFC 3879"),
    ("ff00::/8", "multicast, RFC 4291"),
];

/// Where cloud providers hand credentials to whoever asks from the machine. Nobody can open these.
const METADATA: &[&str] = &[
    // AWS, Google Cloud, Azure, Oracle Cloud, DigitalOcean and others; AWS for containers and pods; AWS over IPv6.
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::254",
    "fd00:ec2::23",
    // Google Cloud over IPv6, Alibaba Cloud, the agent of Azure, Oracle Cloud's older one.
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
];

static SPECIAL_NETS: LazyLock<Vec<(IpNet, &str)>> =
    LazyLock::new(|| SPECIAL.iter().filter_map(|(net, what)| Some((net.parse().ok()?, *what))).collect());
static METADATA_ADDRS: LazyLock<Vec<IpAddr>> =
    LazyLock::new(|| METADATA.iter().filter_map(|addr| addr.parse().ok()).collect());

/// An address that may be called. Only [`Reach::admit`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicAddr(IpAddr);

impl PublicAddr {
    pub fn get(self) -> IpAddr {
        self.0
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address {addr} is not public ({why})")]
pub struct NotPublic {
    pub addr: IpAddr,
    pub why: &'static str,
}

/// How far calls may go: the public internet, and what the operator opened of the rest.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    opened: Vec<IpNet>,
}

impl Reach {
    /// `opened`: networks of the operator's own where tools of theirs are.
    pub fn new(opened: Vec<IpNet>) -> Self {
        Self { opened }
    }

    /// Judges an IPv4 address by itself, however it is written into IPv6.
    pub fn admit(&self, addr: IpAddr) -> Result<PublicAddr, NotPublic> {
        let inner = embedded(addr);
        let refused = |why| Err(NotPublic { addr, why });
        if METADATA_ADDRS.contains(&inner) {
            return refused("credentials of the machine, which nobody can open");
        }
        if self.opened.iter().any(|net| net.contains(&inner)) {
            return Ok(PublicAddr(addr));
        }
        match SPECIAL_NETS.iter().find(|(net, _)| net.contains(&inner)) {
            Some((_, why)) => refused(why),
            None => Ok(PublicAddr(addr)),
        }
    }
}

/// The IPv4 address in an IPv4-mapped one (RFC 4291) or in one that a NAT64 translates (RFC 6052).
fn embedded(addr: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = addr else { return addr };
    if let Some(mapped) = v6.to_ipv4_mapped() {
        return IpAddr::V4(mapped);
    }
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        segments => IpAddr::V6(Ipv6Addr::from(segments)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_row_is_an_address_or_a_network() {
        assert_eq!((SPECIAL_NETS.len(), METADATA_ADDRS.len()), (SPECIAL.len(), METADATA.len()));
    }

    #[test]
    fn what_is_not_public_is_refused_and_its_neighbours_are_not() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.31.196.1",
            "192.52.193.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "192.175.48.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "100.100.100.200",
            "::",
            "::1",
            "::7f00:1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "100:0:0:1::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fd12:3456:789a::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ];
        for addr in refused {
            assert!(Reach::default().admit(addr.parse().unwrap()).is_err(), "{addr}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "168.63.129.17",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2003::1",
            "2620:4f:8001::1",
        ];
        for addr in public {
            assert!(Reach::default().admit(addr.parse().unwrap()).is_ok(), "{addr}");
        }
    }

    #[test]
    fn the_operator_opens_networks_but_never_metadata() {
        let reach = Reach::new(vec!["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()]);
        for (addr, is_open) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("127.0.0.1", true),
            ("::1", false),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a9fe:a9fe", false),
            ("168.63.129.16", false),
            ("100.100.100.200", false),
        ] {
            assert_eq!(reach.admit(addr.parse().unwrap()).is_ok(), is_open, "{addr}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_judged_alike_however_it_is_written(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let (reach, plain) = (Reach::default(), IpAddr::V4(v4));
            let [a, b, c, d] = v4.octets().map(u16::from);
            let translated = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a << 8 | b, c << 8 | d);
            for written in [IpAddr::V6(v4.to_ipv6_mapped()), IpAddr::V6(translated)] {
                prop_assert_eq!(reach.admit(written).is_ok(), reach.admit(plain).is_ok(), "{}", written);
            }
        }
    }
}
