//! The addresses of the machine that this runs on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Whether `addr` is this machine's own, public or not: what listens here may be closed to everybody outside.
///
/// The system says so: it calls one of its own addresses from that very address. Nothing is sent.
pub(crate) fn is_own(addr: IpAddr) -> bool {
    let any = match addr {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    // Where there is no way to an address, it is not called either.
    let called_from = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((addr, 9))?;
        socket.local_addr()
    });
    called_from.is_ok_and(|from| from.ip() == addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_own_where_this_machine_has_it() {
        assert!(is_own("127.0.0.1".parse().unwrap()));
        assert!(!is_own("1.1.1.1".parse().unwrap()));
        assert!(!is_own("2606:4700:4700::1111".parse().unwrap()));
    }
}
