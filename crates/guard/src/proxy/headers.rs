//! Which headers go on, and which are shown to the judge.

use hyper::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VIA,
};
use std::collections::BTreeMap;

/// RFC 9110 §7.6.1, and what older software calls by these names.
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Their purpose is to hand the agent's own credential to the host it calls: that is no leak, whoever issued it, so the judge
/// does not need the value and does not get it.
const WITHHELD: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"];

/// What the judge reads in place of a withheld value.
const WITHHELD_VALUE: &str = "(withheld)";

/// True of a body of which a part was redacted: digests of the old one (RFC 9530, RFC 1864) and its length.
const ABOUT_THE_OLD_BODY: [&str; 4] = ["content-md5", "content-digest", "digest", "repr-digest"];

/// Removes what is meant for the next hop alone, `Connection`'s own list included.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Makes the headers of a request to the upstream of those that came. `Host` and the length are written anew from what is sent.
pub(super) fn prepare_request(headers: &mut HeaderMap, via: &HeaderValue) {
    remove_hop_by_hop(headers);
    for name in [HOST, CONTENT_LENGTH, EXPECT] {
        headers.remove(name);
    }
    headers.append(VIA, via.clone());
}

/// The body has been replaced by one without encoding.
pub(super) fn forget_old_body(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
    ABOUT_THE_OLD_BODY.iter().for_each(|name| drop(headers.remove(*name)));
}

/// Whether the request asks to speak WebSocket (RFC 6455 §4.1) from here on. Other upgrades are ignored, as RFC 9110 §7.8
/// lets a server do.
pub(super) fn wants_websocket(headers: &HeaderMap) -> bool {
    let has = |name: HeaderName, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    has(UPGRADE, "websocket") && has(CONNECTION, "upgrade")
}

/// What the judge sees. Values that are not text are shown as far as they are.
pub(super) fn shown(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let is_ours = HOP_BY_HOP.contains(name) && *name != PROXY_AUTHORIZATION;
        if is_ours || [HOST, CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION].contains(name) {
            continue;
        }
        let text = match WITHHELD.contains(&name.as_str()) {
            true => WITHHELD_VALUE.into(),
            false => String::from_utf8_lossy(value.as_bytes()),
        };
        shown
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&text);
            })
            .or_insert_with(|| text.into_owned());
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn nothing_of_this_hop_goes_on() {
        let mut given = headers(&[
            ("connection", "close, X-Private"),
            ("connection", "x-other"),
            ("x-private", "1"),
            ("x-other", "1"),
            ("proxy-authorization", "Bearer t"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("host", "a.example"),
            ("content-length", "3"),
            ("expect", "100-continue"),
            ("via", "1.1 first"),
            ("authorization", "Bearer mine"),
        ]);
        prepare_request(&mut given, &HeaderValue::from_static("1.1 interven-7"));
        let left: Vec<_> =
            given.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(left, [("via", "1.1 first"), ("via", "1.1 interven-7"), ("authorization", "Bearer mine")]);
    }

    #[test]
    fn the_judge_sees_headers_without_the_agents_own_credentials() {
        let seen = shown(&headers(&[
            ("authorization", "Bearer mine"),
            ("cookie", "s=1"),
            ("proxy-authorization", "Basic x"),
            ("x-note", "a"),
            ("x-note", "b"),
            ("host", "a.example"),
        ]));
        let expected = [("authorization", "(withheld)"), ("cookie", "(withheld)"), ("x-note", "a, b")];
        assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn only_a_websocket_is_an_upgrade() {
        for (upgrade, connection, expected) in [
            ("websocket", "keep-alive, Upgrade", true),
            ("WebSocket", "upgrade", true),
            ("h2c", "upgrade", false),
            ("websocket", "keep-alive", false),
        ] {
            let given = headers(&[("upgrade", upgrade), ("connection", connection)]);
            assert_eq!(wants_websocket(&given), expected, "{upgrade} {connection}");
        }
    }
}
