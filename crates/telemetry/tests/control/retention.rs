//! What is older than its tenant keeps goes by itself, and says so.

use crate::world::World;
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_run_says_what_it_took_and_a_tenant_that_keeps_everything_has_none() {
    let world = World::new().await;
    let status = world.get("retention").await;
    assert_eq!((&status["retention_days"], &status["run"]), (&json!(null), &json!(null)));
    let refused = world.post("retention/run", json!({})).await;
    assert_eq!(refused.refusal(), (409, "CONFLICT"));
    assert!(refused.message().contains("retention_days"), "{}", refused.message());
    for days in [0, 3_651] {
        let bad =
            world.ask("PUT", "settings").json(&json!({"settings": {"retention_days": days}})).send().await;
        assert_eq!(bad.refusal(), (400, "INVALID_REQUEST"));
        assert!(bad.message().contains("`retention_days`"), "{}", bad.message());
    }

    world.ask("PUT", "settings").json(&json!({"settings": {"retention_days": 30}})).send().await.ok();
    world.clock.advance(DAY);
    let begun = world.post("retention/run", json!({})).await.ok();
    assert_eq!(begun["through"], 0, "nothing is sealed that is older: {begun}");
    let ended = async {
        loop {
            let status = world.get("retention").await;
            if !status["run"]["ended_at"].is_null() {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    let status = tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it ends");
    assert_eq!(status["run"]["pruned"]["scans"], 0);
    let next = status["next_at"].as_str().unwrap().parse::<interven_types::Timestamp>().unwrap();
    assert_eq!(next.since(world.clock.now()), DAY);
    let actions: Vec<String> = world.audit().await.into_iter().map(|(action, _)| action).collect();
    assert!(
        ["retention.prune", "retention.done"].iter().all(|told| actions.iter().any(|action| action == told))
    );
}
