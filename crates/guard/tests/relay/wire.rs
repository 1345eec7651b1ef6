//! Many calls at once over real streams.

use crate::world::{SECRET, World, call};
use interven_guard::mcp::pump_lines;
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::io::{
    AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, duplex, split,
};

/// Client and server ends of a guard that runs.
fn guarded(world: &World) -> (DuplexStream, DuplexStream, tokio::task::JoinHandle<std::io::Result<()>>) {
    let (client, guard_client) = duplex(1 << 16);
    let (server, guard_server) = duplex(1 << 16);
    let pump =
        tokio::spawn(pump_lines(Arc::clone(&world.conversation), split(guard_client), split(guard_server)));
    (client, server, pump)
}

#[tokio::test]
async fn hundreds_of_calls_in_flight_each_get_their_own_answer() {
    let world = World::new();
    let (client, server, _pump) = guarded(&world);
    let answering = tokio::spawn(async move {
        let (input, mut output) = split(server);
        let mut lines = BufReader::new(input).lines();
        let mut waiting = Vec::new();
        let mut seen = 0;
        while let Some(line) = lines.next_line().await.unwrap() {
            let request: Value = serde_json::from_str(&line).unwrap();
            seen += 1;
            waiting.push(request);
            // Out of order: the last of ten first.
            if waiting.len() == 10 {
                for request in waiting.drain(..).rev() {
                    let text = request["params"]["arguments"]["n"].to_string();
                    let answer = json!({"jsonrpc": "2.0", "id": request["id"], "result": {"content": [{"type": "text", "text": text}]}});
                    output.write_all(format!("{answer}\n").as_bytes()).await.unwrap();
                }
            }
        }
        seen
    });
    let (input, mut output) = split(client);
    let asking = tokio::spawn(async move {
        for n in 0..400 {
            let body = if n % 2 == 1 { json!({"n": n, "t": SECRET}) } else { json!({"n": n}) };
            output
                .write_all((call(&n.to_string(), "echo", &body.to_string()) + "\n").as_bytes())
                .await
                .unwrap();
        }
        output.shutdown().await.unwrap();
        output
    });
    let mut lines = BufReader::new(input).lines();
    let mut answered = BTreeSet::new();
    while answered.len() < 400 {
        let answer: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let id = answer["id"].as_u64().unwrap();
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        match id % 2 {
            1 => assert!(text.contains("NO_SECRETS"), "{text}"),
            _ => assert_eq!(text, id.to_string()),
        }
        assert!(answered.insert(id));
    }
    drop(asking.await.unwrap());
    assert_eq!(answering.await.unwrap(), 200, "no denied call reached the server");
}

#[tokio::test]
async fn ten_megabytes_pass_both_ways_unharmed() {
    let world = World::new();
    let (mut client, mut server, _pump) = guarded(&world);
    let large = "words and more words ".repeat(500_000);
    let request = call("1", "write", &json!({"text": large}).to_string()) + "\n";
    let expected = request.clone();
    let asking = tokio::spawn(async move {
        client.write_all(request.as_bytes()).await.unwrap();
        client
    });
    let mut seen = vec![0; expected.len()];
    server.read_exact(&mut seen).await.unwrap();
    assert!(seen == expected.as_bytes());
    let mut client = asking.await.unwrap();
    let answer =
        json!({"id": 1, "result": {"content": [{"type": "text", "text": large}]}}).to_string() + "\n";
    let expected = answer.clone();
    let answering = tokio::spawn(async move {
        server.write_all(answer.as_bytes()).await.unwrap();
        server
    });
    let mut seen = vec![0; expected.len()];
    client.read_exact(&mut seen).await.unwrap();
    assert!(seen == expected.as_bytes());
    drop(answering.await.unwrap());
}

#[tokio::test]
async fn the_end_of_either_side_is_the_end_of_the_other() {
    let world = World::new();
    let (mut client, mut server, pump) = guarded(&world);
    client.write_all(b"{\"id\":1,\"method\":\"ping\"}").await.unwrap();
    client.shutdown().await.unwrap();
    let mut seen = String::new();
    server.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "{\"id\":1,\"method\":\"ping\"}", "and then the end");
    // The last word of a server that goes is still heard.
    server.write_all(b"{\"id\":1,\"result\":{}}\n").await.unwrap();
    drop(server);
    let mut seen = String::new();
    client.read_to_string(&mut seen).await.unwrap();
    assert_eq!(seen, "{\"id\":1,\"result\":{}}\n");
    pump.await.unwrap().unwrap();

    let world = World::new();
    let (mut client, server, pump) = guarded(&world);
    drop(server);
    let mut seen = String::new();
    client.read_to_string(&mut seen).await.unwrap();
    pump.await.unwrap().unwrap();
}
