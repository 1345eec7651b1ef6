//! Mail, IP and MAC addresses.

use core::net::IpAddr;

/// A mail address of RFC 5321 shape under a domain that can exist.
pub(super) fn is_email(value: &str) -> bool {
    /// What stands after the last point of `icon@2x.png`, of systemd units and of hosts without mailboxes.
    const NO_DOMAINS: [&str; 25] = [
        "service",
        "socket",
        "timer",
        "mount",
        "target",
        "local",
        "internal",
        "lan",
        "localdomain",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "css",
        "js",
        "ts",
        "json",
        "html",
        "xml",
        "map",
        "md",
        "py",
        "rs",
    ];
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    // A colon or slash stands in logins of a URL, never in an unquoted address.
    let is_login = local.contains([':', '/']);
    let has_dots_inside = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let labels_fit = domain
        .split('.')
        .all(|label| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
    let Some((_, top)) = domain.rsplit_once('.') else { return false };
    let is_top_level = top.len() >= 2
        && (top.bytes().all(|b| b.is_ascii_alphabetic()) || top.to_ascii_lowercase().starts_with("xn--"))
        && !NO_DOMAINS.contains(&top.to_ascii_lowercase().as_str());
    !is_login
        && (1..=64).contains(&local.len())
        && domain.len() <= 253
        && has_dots_inside(local)
        && local.bytes().any(|b| b.is_ascii_alphanumeric())
        && !is_message_id(local)
        && labels_fit
        && is_top_level
}

/// The random left side of a message's id (RFC 5322, section 3.6.4): people mix neither cases nor digits like that.
fn is_message_id(local: &str) -> bool {
    const SHORTEST: usize = 12;
    const CHANGES: usize = 3;
    let changes = local
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()));
    local.len() >= SHORTEST
        && local.bytes().any(|b| b.is_ascii_uppercase())
        && local.bytes().any(|b| b.is_ascii_lowercase())
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'=' | b'_' | b'-'))
        && changes.count() >= CHANGES
}

/// An address that is routed on the public Internet.
pub(super) fn is_public_ip(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok_and(is_routed)
}

/// An address of the special-purpose registries: private, loopback, link-local, documentation, multicast, unspecified.
pub(super) fn is_private_ip(value: &str) -> bool {
    value.parse::<IpAddr>().is_ok_and(|ip| !is_routed(ip))
}

/// IANA special-purpose address registries (RFC 6890 and its updates).
fn is_routed(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 224
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(v6) => {
            let [first, second, ..] = v6.segments();
            match v6.to_ipv4_mapped() {
                Some(v4) => is_routed(IpAddr::V4(v4)),
                None => first & 0xE000 == 0x2000 && !(first == 0x2001 && second == 0x0DB8),
            }
        }
    }
}

/// A MAC address of one device: not broadcast, not all zero, one separator throughout. Numbers in groups of four digits, with
/// many zeros, are codes: `1FD7.0020.0002`.
pub(super) fn is_mac_address(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_hexdigit).take(13).collect();
    let mut separators = value.chars().filter(|c| !c.is_ascii_hexdigit());
    let first = separators.next();
    let is_device = !digits.bytes().all(|b| b == b'0') && !digits.bytes().all(|b| matches!(b, b'f' | b'F'));
    let are_codes = first == Some('.') && digits.bytes().filter(|b| *b == b'0').count() >= 5;
    digits.len() == 12 && first.is_some() && separators.all(|c| Some(c) == first) && is_device && !are_codes
}

/// An address written so that machines do not find it: `jane (at) example [dot] org`.
pub(super) fn is_disguised_email(value: &str) -> bool {
    let plain: String = value
        .to_ascii_lowercase()
        .replace(['(', ')', '[', ']', '{', '}', '<', '>'], " ")
        .split_ascii_whitespace()
        .map(|word| match word {
            "at" => "@",
            "dot" => ".",
            other => other,
        })
        .collect();
    is_email(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for mail in ["jane.doe+tag@mail.example.co.uk", "a@xn--d1acufc.xn--p1ai", "o'neil@example.org"] {
            assert!(is_email(mail), "{mail}");
        }
        for other in [
            "icon@2x.png",
            "a@b",
            ".a@b.com",
            "a..b@c.com",
            "a@-b.com",
            "a@b.c",
            "ssh://a@b.com",
            "5No5S0c4EFMj@b.com",
        ] {
            assert!(!is_email(other), "{other}");
        }
        assert!(is_disguised_email("jane (at) example [dot] org") && !is_disguised_email("meet (at) noon"));
        for ip in ["8.8.8.8", "2400:c401::5054:ff:fe1b:b031", "::ffff:8.8.8.8"] {
            assert!(is_public_ip(ip) && !is_private_ip(ip), "{ip}");
        }
        for ip in [
            "10.1.2.3",
            "127.0.0.1",
            "192.0.2.1",
            "100.64.0.1",
            "::1",
            "fe80::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(is_private_ip(ip) && !is_public_ip(ip), "{ip}");
        }
        assert!(!is_private_ip("256.1.1.1") && !is_public_ip("1.2.3"));
        assert!(is_mac_address("00:1A:2B:3C:4D:5E") && is_mac_address("0012.3456.789A"));
        assert!(!is_mac_address("FF:FF:FF:FF:FF:FF") && !is_mac_address("10:2F:33-AC-29-C3"));
    }
}
