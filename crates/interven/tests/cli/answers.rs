//! Asking, and a stop in the middle of an answer.

use crate::world::{MERGE, SLACK, World, leaked_key, run};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

#[test]
fn scan_exits_by_the_decision() {
    let world = World::start();
    let leak = format!("{{\"channel\":\"#general\",\"text\":\"key {}\"}}", leaked_key());
    let personal = r##"{"channel":"#general","text":"write to grace.hopper@navy.example.com"}"##;
    for (method, url, body, code, decision) in [
        ("GET", "https://api.github.com/repos/acme/app", "null", 0, "ALLOW"),
        ("POST", SLACK, personal, 10, "SANITIZE"),
        ("PUT", MERGE, "{}", 11, "REQUIRE_APPROVAL"),
        ("POST", SLACK, leak.as_str(), 12, "DENY"),
    ] {
        let answer = world.scan(method, url, body).must_exit(code).json();
        assert_eq!(answer["decision"], decision, "{answer}");
        assert!(answer["ledger_seq"].is_u64() && answer["trace_id"].is_string(), "{answer}");
    }
}

#[test]
fn a_stream_of_requests_is_answered_line_by_line() {
    let world = World::start();
    let input = format!(
        "{}\nnot json\n{}\n{}\n",
        r#"{"id":1,"method":"GET","url":"https://api.github.com/repos/acme/app"}"#,
        r#"{"id":"two","method":"GET"}"#,
        r#"{"id":3,"method":"GET","url":"nowhere"}"#,
    );
    let mut command = crate::world::interven();
    command.args(["scan", "--jsonl", "--data-dir"]).arg(world.data_dir());
    let lines = run(&mut command, &input).must_exit(0).json_lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!((&lines[0]["id"], &lines[0]["decision"]), (&1.into(), &"ALLOW".into()));
    assert_eq!(lines[1]["code"], "INVALID_REQUEST");
    assert_eq!((&lines[2]["id"], &lines[2]["error"]), (&"two".into(), &"`url` is required".into()));
    assert_eq!((&lines[3]["id"], &lines[3]["code"]), (&3.into(), &"INVALID_REQUEST".into()));
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let world = World::start();
    let body = r#"{"method":"GET","url":"https://api.github.com/repos/acme/app"}"#;
    let mut connection = TcpStream::connect(world.gateway_addr()).unwrap();
    write!(
        connection,
        "POST /v1/scan HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        world.text("api_key"),
        body.len()
    )
    .unwrap();
    // The server asks for the body: it is inside the request now.
    let mut asked = [0; 25];
    connection.read_exact(&mut asked).unwrap();
    assert!(asked.starts_with(b"HTTP/1.1 100"), "{asked:?}");
    world.signal("TERM");
    let addr = world.gateway_addr();
    while TcpStream::connect(&addr).is_ok() {
        std::thread::yield_now();
    }
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"decision\":\"ALLOW\""), "{answer}");
    assert_eq!(world.ended().0, Some(0));
}

#[test]
fn without_a_server_the_exit_code_says_so() {
    let world = World::start();
    let home = world.home();
    world.stop();
    let mut command = crate::world::interven();
    command
        .args(["scan", "--method", "GET", "--url", "https://a.example", "--data-dir"])
        .arg(home.path().join("data"));
    let ran = run(&mut command, "").must_exit(3);
    assert!(ran.stderr.starts_with("interven: no answer from http://127.0.0.1:"), "{ran:?}");
}
