//! Looking at what happened.

use crate::world::World;
use interven_types::Decision;
use serde_json::json;
use std::time::Duration;

/// No real key: put together here, so that no text of this repository looks like one.
fn planted_key() -> String {
    format!("AKIA{}", "Q3EGRZ7XK2MNV4TY")
}

#[tokio::test]
async fn a_trace_explains_itself_and_shows_no_secret_until_someone_asks_for_it() {
    let world = World::new().await;
    let caller = world.caller().await;
    let body = json!({"channel": "#general", "text": format!("key {}", planted_key())});
    let verdict = world.scan(&caller, "https://slack.com/api/chat.postMessage", body.clone()).await;
    assert_eq!(verdict.decision, Decision::Deny);

    let path = format!("activity/{}", verdict.trace_id);
    let trace = world.get(&path).await;
    assert!(!trace.to_string().contains(&planted_key()), "{trace}");
    assert_eq!(trace["request"]["body"]["channel"], "#general");
    let explanation = trace["explanation"].as_array().unwrap();
    let told: Vec<_> = explanation.iter().filter_map(|sentence| sentence.as_str()).collect();
    assert!(told[0].contains("Agent `bot`") && told[0].contains("slack.post_message"), "{told:?}");
    assert!(told[1].starts_with("It was answered DENY"), "{told:?}");
    assert!(told.iter().any(|sentence| sentence.starts_with("Found of class SECRETS")), "{told:?}");
    assert!(told.iter().any(|sentence| sentence.contains("decided: its action is DENY")), "{told:?}");
    assert_eq!(told.last(), Some(&"The caller must drop the call."));

    let reveals = async || world.audit().await.iter().filter(|(action, _)| action == "body.reveal").count();
    assert_eq!(reveals().await, 0);
    assert_eq!(world.get(&format!("{path}/original")).await["body"], body);
    assert_eq!(reveals().await, 1);

    let again = world.post(&format!("{path}/explain"), json!({})).await.ok();
    assert_eq!((&again["same"], &again["differences"]), (&json!(true), &json!([])), "{again}");
    assert_eq!(again["again"]["decision"], "DENY");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let world = World::new().await;
    let caller = world.caller().await;
    for n in 0..5 {
        world.scan(&caller, &format!("https://api.github.com/users/{n}"), json!({})).await;
    }
    let (mut seen, mut path) = (Vec::new(), "activity?limit=2".to_owned());
    loop {
        let page = world.get(&path).await;
        seen.extend(page["rows"].as_array().unwrap().iter().map(|row| row["ledger_seq"].as_u64().unwrap()));
        let Some(next) = page["next_before_seq"].as_u64() else { break };
        path = format!("activity?limit=2&before_seq={next}");
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    assert_eq!(
        world.get("activity?tool=github&decision=ALLOW").await["rows"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(world.get("activity?decision=DENY").await["rows"], json!([]));
}

#[tokio::test]
async fn a_follower_hears_of_the_next_scan_that_it_asked_for() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.scan(&caller, "https://api.github.com/user", json!({})).await;
    let follow = world.ask("GET", "activity?after_seq=1&wait=25&tool=slack").send();
    let work = async {
        world.scan(&caller, "https://api.github.com/user", json!({})).await;
        world
            .scan(&caller, "https://slack.com/api/chat.postMessage", json!({"channel": "c", "text": "hello"}))
            .await
    };
    let both = async { tokio::join!(follow, work) };
    let (page, scanned) =
        tokio::time::timeout(Duration::from_secs(10), both).await.expect("the follower wakes");
    let page = page.ok();
    assert_eq!(page["rows"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["rows"][0]["trace_id"], json!(scanned.trace_id));
}
