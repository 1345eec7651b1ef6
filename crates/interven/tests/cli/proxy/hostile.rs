//! Requests that are not what they seem, and clients that mean harm.

use super::{
    RULES,
    world::{Proxy, Upstream},
};
use crate::world::{interven, leaked_key, run};
use std::io::{Read as _, Write as _};

#[test]
fn what_cannot_be_read_in_one_way_never_reaches_an_upstream() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let url = upstream.url("/");
    for (request, status) in [
        (format!("POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400),
        (format!("POST {url} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"), 400),
        (format!("POST {url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"), 400),
        (format!("POST {url} HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400),
        (
            format!(
                "POST {url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"
            ),
            400,
        ),
        (
            format!("POST {url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX0\r\n\r\n"),
            400,
        ),
        (format!("GET {url} HTTP/1.1\r\nHost : x\r\n\r\n"), 400),
        (
            "GET /proxy/ftp://a.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".to_owned(),
            400,
        ),
        ("GET http://u:p@a.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), 400),
        ("CONNECT nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(proxy.raw(request.as_bytes()).status(), status, "{request}");
        assert!(upstream.heard_nothing(), "{request}");
    }
}

#[test]
fn two_lengths_make_one_request_with_a_length_of_its_own() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let smuggled = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", upstream.url("/smuggled"));
    for lengths in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let request =
            format!("POST {} HTTP/1.1\r\nHost: x\r\n{lengths}\r\n0\r\n\r\n{smuggled}", upstream.url("/a"));
        // RFC 9112 §6.1: the connection is closed after it, so what follows is nobody's request.
        assert_eq!(proxy.raw(request.as_bytes()).status(), 200);
        let got = upstream.next();
        assert!(got.head.starts_with("POST /a ") && got.header("transfer-encoding").is_none(), "{got:?}");
        assert!(upstream.heard_nothing(), "{lengths}");
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for_without_end() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let mut slow_body = proxy.open();
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab", upstream.url("/"));
    slow_body.write_all(head.as_bytes()).unwrap();
    let mut slow_head = proxy.open();
    slow_head.write_all(b"GET /x HTTP/1.1\r\nHos").unwrap();
    // Others are served meanwhile.
    assert_eq!(proxy.call("GET", &upstream.url("/"), "", b"").status(), 200);
    upstream.next();
    let mut answer = [0; 12];
    slow_body.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    let mut rest = Vec::new();
    let _ = slow_head.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{rest:?}");
    assert!(upstream.heard_nothing());
}

#[test]
fn no_web_page_calls_through_it() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    for (host, more, expected) in [
        ("evil.example", "", 403),
        ("localhost.evil.example:4180", "", 403),
        ("localhost", "Sec-Fetch-Site: cross-site\r\n", 403),
        ("localhost", "Sec-Fetch-Site: same-origin\r\n", 200),
        ("127.0.0.1:1", "", 200),
    ] {
        for path in
            ["/".to_owned(), "/events-that-are-not-there".to_owned(), format!("/proxy/{}", upstream.url("/"))]
        {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n");
            let status = proxy.raw(request.as_bytes()).status();
            let expected = if expected == 200 && path.starts_with("/events") { 404 } else { expected };
            assert_eq!(status, expected, "{host} {path}");
        }
    }
}

#[test]
fn elsewhere_than_on_this_machine_it_wants_a_token() {
    let mut command = interven();
    command.args(["proxy", "--local", "--listen", "0.0.0.0:0"]);
    let refused = run(&mut command, "").must_exit(2);
    assert!(refused.stderr.contains("INTERVEN_PROXY_TOKEN"), "{refused:?}");

    let proxy = Proxy::start(|command| {
        command.arg("--local").env("INTERVEN_PROXY_TOKEN", "s3cret");
    });
    let upstream = Upstream::saying("hello");
    for (headers, expected) in [
        ("", 407),
        ("Proxy-Authorization: Bearer wrong\r\n", 407),
        ("Authorization: Bearer s3cret\r\n", 407),
        ("Proxy-Authorization: Bearer s3cret\r\n", 200),
        // agent:s3cret
        ("Proxy-Authorization: Basic YWdlbnQ6czNjcmV0\r\n", 200),
    ] {
        assert_eq!(proxy.call("GET", &upstream.url("/"), headers, b"").status(), expected, "{headers}");
    }
    assert!(upstream.next().header("proxy-authorization").is_none());
    let page = |headers: &str| {
        proxy
            .raw(
                format!("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").as_bytes(),
            )
            .status()
    };
    assert_eq!((page(""), page("Authorization: Basic YWdlbnQ6czNjcmV0\r\n")), (401, 200));
    let connect = b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(proxy.raw(connect).status(), 407);
}

#[test]
fn nothing_secret_is_logged() {
    let proxy = Proxy::start(|command| {
        command.args(["--local", "--pack", RULES]).env("RUST_LOG", "trace");
    });
    let upstream = Upstream::saying("hello");
    let key = leaked_key();
    let headers = "Authorization: Bearer own-credential\r\nCookie: s=own-cookie\r\n";
    proxy.call("POST", &upstream.url("/"), headers, key.as_bytes());
    proxy.call("GET", &upstream.url("/"), headers, b"");
    let log = proxy.log();
    for secret in [key.as_str(), "own-credential", "own-cookie"] {
        assert!(!log.contains(secret), "{log}");
    }
}
