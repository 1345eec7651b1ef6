//! Nobody can judge, or nobody answers: blocked, or let through only where that was chosen, and said so.

use super::world::{Proxy, Upstream, answer};
use serde_json::json;
use std::net::TcpListener;

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn proxy(gateway: &str, flags: &[&str]) -> Proxy {
    Proxy::start(|command| {
        command.args(["--server", gateway]).args(flags);
        command.env("INTERVEN_API_KEY", "iv_live_test").env("INTERVEN_TIMEOUT_MS", "1500");
    })
}

#[test]
fn without_a_verdict_a_call_goes_only_where_that_was_chosen_and_the_gateway_is_out_of_order() {
    let refusing = |status: &'static str, body: &'static str| {
        Upstream::new(move |_, wire| {
            answer(wire, status, "Content-Type: application/json\r\n", body.as_bytes())
        })
    };
    let down = nowhere();
    let key = refusing("401 Unauthorized", r#"{"error":"no","code":"INVALID_KEY"}"#);
    let rate = refusing("429 Too Many Requests", r#"{"error":"slow","code":"RATE_LIMITED"}"#);
    let broken = refusing("500 Internal Server Error", r#"{"error":"oops","code":"INTERNAL"}"#);
    let garbage = refusing("200 OK", "<html>");
    let unknown = refusing("200 OK", r#"{"decision":"PERHAPS"}"#);
    let silent = Upstream::new(|_, wire| {
        let _ = wire.read(&mut [0]);
    });
    let upstream = Upstream::saying("hello");
    for (name, gateway, code, opens) in [
        ("down", down, "UNREACHABLE", true),
        ("401", key.url(""), "INVALID_KEY", false),
        ("429", rate.url(""), "RATE_LIMITED", false),
        ("500", broken.url(""), "INTERNAL", true),
        ("garbage", garbage.url(""), "UNREADABLE_ANSWER", true),
        ("unknown decision", unknown.url(""), "UNKNOWN_DECISION", false),
        ("silent", silent.url(""), "TIMEOUT", true),
    ] {
        for flags in
            [["--mode", "enforce", ""], ["--mode", "enforce", "--fail-open"], ["--mode", "monitor", ""]]
        {
            let flags: Vec<&str> = flags.into_iter().filter(|flag| !flag.is_empty()).collect();
            let goes = flags.contains(&"monitor") || opens && flags.contains(&"--fail-open");
            let proxy = proxy(&gateway, &flags);
            let reply = proxy.post_json(&upstream.url("/"), &json!({"text": "lunch"}));
            let expected = match goes {
                true => (200, "LET_THROUGH".to_owned(), "-".to_owned()),
                false => (503, "FAULT".to_owned(), code.to_owned()),
            };
            assert_eq!(reply.verdict(), expected, "{name} {flags:?}: {reply:?}");
            assert_eq!(reply.header("x-interven-reasons"), Some(code), "{name} {flags:?}");
            assert!(proxy.log().contains("a call was not judged"), "{}", proxy.log());
            match goes {
                true => drop(upstream.next()),
                false => assert!(upstream.heard_nothing(), "{name} {flags:?}"),
            }
        }
    }
}

#[test]
fn an_upstream_that_is_not_there_or_does_not_answer_is_named() {
    let proxy = Proxy::local(&["--idle-timeout", "1"]);
    let silent = Upstream::new(|_, wire| {
        let _ = wire.read(&mut [0]);
    });
    let gone = Upstream::new(|_, _| {});
    for (url, status, code) in [
        (format!("{}/x", nowhere()), 502, "UPSTREAM_UNREACHABLE"),
        ("http://no-such-host.invalid/".to_owned(), 502, "UPSTREAM_UNREACHABLE"),
        (gone.url("/"), 502, "UPSTREAM_UNREACHABLE"),
        (silent.url("/"), 504, "UPSTREAM_TIMEOUT"),
        (format!("http://127.0.0.2:{}/", proxy.address.port()), 508, "LOOP"),
        (format!("/proxy/{}/", proxy.url()), 508, "LOOP"),
    ] {
        let reply = proxy.call("GET", &url, "", b"");
        assert_eq!(reply.verdict(), (status, "ALLOW".to_owned(), code.to_owned()), "{url} {reply:?}");
    }
}
