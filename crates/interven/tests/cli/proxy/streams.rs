//! Answers come as they are made; neither size nor number fills the memory.

use super::{
    RULES,
    world::{Proxy, Upstream, ok},
};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    sync::{Arc, Barrier, Mutex, mpsc},
    thread,
};

#[test]
fn the_first_event_arrives_before_the_upstream_sends_the_second() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let (go, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let upstream = Upstream::new(move |_, wire| {
        wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n").unwrap();
        wire.flush().unwrap();
        // Only who has seen the first may let the second go.
        wait.lock().unwrap().recv().unwrap();
        wire.write_all(b"data: two\n\n").unwrap();
    });
    let mut stream = BufReader::new(proxy.open());
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", upstream.url("/"));
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let mut line = String::new();
    while !line.ends_with("data: one\n") {
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "{line}");
    }
    go.send(()).unwrap();
    stream.read_to_string(&mut line).unwrap();
    assert!(line.contains("data: two\n"), "{line}");
}

#[test]
fn a_large_download_takes_no_memory_of_its_size() {
    const MEGABYTES: usize = 256;
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::new(|_, wire| {
        let length = MEGABYTES * 1_000_000;
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n");
        wire.write_all(head.as_bytes()).unwrap();
        let chunk = vec![b'a'; 1_000_000];
        for _ in 0..MEGABYTES {
            wire.write_all(&chunk).unwrap();
        }
    });
    // What judging takes is taken before.
    let small = Upstream::saying("hello");
    assert_eq!(proxy.call("GET", &small.url("/"), "", b"").status(), 200);
    let before = proxy.peak_memory();
    let mut stream = proxy.open();
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", upstream.url("/"));
    stream.write_all(request.as_bytes()).unwrap();
    let read = std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    assert!(read > (MEGABYTES * 1_000_000) as u64, "{read}");
    let grown = proxy.peak_memory() - before;
    assert!(grown < 32_000_000, "{grown} bytes");
}

#[test]
fn calls_do_not_wait_for_each_other() {
    const CALLS: usize = 64;
    let proxy = Proxy::local(&["--pack", RULES]);
    // Nobody is answered before all have arrived.
    let all = Arc::new(Barrier::new(CALLS));
    let upstream = Upstream::new(move |got, wire| {
        all.wait();
        ok(wire, &got.body);
    });
    thread::scope(|scope| {
        for n in 0..CALLS {
            let (proxy, url) = (&proxy, upstream.url("/"));
            scope.spawn(move || {
                let body = json!({ "n": n });
                let reply = proxy.post_json(&url, &body);
                assert_eq!((reply.status(), reply.json()), (200, body));
            });
        }
    });
}

#[test]
fn a_websocket_is_judged_by_its_handshake_and_then_passed_on() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::new(|_, wire| {
        wire.write_all(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        )
        .unwrap();
        let mut four = [0; 4];
        wire.read_exact(&mut four).unwrap();
        four.reverse();
        wire.write_all(&four).unwrap();
    });
    let handshake = |url: &str| {
        let asked =
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        format!("GET {url} HTTP/1.1\r\nHost: x\r\n{asked}Sec-WebSocket-Version: 13\r\n\r\n")
    };
    let mut stream = BufReader::new(proxy.open());
    stream.get_mut().write_all(handshake(&upstream.url("/chat")).as_bytes()).unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).unwrap(), 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("x-interven-decision: ALLOW"), "{head}");
    stream.get_mut().write_all(b"abcd").unwrap();
    let mut four = [0; 4];
    stream.read_exact(&mut four).unwrap();
    assert_eq!(&four, b"dcba");
    upstream.next();

    let mut stream = proxy.open();
    stream.write_all(handshake(&upstream.url("/held")).as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 202");
    assert!(upstream.heard_nothing());
}
