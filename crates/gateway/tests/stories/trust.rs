//! Trust falls with denials, and an operator can mend it.

use crate::world::{World, aws_key};
use interven_store::{Actor, AgentStore as _, AuditStore as _};
use interven_types::AgentStatus;
use serde_json::json;

#[tokio::test]
async fn repeated_denials_put_an_agent_under_scrutiny_until_it_is_reset() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    assert_eq!(agent.say("hello").await.decision(), "ALLOW");
    for _ in 0..9 {
        assert_eq!(agent.say(&aws_key()).await.decision(), "DENY");
    }
    let held = agent.say("hello").await;
    assert_eq!(
        (held.decision(), held.reasons()[0]),
        ("REQUIRE_APPROVAL", "AGENT_UNDER_SCRUTINY"),
        "{held:?}"
    );
    let reading = agent.scan("GET", "https://slack.com/api/conversations.list", json!(null)).await;
    assert_eq!(reading.decision(), "ALLOW", "{reading:?}");
    let elsewhere = agent.scan("GET", "https://new.example/", json!(null)).await;
    assert_eq!(elsewhere.reasons()[0], "AGENT_UNDER_SCRUTINY");

    let state = world.store.agent(world.tenant, agent.agent_id).await.unwrap().trust;
    assert_eq!((state.trust_score, state.deny_count_24h, state.critical_count_24h), (0.55, 9, 9));
    let incidents = world.store.incidents(world.tenant, 10).await.unwrap();
    let mut triggers: Vec<_> = incidents.iter().map(|i| i.trigger.as_str()).collect();
    triggers.sort_unstable();
    assert_eq!(triggers, ["CRITICAL_DENY", "DENY_BURST", "TRUST_COLLAPSE"]);

    world.store.reset_trust(world.tenant, agent.agent_id, &Actor::system(), world.clock.now()).await.unwrap();
    world.live.reload(world.tenant).await.unwrap();
    assert_eq!(agent.say("hello again").await.decision(), "ALLOW");
}

#[tokio::test]
async fn a_trust_row_changed_by_sql_takes_effect_and_is_not_overwritten() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    assert_eq!(agent.say("hello").await.decision(), "ALLOW");
    let shell = rusqlite::Connection::open(&world.database).unwrap();
    let set = |score: f64| {
        let sql =
            "UPDATE agent_trust_state SET trust_score = ?1, scrutiny_until = NULL, high_risk_count_1h = 0,
            critical_count_24h = 0, ti_match_count_24h = 0, semantic_match_count_24h = 0, deny_count_24h = 0,
            approval_count_24h = 0, updated_at = datetime('now') WHERE agent_id = ?2";
        assert_eq!(shell.execute(sql, (score, agent.agent_id.to_string())).unwrap(), 1);
    };
    // The very next call is judged on it: what is in memory does not outlive the record.
    set(0.2);
    assert_eq!(agent.say("hello").await.decision(), "REQUIRE_APPROVAL");
    set(1.0);
    assert_eq!(agent.say("fine").await.decision(), "ALLOW");
    let state = world.store.agent(world.tenant, agent.agent_id).await.unwrap().trust;
    assert_eq!(state.trust_score, 1.0);
}

#[tokio::test]
async fn a_suspended_agent_is_denied_everything_until_reactivated() {
    let world = World::start().await;
    let (agent, other) = (world.agent("bot").await, world.agent("other").await);
    let set = async |status| {
        let now = world.clock.now();
        world
            .store
            .set_agent_status(world.tenant, agent.agent_id, status, &Actor::system(), now)
            .await
            .unwrap();
        world.live.reload(world.tenant).await.unwrap();
    };
    set(AgentStatus::Suspended).await;
    let denied = agent.scan("GET", "https://slack.com/api/conversations.list", json!(null)).await;
    assert_eq!((denied.decision(), denied.reasons()[0]), ("DENY", "AGENT_SUSPENDED"));
    assert_eq!(other.say("hi").await.decision(), "ALLOW");
    let renamed = json!({"method": "POST", "url": "https://slack.com/api/chat.postMessage",
        "body": {"text": "hello"}, "agent_name": "bot2"});
    assert_eq!(agent.send(renamed).await.reasons()[0], "AGENT_UNDER_SCRUTINY");
    set(AgentStatus::Active).await;
    assert_eq!(agent.say("hi").await.decision(), "ALLOW");
}

#[tokio::test]
async fn a_new_name_washes_nothing() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    for _ in 0..9 {
        agent.say(&aws_key()).await;
    }
    let request = json!({"method": "POST", "url": "https://slack.com/api/chat.postMessage",
        "body": {"text": "hello"}, "agent_name": "innocent"});
    let renamed = agent.send(request).await;
    assert_eq!(renamed.reasons()[0], "AGENT_UNDER_SCRUTINY", "{renamed:?}");
}
