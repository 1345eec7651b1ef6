//! The record leaves for other systems: whole, in order, and on from where it was cut off.

use crate::world::World;
use serde_json::{Value, json};

/// More rows than a page of the export has.
async fn world_with_rows(rows: usize) -> World {
    let world = World::new().await;
    let caller = world.caller().await;
    for n in 0..rows {
        world.scan(&caller, &format!("https://api.github.com/users/{n}"), json!({})).await;
    }
    world
}

fn positions(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|row| row["ledger_seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn an_export_has_every_row_once_and_goes_on_where_it_was_cut() {
    let world = world_with_rows(1_203).await;
    let whole = world.ask("GET", "activity/export?format=ndjson").send().await;
    assert_eq!(whole.headers["content-type"], "application/x-ndjson");
    assert_eq!(whole.headers["x-interven-through"], "1203");
    assert_eq!(positions(&whole.lines), (1..=1_203).collect::<Vec<u64>>());
    // What is shown elsewhere, and no more.
    let page = world.get("activity?limit=1").await;
    assert_eq!(whole.lines[1_202], page["rows"][0]);

    // Scans that came later are not in an export that goes on to the same end.
    let caller = world.caller().await;
    world.scan(&caller, "https://api.github.com/user", json!({})).await;
    let rest = world.ask("GET", "activity/export?format=ndjson&after=700&through=1203").send().await;
    assert_eq!(positions(&rest.lines), (701..=1_203).collect::<Vec<u64>>());
    let rest = world.ask("GET", "activity/export?format=ndjson&after=1200").send().await;
    assert_eq!(positions(&rest.lines), [1_201, 1_202, 1_203, 1_204]);
    assert_eq!(world.get("activity/export?format=json&after=1204").await["rows"], json!([]));
}

#[tokio::test]
async fn an_export_takes_the_filters_of_the_log_and_refuses_what_it_does_not_know() {
    let world = world_with_rows(2).await;
    let caller = world.caller().await;
    world
        .scan(&caller, "https://slack.com/api/chat.postMessage", json!({"channel": "c", "text": "hi"}))
        .await;
    let slack = world.ask("GET", "activity/export?format=ndjson&tool=slack").send().await;
    assert_eq!(positions(&slack.lines), [3]);
    let none = world.ask("GET", "activity/export?format=ndjson&until=2020-01-01T00:00:00Z").send().await;
    assert_eq!(none.lines, Vec::<Value>::new());
    for query in ["", "?format=xml", "?format=csv&limit=5", "?format=csv&since=soon"] {
        let refused = world.ask("GET", &format!("activity/export{query}")).send().await;
        assert_eq!(refused.refusal(), (400, "INVALID_REQUEST"), "{query}");
    }
}
