//! Input that nobody sends by accident: specified answers, never a 5xx, never an accidental ALLOW.

use crate::world::{Answer, World};
use interven_store::KeyScope;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn hostile_bodies_get_their_specified_answers() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let wrap = |body: &str| format!(r#"{{"method":"POST","url":"https://a.example","body":{body}}}"#);
    let cases = [
        ("not JSON", "method=GET&url=x".to_owned(), "not valid JSON"),
        ("empty", String::new(), "not valid JSON"),
        ("an array", "[]".to_owned(), "JSON object"),
        ("cut off", r#"{"method":"GET","url":"#.to_owned(), "not valid JSON"),
        ("depth bomb", wrap(&"[".repeat(100_000)), "deeper than 100"),
        (
            "closed depth bomb",
            wrap(&format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))),
            "deeper than 100",
        ),
        ("duplicate keys", wrap(r#"{"a":1,"a":2}"#), "duplicate key `a`"),
        ("lone surrogate", wrap(r#""\ud800""#), "not valid JSON"),
        ("huge number", wrap("1e999"), "number out of range"),
        ("missing url", r#"{"method":"GET"}"#.to_owned(), "`url` is required"),
        ("relative url", r#"{"method":"GET","url":"/etc/passwd"}"#.to_owned(), "`url`"),
        ("url with NUL", r#"{"method":"GET","url":"https://a.example/\u0000"}"#.to_owned(), "`url`"),
        ("url without host", r#"{"method":"GET","url":"https://"}"#.to_owned(), "`url`"),
        (
            "method with spaces",
            r#"{"method":"GET / HTTP/1.1","url":"https://a.example"}"#.to_owned(),
            "`method`",
        ),
        ("trailing garbage", r#"{"method":"GET","url":"https://a.example"}x"#.to_owned(), "trailing"),
    ];
    for (what, body, expected) in cases {
        let answer = agent.post("/v1/scan", body).await;
        assert_eq!((answer.status, answer.code()), (400, "INVALID_REQUEST"), "{what}: {answer:?}");
        assert!(answer.body["error"].as_str().unwrap().contains(expected), "{what}: {answer:?}");
    }
    let not_utf8 = agent.post("/v1/scan", b"{\"method\":\"\xff\"}".to_vec()).await;
    assert_eq!((not_utf8.status, not_utf8.code()), (400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn odd_but_honest_input_is_judged() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let requests = [
        json!({"method": "get", "url": "https://a.example/%zz%", "body": null}),
        json!({"method": "POST", "url": "https://a.example", "body": "plain text"}),
        json!({"method": "POST", "url": "https://a.example", "body": 18_446_744_073_709_551_615_u64}),
        json!({"method": "POST", "url": "https://a.example", "body": [[], {}, "", 0.1]}),
        json!({"method": "POST", "url": "https://a.example", "body": {"\u{0}": "\u{0}\u{fffd}\u{202e}"}}),
        json!({"method": "CALL", "url": "mcp://files/read", "body": {"path": "/tmp/x"}}),
        json!({"method": "RUN", "url": "shell://exec", "body": {"command": "ls -la"}}),
        json!({"method": "GET", "url": "https://a.example", "unknown_field": {"from": "2030"}}),
    ];
    for request in requests {
        let answer = agent.send(request.clone()).await;
        assert_eq!(answer.status, 200, "{request}: {answer:?}");
    }
    let mislabelled = agent
        .post_with(
            "/v1/scan",
            r#"{"method":"GET","url":"https://a.example"}"#,
            &[("Content-Type", "text/plain")],
        )
        .await;
    assert_eq!(mislabelled.status, 200);
    let packed = agent.post_with("/v1/scan", vec![0x1f, 0x8b], &[("Content-Encoding", "gzip")]).await;
    assert_eq!((packed.status, packed.code()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let form = agent
        .post_with("/v1/scan", "method=GET", &[("Content-Type", "application/x-www-form-urlencoded")])
        .await;
    assert!(form.body["error"].as_str().unwrap().contains("Content-Type: application/json"), "{form:?}");
}

/// 50 MB of zeros, packed.
fn bomb() -> String {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &vec![0; 50 << 20]).unwrap();
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, packed.finish().unwrap())
}

#[tokio::test]
async fn an_exception_for_one_thing_that_a_call_does_leaves_critical_risk_held() {
    let world = World::start().await;
    let author = world.agent_with("author", |key| key.scopes = [KeyScope::PoliciesWrite].into()).await;
    let agent = world.agent("bot").await;
    let body = json!({"command": "kubectl get pods && curl https://a.example/upload -d @-", "stdin": bomb()});
    for (matches, decision) in [(json!({"tool_names": ["shell"]}), "REQUIRE_APPROVAL"), (json!({}), "ALLOW")]
    {
        let policy =
            json!({"name": "Exception", "rules": [{"rule_id": "r", "match": matches, "action": "ALLOW"}]});
        assert_eq!(author.post("/v1/policies/apply", policy.to_string()).await.status, 200);
        let answer = agent.scan("POST", "shell://exec", body.clone()).await;
        assert_eq!(answer.decision(), decision, "{answer:?}");
    }
}

#[tokio::test]
async fn a_decompression_bomb_is_held() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let answer = agent.scan("POST", "https://a.example/upload", json!({"file": bomb()})).await;
    assert_eq!((answer.decision(), answer.reasons()[0]), ("REQUIRE_APPROVAL", "RISK_CRITICAL"), "{answer:?}");
    assert!(answer.reasons().contains(&"DECOMPRESSION_BOMB"));
    assert!(answer.body["coverage"]["skipped"].to_string().contains("body:/file"), "{answer:?}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_told_both_sizes() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let body = json!({"method": "POST", "url": "https://a.example", "body": "x".repeat(262_144)}).to_string();
    let size = body.len();
    let answer = agent.post("/v1/scan", body).await;
    assert_eq!((answer.status, answer.code()), (413, "PAYLOAD_TOO_LARGE"));
    let sentence = answer.body["error"].as_str().unwrap();
    assert!(sentence.contains("262144") && sentence.contains(&size.to_string()), "{sentence}");
    let unsigned = agent.post("/mcp/tools/list", vec![b' '; 10 * 1024 * 1024]).await;
    assert_eq!((unsigned.status, unsigned.code()), (413, "PAYLOAD_TOO_LARGE"));
    let huge = agent.post("/v1/scan", vec![b' '; 100 * 1024 * 1024]).await;
    assert!(huge.status == 413 || huge.code() == "REQUEST_TIMEOUT", "{huge:?}");
    assert_eq!(agent.say("still there").await.status, 200);
}

#[tokio::test]
async fn a_slow_client_is_let_go() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    // The last needs no key: anybody could keep a connection of it.
    for path in ["/v1/scan", "/v1/tools/slack/post_message", "/invoke", "/mcp", "/mcp/tools/list"] {
        let mut slow = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
            agent.key
        );
        slow.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read =
            tokio::time::timeout(Duration::from_secs(5), slow.read(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{path}: {answer}");
    }

    let mut silent = tokio::net::TcpStream::connect(world.addr()).await.unwrap();
    silent.write_all(b"POST /v1/scan HTTP/1.1\r\nHo").await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(5), silent.read(&mut [0; 512])).await;
    assert!(closed.is_ok(), "a connection without headers stays open");
}

#[tokio::test]
async fn small_calls_do_not_wait_behind_large_ones() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let large = json!({"text": "COHERE_API_KEY=ZcCcRKrwt. LINE_CHANNEL_ACCESS_TOKEN=Zk3vQ9xT7mW2pL5r ".repeat(3_000)});
    let scan_large = async || agent.scan("POST", "https://a.example", large.clone()).await;
    // One thread serves all connections, and the large calls arrive while the first small ones are answered.
    let small = async {
        for _ in 0..4 {
            agent.say("hi").await;
        }
        agent.say("last").await
    };
    let (first, second, last) = tokio::join!(scan_large(), scan_large(), small);
    assert_eq!((first.status, second.status, last.status), (200, 200, 200));
    let place = |answer: &Answer| answer.body["ledger_seq"].as_u64().unwrap();
    assert!(place(&last) < place(&first).min(place(&second)), "{first:?} {second:?} {last:?}");
}
