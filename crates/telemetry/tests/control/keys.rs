//! Keys and agents: what is changed is in force when the answer comes.

use crate::world::World;
use interven_types::Decision;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_key_works_from_its_minting_to_its_revocation() {
    let world = World::new().await;
    let minted = world.post("keys", json!({"name": "ci", "agent_name": "bot"})).await.ok();
    let key = minted["key"].as_str().unwrap();
    let caller = world.authenticate(key).await.unwrap();
    assert_eq!(json!(caller.key().scopes), json!(["scan"]));
    assert_eq!((caller.tenant(), caller.key().env.as_str()), (world.tenant, "default"));
    let listed = world.get("keys").await;
    assert_eq!(listed[0]["prefix"], key[..12]);
    assert!(!listed.to_string().contains(key), "the key is shown once");

    let revoked = world.ask("DELETE", &format!("keys/{}", &key[..12])).send().await.ok();
    assert!(revoked["revoked_at"].is_string(), "{revoked}");
    assert!(world.authenticate(key).await.unwrap_err().contains("revoked"));
    assert_eq!(world.ask("DELETE", "keys/iv_live_none").send().await.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_key_that_could_not_work_is_not_minted() {
    let world = World::new().await;
    let past = world.clock.now().saturating_sub(Duration::from_secs(1));
    let unknown = "00000000-0000-0000-0000-000000000000";
    let cases = [
        (json!({}), "`name` is empty"),
        (json!({"name": "x", "ip_allowlist": ["10.0.0.0/40"]}), "`10.0.0.0/40` is not"),
        (json!({"name": "x", "expires_at": past}), "`expires_at` is in the past"),
        (json!({"name": "x", "agent_id": unknown, "agent_name": "bot"}), "not both"),
        (json!({"name": "x", "agent_id": unknown}), "no such agent"),
        (json!({"name": "x", "scopes": ["everything"]}), "everything"),
    ];
    for (body, expected) in cases {
        let answer = world.post("keys", body).await;
        assert!(answer.message().contains(expected), "{}", answer.json);
    }
    assert_eq!(world.get("keys").await, json!([]));
}

#[tokio::test]
async fn a_suspended_agent_is_denied_until_it_is_reactivated() {
    let world = World::new().await;
    let caller = world.caller().await;
    let agent = caller.key().agent_id;
    let decision = async || world.scan(&caller, "https://api.github.com/user", json!({})).await.decision;
    assert_eq!(decision().await, Decision::Allow);
    let suspended = world.post(&format!("agents/{agent}/suspend"), json!({})).await.ok();
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(decision().await, Decision::Deny);
    world.post(&format!("agents/{agent}/reactivate"), json!({})).await.ok();
    assert_eq!(decision().await, Decision::Allow);

    assert_eq!(world.get("agents").await[0]["name"], "bot");
}

#[tokio::test]
async fn a_human_denial_costs_trust_until_it_is_reset() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    let agent = caller.key().agent_id;
    let id = world.held_call(&caller, 1).await;
    world.post(&format!("approvals/{id}/deny"), json!({})).await.ok();
    let detail = world.get(&format!("agents/{agent}")).await;
    assert!(detail["trust"]["trust_score"].as_f64().unwrap() < 1.0, "{detail}");
    assert_eq!(detail["trust_events"][0]["kind"], "approval_denied", "{detail}");
    let reset = world.post(&format!("agents/{agent}/trust/reset"), json!({})).await.ok();
    assert_eq!(reset["trust"]["trust_score"], 1.0);
    assert_eq!(world.get(&format!("agents/{agent}")).await["trust"], reset["trust"]);
}
