//! Whatever goes wrong blocks, or lets through when that was chosen, and says so.

use crate::{
    hook_answers::{claude, hook},
    world::run,
};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    process::{Child, Command, Stdio},
    thread,
};

fn event() -> String {
    claude("Bash", &json!({"command": "cargo test"}))
}

/// A gateway that reads a request and answers this, every time; `None` never answers. Ends with the test's process.
fn gateway(answer: Option<&str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = answer.map(str::to_owned);
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let Some(answer) = &answer else {
                silent.push(stream);
                continue;
            };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap_or(0) > 2 {
                let lower = line.to_ascii_lowercase();
                length =
                    lower.strip_prefix("content-length:").map_or(length, |text| text.trim().parse().unwrap());
                line.clear();
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn http(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn error(status: &str, code: &str) -> String {
    http(status, &json!({"error": "a sentence", "code": code}).to_string())
}

fn asking(client: &str, url: &str) -> Command {
    let mut command = hook(client);
    command
        .env("INTERVEN_GATEWAY_URL", url)
        .env("INTERVEN_API_KEY", "iv_live_x")
        .args(["--timeout-ms", "1500"]);
    command
}

/// (what is wrong, where the gateway is, a word of the reason, whether fail-open lets through). Who refuses is there, so that
/// a refusal is no outage.
fn outages() -> Vec<(&'static str, String, &'static str, bool)> {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let down = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    vec![
        ("down", down, "127.0.0.1", true),
        ("silent", gateway(None), "in", true),
        ("401", gateway(Some(&error("401 Unauthorized", "INVALID_KEY"))), "INVALID_KEY", false),
        ("429", gateway(Some(&error("429 Too Many Requests", "RATE_LIMITED"))), "RATE_LIMITED", false),
        ("500", gateway(Some(&error("500 Internal Server Error", "INTERNAL"))), "INTERNAL", true),
        ("garbage", gateway(Some(&http("200 OK", "<html>hello"))), "127.0.0.1", true),
        ("no HTTP", gateway(Some("220 mail ready\r\n")), "127.0.0.1", true),
        ("no decision", gateway(Some(&http("200 OK", "{}"))), "decision", true),
        ("a new decision", gateway(Some(&http("200 OK", r#"{"decision":"SHRUG"}"#))), "SHRUG", false),
    ]
}

#[test]
fn without_a_verdict_a_call_is_blocked_or_let_through_where_that_was_chosen() {
    for (what, url, word, opens) in outages() {
        let closed = run(&mut asking("claude-code", &url), &event());
        assert_eq!((closed.code, closed.stdout.as_str()), (Some(2), ""), "{what}: {closed:?}");
        assert!(closed.stderr.contains("blocked") && closed.stderr.contains(word), "{what}: {closed:?}");
        assert!(!closed.stderr.contains("iv_live_x"), "{what}: {closed:?}");

        let mut open = asking("claude-code", &url);
        open.arg("--fail-open");
        let open = run(&mut open, &event());
        let is_through = open.code == Some(0) && open.stdout.contains("systemMessage");
        assert_eq!(is_through, opens, "{what}: {open:?}");
        assert_eq!(open.code == Some(2), !opens, "{what}: {open:?}");
        if opens {
            assert!(open.json().get("hookSpecificOutput").is_none(), "{what}: the client's own rules go on");
            assert!(open.stderr.contains("fail-open was chosen"), "{what}: {open:?}");
        }

        let mut overruled = asking("claude-code", &url);
        overruled.arg("--fail-open").env("INTERVEN_FAIL_CLOSED", "1");
        assert_eq!(run(&mut overruled, &event()).code, Some(2), "{what}");
    }
}

#[test]
fn copilot_and_cursor_hear_of_a_fault_in_their_own_words() {
    let cursor =
        json!({"hook_event_name": "preToolUse", "tool_name": "Shell", "tool_input": {"command": "ls"}});
    let copilot = json!({"toolName": "bash", "toolArgs": "{\"command\":\"ls\"}"});
    for (client, event, field) in
        [("cursor", cursor, "permission"), ("copilot", copilot, "permissionDecision")]
    {
        let url = gateway(Some(&error("500 Internal Server Error", "INTERNAL")));
        let closed = run(&mut asking(client, &url), &event.to_string()).must_exit(0);
        assert_eq!(closed.json()[field], "deny", "{closed:?}");
        let mut open = asking(client, &url);
        let open = run(open.arg("--fail-open"), &event.to_string()).must_exit(0);
        assert!(open.stderr.contains("fail-open was chosen"), "{open:?}");
        assert!(!open.stdout.contains("deny"), "{open:?}");
    }
}

/// An event that nobody can read is blocked even where letting through was chosen: the agent writes part of it.
#[test]
fn an_event_that_cannot_be_read_is_blocked() {
    let huge = claude("Write", &json!({"file_path": "/x", "content": "x".repeat(17 << 20)}));
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let twice = r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_name":"Read","tool_input":{}}"#;
    for (what, input) in [
        ("empty", ""),
        ("blank", " \n"),
        ("cut off", r#"{"hook_event_name":"PreToolUse","tool_na"#),
        ("no object", "[1]"),
        ("deep", deep.as_str()),
        ("two tools", twice),
        (
            "half a character",
            r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"\ud800"}}"#,
        ),
        ("another event", r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{}}"#),
        ("no input", r#"{"hook_event_name":"PreToolUse","tool_name":"Bash"}"#),
        ("huge", huge.as_str()),
    ] {
        for flags in [&["--local"][..], &["--local", "--fail-open"]] {
            let ran = run(hook("claude-code").args(flags), input);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{what}: {}", ran.stderr);
            assert!(ran.stderr.starts_with("Interven blocked this call: "), "{what}: {}", ran.stderr);
        }
    }
}

#[test]
fn settings_that_cannot_be_used_block() {
    for (what, variables, flags) in [
        ("no key", &[("INTERVEN_GATEWAY_URL", "http://127.0.0.1:1")][..], &[][..]),
        ("no address", &[("INTERVEN_GATEWAY_URL", "nowhere"), ("INTERVEN_API_KEY", "iv_live_x")], &[]),
        ("no time", &[("INTERVEN_TIMEOUT_MS", "soon")], &[]),
        ("no pack", &[], &["--local", "--pack", "no-such-pack"]),
        ("no flag", &[], &["--no-such-flag"]),
        ("no mode", &[("INTERVEN_FAIL_OPEN", "perhaps"), ("INTERVEN_API_KEY", "iv_live_x")], &[]),
    ] {
        let mut command = hook("claude-code");
        let ran = run(command.envs(variables.iter().copied()).args(flags), &event());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{what}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{what}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_blocks() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let cursor =
        json!({"hook_event_name": "preToolUse", "tool_name": "Read", "tool_input": {"file_path": "/a.rs"}});
    for (client, event, code) in [
        ("claude-code", claude("Bash", &json!({"command": "rm -rf ~/"})), 2),
        ("cursor", cursor.to_string(), 2),
        // Nothing had to be said.
        ("claude-code", event(), 0),
    ] {
        let child = hook(client).stdin(Stdio::piped()).stdout(full()).stderr(full()).spawn().unwrap();
        assert_eq!(end(child, &event), Some(code), "{client} {event}");
    }
}

fn end(mut child: Child, event: &str) -> Option<i32> {
    let _ = child.stdin.take().unwrap().write_all(event.as_bytes());
    child.wait().unwrap().code()
}

#[cfg(unix)]
#[test]
fn a_hook_that_is_told_to_stop_blocks() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    for signal in ["TERM", "INT", "HUP"] {
        let mut command = hook("claude-code");
        command.env("INTERVEN_GATEWAY_URL", &url).env("INTERVEN_API_KEY", "iv_live_x");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(event().as_bytes()).unwrap();
        // It asks, so that it listens to signals too.
        let _connection = silent.accept().unwrap();
        Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{signal}: {output:?}");
    }
}

#[test]
fn a_client_that_never_ends_its_event_is_answered_all_the_same() {
    let mut command = hook("claude-code");
    command.args(["--local", "--timeout-ms", "300"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(stderr.contains("within 300 ms"), "{stderr}");
    drop(stdin);
}
