//! Frames that nobody should be able to smuggle past.

use crate::world::{Said, Setting, World, call};
use interven_types::FailMode;

#[tokio::test]
async fn what_the_server_could_read_otherwise_does_not_reach_it() {
    for (frame, expected) in [
        ("not json", "error -32700"),
        (r#"{"id":1,"method":"x","params":NaN}"#, "error -32700"),
        (r#"{"id":1,"method":"ping","method":"tools/call","params":{"name":"x"}}"#, "error -32700"),
        (r#"{"id":1,"Method":"tools/call","params":{"name":"x"}}"#, "error -32700"),
        (r#"{"id":1,"method":"tools/call","params":{"name":"x","name":"y"}}"#, "error -32602"),
        (r#"{"id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1,"a":2}}}"#, "error -32602"),
        (
            r#"{"id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":"\udc00"}}}"#,
            "error -32602",
        ),
        (r#"{"id":1,"method":"tools/call","params":[]}"#, "error -32602"),
        (r#"{"id":1,"method":"tools/call"}"#, "error -32602"),
    ] {
        let text = World::new().client_says(frame).await.refusal();
        assert!(text.starts_with(expected), "{frame}: {text}");
    }
    let open = World::with(Setting { fail_mode: FailMode::Open, ..Setting::default() });
    assert_eq!(open.client_says("not json\n").await.onward.as_deref(), Some("not json\n"));
}

#[tokio::test]
async fn an_id_that_waits_for_its_answer_is_not_used_again() {
    let world = World::new();
    let first = r#"{"id":1,"method":"tools/list"}"#;
    assert!(world.client_says(first).await.onward.is_some());
    for frame in [r#"{"id":1,"method":"ping"}"#, r#"{"id":1.0,"method":"ping"}"#, &call("1e0", "x", "{}")] {
        let text = world.client_says(frame).await.refusal();
        assert!(text.starts_with("error -32600"), "{text}");
    }
    assert!(world.server_says(r#"{"id":1,"result":{"tools":[]}}"#).await.onward.is_some());
    assert!(world.client_says(first).await.onward.is_some());
}

#[tokio::test]
async fn answers_to_nothing_are_not_passed() {
    let world = World::new();
    world.client_says(&call("1", "read", "{}")).await;
    for frame in [
        // A client that is not strict about ids would take it for the answer to its call.
        r#"{"id":"1","result":{"content":[]}}"#,
        r#"{"id":2,"result":{"tools":[]}}"#,
        r#"{"id":null,"result":{}}"#,
        r#"{"result":{}}"#,
        r#"{"id":1,"method":"x","result":{}}"#,
        "Server listening on port 3000",
    ] {
        assert_eq!(world.server_says(frame).await, Said { onward: None, back: None }, "{frame}");
    }
    for frame in
        [r#"{"id":null,"error":{"code":-32700,"message":"?"}}"#, r#"{"error":{"code":1,"message":""}}"#, "\n"]
    {
        assert_eq!(world.server_says(frame).await.onward.as_deref(), Some(frame));
    }
    assert!(world.server_says(r#"{"id":1,"result":{"content":[]}}"#).await.onward.is_some());
}

#[tokio::test]
async fn the_servers_own_requests_and_their_answers_pass() {
    let world = World::new();
    for method in ["sampling/createMessage", "elicitation/create", "roots/list", "ping", "tools/call"] {
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"a":1.0}}}}"#);
        assert_eq!(world.server_says(&request).await.onward, Some(request));
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"role":"x"}}"#;
        assert_eq!(world.client_says(answer).await.onward.as_deref(), Some(answer));
    }
    for notification in
        ["progress", "message", "tools/list_changed", "resources/updated", "tasks/status", "made/up"]
    {
        let frame = format!(r#"{{"method":"notifications/{notification}","params":{{"progress":1e0}}}}"#);
        assert_eq!(world.server_says(&frame).await.onward, Some(frame));
    }
}
