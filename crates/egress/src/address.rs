//! Which addresses may be called.

use crate::machine;
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
};
use url::{Host, Url};

/// Networks, and what they are and where that is written.
type Table<N> = [(N, &'static str)];

/// What is not the public internet: the IANA registries of special-purpose addresses (RFC 6890) and of multicast. Of IPv6,
/// whatever is not global unicast is refused besides.
const SPECIAL: &Table<&str> = &[
    ("0.0.0.0/8", "this network, RFC 791"),
    ("10.0.0.0/8", "private, RFC 1918"),
    ("100.64.0.0/10", "shared by carriers, RFC 6598"),
    ("127.0.0.0/8", "this machine, RFC 1122"),
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
    ("fec0::/10", "site-local, RFC 3879"),
    ("ff00::/8", "multicast, RFC 4291"),
];

/// What nobody can open: there, cloud providers hand credentials to whoever asks from the machine.
const NEVER: &Table<&str> = &[
    // AWS, Google Cloud, Azure, Oracle Cloud, DigitalOcean, Tencent Cloud, Scaleway and others, each at its own address.
    ("169.254.0.0/16", "link-local with the credentials of machines, RFC 3927"),
    ("fe80::/10", "link-local, RFC 4291"),
    ("100.100.100.200/32", "credentials of a machine at Alibaba Cloud"),
    ("168.63.129.16/32", "the agent of Azure"),
    ("192.0.0.192/32", "credentials of a machine at Oracle Cloud"),
    ("fd00:ec2::/32", "credentials of a machine at AWS"),
    ("fd20:ce::254/128", "credentials of a machine at Google Cloud"),
    ("fd00:42::42/128", "credentials of a machine at Scaleway"),
    // It hides an IPv4 address, and no tool is behind one.
    ("2001::/32", "Teredo, RFC 4380"),
];

static SPECIAL_NETS: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| parse(SPECIAL));
static NEVER_NETS: LazyLock<Vec<(IpNet, &str)>> = LazyLock::new(|| parse(NEVER));

fn parse(table: &Table<&str>) -> Vec<(IpNet, &'static str)> {
    table.iter().filter_map(|(net, what)| Some((net.parse().ok()?, *what))).collect()
}

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

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address and no network, such as 10.0.0.0/8")]
pub struct BadNetwork(String);

/// How far calls may go: the public internet, and what the operator opened of the rest.
#[derive(Clone, Debug)]
pub struct Reach {
    opened: Vec<IpNet>,
    is_own: fn(IpAddr) -> bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Reach {
    /// `opened`: networks of the operator's own where tools of theirs are.
    pub fn new(opened: Vec<IpNet>) -> Self {
        Self { opened, is_own: machine::is_own }
    }

    /// Of networks in CIDR notation, or single addresses.
    pub fn parse<'a>(opened: impl Iterator<Item = &'a str>) -> Result<Self, BadNetwork> {
        let read = |text: &str| match text.parse::<IpAddr>() {
            Ok(addr) => Ok(addr.into()),
            Err(_) => text.parse().map_err(|_| BadNetwork(text.to_owned())),
        };
        opened.map(read).collect::<Result<_, _>>().map(Self::new)
    }

    /// Judges an address, and the IPv4 address that is written into it, if there is one.
    pub fn admit(&self, addr: IpAddr) -> Result<PublicAddr, NotPublic> {
        let forms = [embedded(addr), addr];
        let refused = |why| Err(NotPublic { addr, why });
        if let Some(why) = find(&NEVER_NETS, forms) {
            return refused(why);
        }
        if self.opened.iter().any(|net| forms.iter().any(|form| net.contains(form))) {
            return Ok(PublicAddr(addr));
        }
        if let Some(why) = find(&SPECIAL_NETS, forms) {
            return refused(why);
        }
        if !is_global_unicast(forms[0]) {
            return refused("not global unicast, RFC 4291");
        }
        if (self.is_own)(addr) {
            return refused("this machine's own");
        }
        Ok(PublicAddr(addr))
    }

    /// Judges the address in a URL. A name is for the resolver, which is not asked about addresses.
    pub fn admit_literal(&self, url: &Url) -> Result<(), NotPublic> {
        let literal = match url.host() {
            Some(Host::Ipv4(addr)) => addr.into(),
            Some(Host::Ipv6(addr)) => addr.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        self.admit(literal).map(drop)
    }
}

fn find(table: &[(IpNet, &'static str)], forms: [IpAddr; 2]) -> Option<&'static str> {
    table.iter().find(|(net, _)| forms.iter().any(|form| net.contains(form))).map(|(_, why)| *why)
}

/// Of IPv6, only 2000::/3 is given out (IANA, Internet Protocol Version 6 Address Space).
fn is_global_unicast(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.segments()[0] >> 13 == 1,
    }
}

/// The IPv4 address in one of IPv6 that stands for it, or leads to it.
fn embedded(addr: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = addr else { return addr };
    match v6.segments() {
        // IPv4-mapped and IPv4-compatible, RFC 4291.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        // IPv4-translated, RFC 2765.
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        // NAT64, RFC 6052.
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4, RFC 3056.
        | [0x2002, high, low, ..]
        // ISATAP, RFC 5214.
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
        }
        _ => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv6Addr;

    #[test]
    fn every_row_is_an_address_or_a_network() {
        assert_eq!((SPECIAL_NETS.len(), NEVER_NETS.len()), (SPECIAL.len(), NEVER.len()));
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
            // Neither named in a registry nor given out.
            "::ffff:0:127.0.0.1",
            "::1:0:0:1",
            "200::1",
            "1fff::1",
            "4000::1",
            "5eff::1",
            "6000::1",
            "fbff::1",
            "fe00::1",
            // ISATAP to 127.0.0.1, under a public prefix.
            "2a00:1450::5efe:7f00:1",
            "2a00:1450::200:5efe:7f00:1",
            "::8.8.8.8",
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
            "2a00:1450::5efe:808:808",
            "2000::1",
            "3ffe:ffff::1",
        ];
        for addr in public {
            assert!(Reach::default().admit(addr.parse().unwrap()).is_ok(), "{addr}");
        }
    }

    #[test]
    fn the_operator_opens_networks_of_their_own() {
        let nets = ["10.0.0.0/8", "127.0.0.1/32", "::1/128", "fd12::/16"];
        let reach = Reach::new(nets.map(|net| net.parse().unwrap()).to_vec());
        for (addr, is_open) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("64:ff9b::10.1.2.3", true),
            ("11.1.2.3", true),
            ("127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", true),
            ("::2", false),
            ("fd12::1", true),
            ("fd13::1", false),
            ("192.168.0.1", false),
        ] {
            assert_eq!(reach.admit(addr.parse().unwrap()).is_ok(), is_open, "{addr}");
        }
    }

    #[test]
    fn nobody_opens_what_hands_out_credentials() {
        let reach = Reach::new(vec!["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        for addr in [
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "169.254.0.23",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:42::42",
            "fe80::a9fe:a9fe",
            "2001:0:a9fe:a9fe::1",
        ] {
            assert!(reach.admit(addr.parse().unwrap()).is_err(), "{addr}");
        }
        for addr in ["127.0.0.1", "10.1.2.3", "::1", "fd12::1", "100.100.100.201"] {
            assert!(reach.admit(addr.parse().unwrap()).is_ok(), "{addr}");
        }
    }

    #[test]
    fn a_public_address_of_this_machine_is_not_called_unless_it_is_opened() {
        let own: IpAddr = "8.8.4.4".parse().unwrap();
        let is_own = |addr| addr == IpAddr::from([8, 8, 4, 4]);
        assert!(Reach { opened: Vec::new(), is_own }.admit(own).is_err());
        assert!(Reach { opened: Vec::new(), is_own }.admit([8, 8, 8, 8].into()).is_ok());
        assert!(Reach { opened: vec![own.into()], is_own }.admit(own).is_ok());
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_judged_however_it_is_written(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let reach = Reach { opened: Vec::new(), is_own: |_| false };
            let everything = Reach::new(vec!["::/0".parse().unwrap()]);
            let hidden = written_into_ipv6(v4);
            let is_public = reach.admit(v4.into()).is_ok();
            // Mapped and NAT64 ones are this address; the rest are ways to it that are closed, or go elsewhere.
            for same in &hidden[..2] {
                prop_assert_eq!(reach.admit(*same).is_ok(), is_public, "{}", same);
            }
            for way in hidden {
                prop_assert!(is_public || reach.admit(way).is_err(), "{}", way);
                let is_never = find(&NEVER_NETS, [v4.into(); 2]).is_some();
                prop_assert!(!is_never || everything.admit(way).is_err(), "{}", way);
            }
        }

        #[test]
        fn the_standard_library_finds_nothing_private_in_what_is_admitted(bits: u128, v4: u32) {
            let reach = Reach { opened: Vec::new(), is_own: |_| false };
            if reach.admit(Ipv6Addr::from(bits).into()).is_ok() {
                let v6 = Ipv6Addr::from(bits);
                prop_assert!(!(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast()), "{}", v6);
                prop_assert!(!(v6.is_unique_local() || v6.is_unicast_link_local()), "{}", v6);
            }
            if reach.admit(Ipv4Addr::from(v4).into()).is_ok() {
                let v4 = Ipv4Addr::from(v4);
                prop_assert!(!(v4.is_loopback() || v4.is_private() || v4.is_link_local()), "{}", v4);
                prop_assert!(!(v4.is_multicast() || v4.is_broadcast() || v4.is_documentation()), "{}", v4);
            }
        }
    }

    fn written_into_ipv6(v4: Ipv4Addr) -> [IpAddr; 6] {
        let bits = v4.to_bits();
        let (high, low) = ((bits >> 16) as u16, bits as u16);
        [
            [0, 0, 0, 0, 0, 0xffff, high, low],
            [0x64, 0xff9b, 0, 0, 0, 0, high, low],
            [0, 0, 0, 0, 0, 0, high, low],
            [0, 0, 0, 0, 0xffff, 0, high, low],
            [0x2002, high, low, 0, 0, 0, 0, 1],
            [0x2a00, 0x1450, 0, 0, 0x200, 0x5efe, high, low],
        ]
        .map(|segments| Ipv6Addr::from(segments).into())
    }
}
