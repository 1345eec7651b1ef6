//! What becomes of a call.

use super::{
    RULES,
    world::{Proxy, Upstream, answer, ok},
};
use crate::world::leaked_key;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};

#[test]
fn each_decision_has_its_status_and_only_what_may_go_reaches_the_upstream() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let key = leaked_key();
    for prefix in [format!("{}/proxy/", proxy.url()), String::new()] {
        for (path, text, expected, sent) in [
            ("/a?b=%2F", "lunch", (200, "ALLOW", "-"), Some("lunch")),
            ("/a", "ssn 536-22-8417", (200, "SANITIZE", "-"), Some("ssn [REDACTED:us_ssn]")),
            ("/a", key.as_str(), (403, "DENY", "DENIED"), None),
            ("/held", "lunch", (202, "REQUIRE_APPROVAL", "APPROVAL_REQUIRED"), None),
        ] {
            let target = format!("{prefix}{}", upstream.url(path));
            let target = target.strip_prefix(&proxy.url()).unwrap_or(&target).to_owned();
            let head = format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
            let body = json!({ "text": text }).to_string();
            let head =
                format!("{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            let reply = proxy.raw(format!("{head}{body}").as_bytes());
            let (status, decision, code) = expected;
            assert_eq!(reply.verdict(), (status, decision.to_owned(), code.to_owned()), "{target} {reply:?}");
            let Some(sent) = sent else {
                assert!(upstream.heard_nothing(), "{target}");
                continue;
            };
            let got = upstream.next();
            assert!(got.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{got:?}");
            assert_eq!(got.header("host"), Some(upstream.address.to_string().as_str()));
            assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap(), json!({ "text": sent }));
            assert_eq!(reply.body, b"hello");
        }
    }
}

#[test]
fn in_monitor_mode_everything_goes_and_says_what_would_have_been() {
    let proxy = Proxy::local(&["--pack", RULES, "--mode", "monitor"]);
    let upstream = Upstream::saying("hello");
    assert!(proxy.banner.contains("ONLY WATCHING"), "{}", proxy.banner);
    for (path, text, would_be) in [
        ("/a", "lunch".to_owned(), "ALLOW"),
        ("/a", "ssn 536-22-8417".to_owned(), "SANITIZE"),
        ("/a", leaked_key(), "DENY"),
        ("/held", "lunch".to_owned(), "REQUIRE_APPROVAL"),
    ] {
        let body = json!({ "text": text });
        let reply = proxy.post_json(&upstream.url(path), &body);
        assert_eq!(reply.verdict(), (200, "ALLOW".to_owned(), "-".to_owned()), "{reply:?}");
        assert_eq!(reply.header("x-interven-would-be"), Some(would_be), "{reply:?}");
        assert_eq!(serde_json::from_slice::<Value>(&upstream.next().body).unwrap(), body);
    }
    // Too large, or not to be looked into: that goes too, and is marked.
    let large = vec![b'a'; 1_000_000];
    let reply = proxy.call("POST", &upstream.url("/"), "", &large);
    assert_eq!(reply.verdict(), (200, "LET_THROUGH".to_owned(), "-".to_owned()), "{reply:?}");
    assert_eq!(reply.header("x-interven-reasons"), Some("PAYLOAD_TOO_LARGE"));
    assert_eq!(upstream.next().body, large);
    let reply = proxy.call("POST", &upstream.url("/"), "Content-Encoding: br\r\n", b"\x0b\x02");
    assert_eq!(reply.header("x-interven-reasons"), Some("CANNOT_LOOK_INTO_BODY"), "{reply:?}");
    let got = upstream.next();
    assert_eq!((got.header("content-encoding"), got.body.as_slice()), (Some("br"), b"\x0b\x02".as_slice()));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_encoded_body_is_judged_by_what_it_says() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let headers = "Content-Encoding: gzip\r\nContent-Type: text/plain\r\nContent-MD5: x\r\n";
    let post = |text: &str| proxy.call("POST", &upstream.url("/"), headers, &gzip(text.as_bytes()));

    assert_eq!(post("lunch").status(), 200);
    let got = upstream.next();
    let mut text = String::new();
    GzDecoder::new(got.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!((text.as_str(), got.header("content-md5")), ("lunch", Some("x")));

    assert_eq!(post("ssn 536-22-8417").status(), 200);
    let got = upstream.next();
    assert_eq!(got.body, b"ssn [REDACTED:us_ssn]");
    let gone = ["content-encoding", "content-md5"].map(|name| got.header(name));
    assert_eq!((gone, got.header("content-type")), ([None, None], Some("text/plain")));

    assert_eq!(post(&leaked_key()).status(), 403);
    for (headers, body, expected) in [
        ("Content-Encoding: br\r\n", b"x".to_vec(), (415, "CANNOT_LOOK_INTO_BODY")),
        ("Content-Encoding: gzip\r\n", b"x".to_vec(), (415, "CANNOT_LOOK_INTO_BODY")),
        ("Content-Encoding: gzip\r\n", gzip(&vec![0; 2_000_000]), (415, "CANNOT_LOOK_INTO_BODY")),
        ("Content-Type: application/json\r\n", br#"{"a":1,"a":2}"#.to_vec(), (415, "CANNOT_LOOK_INTO_BODY")),
        ("", vec![b'a'; 300_000], (413, "PAYLOAD_TOO_LARGE")),
    ] {
        let (status, decision, code) = proxy.call("POST", &upstream.url("/"), headers, &body).verdict();
        assert_eq!(
            (status, decision.as_str(), code.as_str()),
            (expected.0, "FAULT", expected.1),
            "{headers}"
        );
    }
    assert!(upstream.heard_nothing());
}

#[test]
fn headers_of_this_hop_end_here_and_an_upstream_cannot_speak_for_the_judge() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::new(|_, wire| {
        let headers = "Connection: x-hop\r\nX-Hop: 1\r\nX-Interven-Decision: DENY\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n";
        answer(wire, "201 Created", headers, b"made");
    });
    let sent = "Authorization: Bearer mine\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\nKeep-Alive: 5\r\nCookie: s=1\r\n";
    let reply = proxy.call("PUT", &upstream.url("/"), sent, b"");
    assert_eq!(reply.verdict(), (201, "ALLOW".to_owned(), "-".to_owned()));
    assert_eq!((reply.header("x-hop"), reply.head.matches("set-cookie").count()), (None, 2), "{reply:?}");
    let got = upstream.next();
    for (name, expected) in [
        ("authorization", Some("Bearer mine")),
        ("cookie", Some("s=1")),
        ("proxy-authorization", None),
        ("te", None),
        ("keep-alive", None),
    ] {
        assert_eq!(got.header(name), expected, "{name}: {got:?}");
    }
    assert!(got.header("via").unwrap().starts_with("1.1 interven-"), "{got:?}");
}

#[test]
fn a_redirect_leads_back_through_a_proxy_that_stands_in_the_path() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::new(|got, wire| match got.head.starts_with("GET /from ") {
        true => answer(wire, "302 Found", "Location: /to\r\n", b""),
        false => ok(wire, b"arrived"),
    });
    let request = |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", proxy.address);
        proxy.raw(request.as_bytes())
    };
    let reply = request(&format!("/proxy/{}", upstream.url("/from")));
    let next = reply.header("location").unwrap().to_owned();
    assert_eq!(next, format!("{}/proxy/{}", proxy.url(), upstream.url("/to")));
    assert_eq!(request(next.strip_prefix(&proxy.url()).unwrap()).body, b"arrived");
}
