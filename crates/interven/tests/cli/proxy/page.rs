//! The live page.

use super::{
    RULES,
    world::{Proxy, Upstream},
};
use crate::world::leaked_key;
use std::io::{BufRead as _, BufReader, Write as _};

#[test]
fn the_page_is_whole_by_itself_and_runs_nothing_else() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let get = |path: &str| {
        proxy.raw(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
    };
    let html = String::from_utf8(get("/").body).unwrap();
    for part in ["/page.css", "/page.js"] {
        assert!(html.contains(part), "{html}");
        let reply = get(part);
        assert_eq!(reply.status(), 200);
        assert!(reply.header("content-security-policy").unwrap().contains("default-src 'none'"));
    }
    assert!(!html.contains("://") && !html.contains(" style=") && !html.contains(" onclick"), "{html}");
    let post =
        proxy.raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((post.status(), post.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn a_call_is_on_the_page_when_it_happens_without_what_it_carries() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    proxy.call("GET", &upstream.url("/before"), "", b"");
    let mut events = BufReader::new(proxy.open());
    events.get_mut().write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut told = String::new();
    let mut wait_for = |told: &mut String, what: &str| {
        while !told.contains(what) {
            assert_ne!(events.read_line(told).unwrap(), 0, "{told}");
        }
    };
    wait_for(&mut told, r#""decision":"ALLOW""#);
    let key = leaked_key();
    proxy.call(
        "POST",
        &upstream.url(&format!("/after?token={key}")),
        "Authorization: Bearer mine\r\n",
        key.as_bytes(),
    );
    wait_for(&mut told, r#""decision":"DENY""#);
    assert!(told.contains(r#""DENY":1"#) && told.contains(r#""host":"127.0.0.1:"#), "{told}");
    for secret in [key.as_str(), "Bearer mine", "/before", "/after"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
