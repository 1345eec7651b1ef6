//! The tool gateway from the shell: a credential is set, an agent has a message posted, nobody sees the token.

use crate::world::{World, run};
use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    rc::Rc,
    sync::mpsc,
};

const TOKEN: &str = "xoxb-of-the-tenant-alone";

/// Stands in for the tool once, and hands over what it was sent.
fn a_tool() -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut request = [0; 8_192];
        let read = socket.read(&mut request).unwrap();
        told.send(String::from_utf8_lossy(&request[..read]).into_owned()).unwrap();
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"ok\":true}").unwrap();
    });
    (url, heard)
}

#[test]
fn the_page_on_tools_does_what_it_says() {
    let home = Rc::new(tempfile::tempdir().unwrap());
    let world = World::start_with(&home, |server| {
        server.env("EGRESS_ALLOW_PRIVATE", "127.0.0.1");
    });
    let page = include_str!("../../../../docs/tools.md");
    let block = page.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (set, post) = block.split_once('\n').unwrap();
    let (url, heard) = a_tool();
    let set = set.strip_prefix("echo \"$SLACK_BOT_TOKEN\" | interven ").unwrap();
    let mut arguments: Vec<&str> = set.split(' ').collect();
    arguments.extend(["--base-url", &url]);
    let told = world.interven_with(&arguments, TOKEN).must_exit(0).stdout;
    assert!(told.contains("slack") && told.contains("bearer") && !told.contains(TOKEN), "{told}");

    let mut shell = Command::new("sh");
    shell.env("INTERVEN_API_KEY", world.text("api_key"));
    shell.args(["-c", &post.replace("http://localhost:4000", &world.text("gateway_url"))]);
    let answer = run(&mut shell, "").must_exit(0).json();
    assert_eq!(
        (&answer["decision"], &answer["upstream"]["body"]["ok"]),
        (&"ALLOW".into(), &true.into()),
        "{answer}"
    );
    let request = heard.recv().unwrap();
    assert!(
        request.starts_with("POST /api/chat.postMessage ") && request.contains(&format!("Bearer {TOKEN}")),
        "{request}"
    );

    let listed = world.interven(&["admin", "credential", "list", "--json"]).must_exit(0).json();
    let [credential] = &listed.as_array().unwrap()[..] else { panic!("{listed}") };
    assert!(!listed.to_string().contains(TOKEN) && credential["last_used_at"].is_string(), "{listed}");
    let id = credential["credential_id"].as_str().unwrap();
    world.interven(&["admin", "credential", "remove", id]).must_exit(0);
    let again = world.interven(&["admin", "credential", "remove", id]).must_exit(3);
    assert!(again.stderr.contains("no such credential"), "{again:?}");
    assert!(run(&mut shell, "").must_exit(0).stdout.contains("TOOL_NOT_CONFIGURED"));
}

#[test]
fn a_credential_is_not_taken_from_nothing_or_of_the_wrong_form() {
    let world = World::start();
    let empty = world.interven_with(&["admin", "credential", "set", "slack"], "\n").must_exit(2);
    assert!(empty.stderr.contains("no secret"), "{empty:?}");
    world
        .interven_with(&["admin", "credential", "set", "slack", "--secret-file", "/nowhere"], "")
        .must_exit(1);
    let http = world.interven_with(&["admin", "credential", "set", "http"], "x").must_exit(3);
    assert!(http.stderr.contains("`base_url` is needed"), "{http:?}");
    let listed = world.interven(&["admin", "credential", "list", "--json"]).must_exit(0).json();
    assert_eq!(listed, serde_json::json!([]));
}
