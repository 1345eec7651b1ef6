//! Keys, addresses, agents, rates: every row of the table.

use crate::world::{Answer, World, behind_proxy};
use interven_store::{Actor, AgentOverride, KeyScope, KeyStore as _};
use interven_types::{LimitSettings, TenantSettings};
use serde_json::json;

async fn with_header(world: &World, header: Option<&str>) -> Answer {
    let mut request = interven_testkit::http_client().post(format!("{}/v1/scan", world.url())).body("{}");
    if let Some(header) = header {
        request = request.header("Authorization", header);
    }
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn every_unusable_key_hears_the_same() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let revoked = world.agent("revoked").await;
    world.store.revoke_key(world.tenant, revoked.key_id, &Actor::system(), world.clock.now()).await.unwrap();
    let past = world.clock.now();
    let expired = world.agent_with("expired", |key| key.expires_at = Some(past)).await;
    let unknown = interven_live::fresh_api_key(interven_types::KeyKind::Live).unwrap();
    let headers = [
        None,
        Some(agent.key.clone()),
        Some(format!("bearer {}", agent.key)),
        Some(format!("Bearer  {}", agent.key)),
        Some(format!("Basic {}", agent.key)),
        Some(format!("Bearer {}x", agent.key)),
        Some("Bearer iv_live_short".to_owned()),
        Some(format!("Bearer {}", unknown.reveal())),
        Some(format!("Bearer {}", revoked.key)),
        Some(format!("Bearer {}", expired.key)),
    ];
    let mut sentences = std::collections::BTreeSet::new();
    for header in headers {
        let answer = with_header(&world, header.as_deref()).await;
        assert_eq!((answer.status, answer.code()), (401, "INVALID_KEY"), "{header:?}");
        sentences.insert(answer.body["error"].to_string());
    }
    assert_eq!(sentences.len(), 1);
}

#[tokio::test]
async fn two_authorization_headers_are_none() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let good = format!("Bearer {}", agent.key);
    for pair in [[good.as_str(), "Bearer x"], ["Bearer x", good.as_str()], [good.as_str(), good.as_str()]] {
        let mut request = interven_testkit::http_client().post(format!("{}/v1/scan", world.url())).body("{}");
        for value in pair {
            request = request.header("Authorization", value);
        }
        assert_eq!(Answer::read(request.send().await.unwrap()).await.code(), "INVALID_KEY", "{pair:?}");
    }
}

#[tokio::test]
async fn a_revoked_key_ends_within_a_second() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    assert_eq!(agent.say("hi").await.status, 200);
    world.store.revoke_key(world.tenant, agent.key_id, &Actor::system(), world.clock.now()).await.unwrap();
    world.eventually("revocation noticed", async || agent.say("hi").await.status == 401).await;
    let keys = world.store.keys(world.tenant, interven_types::KeyKind::Live).await.unwrap();
    let key = keys.iter().find(|k| k.key_id == agent.key_id).unwrap();
    assert!(
        key.revoked_at.is_some() && key.last_refusal.as_deref() == Some("the key was revoked"),
        "{key:?}"
    );
}

#[tokio::test]
async fn a_foreign_address_is_blocked_and_counted() {
    let world = World::with(behind_proxy()).await;
    let agent = world.agent_with("bot", |key| key.ip_allowlist = vec!["203.0.113.0/24".to_owned()]).await;
    let from = async |addr: &str| {
        let request = json!({"method": "GET", "url": "https://a.example"}).to_string();
        agent.post_with("/v1/scan", request, &[("X-Forwarded-For", addr)]).await
    };
    assert_eq!(from("203.0.113.9").await.status, 200);
    assert_eq!(from("198.51.100.1").await.code(), "IP_NOT_ALLOWED");
    assert_eq!(from("203.0.113.9, 198.51.100.1").await.code(), "IP_NOT_ALLOWED");
    let key = world
        .store
        .keys(world.tenant, interven_types::KeyKind::Live)
        .await
        .unwrap()
        .into_iter()
        .find(|k| k.key_id == agent.key_id)
        .unwrap();
    assert_eq!(key.blocked_attempts, 2);
}

#[tokio::test]
async fn forwarded_addresses_of_untrusted_peers_are_not_believed() {
    let world = World::start().await;
    let agent = world.agent_with("bot", |key| key.ip_allowlist = vec!["203.0.113.0/24".to_owned()]).await;
    let request = json!({"method": "GET", "url": "https://a.example"}).to_string();
    let answer = agent.post_with("/v1/scan", request, &[("X-Forwarded-For", "203.0.113.9")]).await;
    assert_eq!(answer.code(), "IP_NOT_ALLOWED");
}

#[tokio::test]
async fn a_key_speaks_only_for_the_agents_it_may() {
    let world = World::start().await;
    let call = |agent_id: &dyn std::fmt::Display| json!({"method": "GET", "url": "https://a.example", "agent_id": agent_id.to_string()});
    let other = world.agent("other").await;
    let free = world.agent("free").await;
    assert_eq!(free.send(call(&other.agent_id)).await.status, 200);
    let bound = world.agent_with("bound", |key| key.agent_override = AgentOverride::None).await;
    assert_eq!(bound.send(call(&bound.agent_id)).await.status, 200);
    assert_eq!(bound.send(call(&other.agent_id)).await.code(), "AGENT_NOT_ALLOWED");
    let listed = AgentOverride::Listed([other.agent_id].into());
    let listed = world.agent_with("listed", |key| key.agent_override = listed).await;
    assert_eq!(listed.send(call(&other.agent_id)).await.status, 200);
    assert_eq!(listed.send(call(&free.agent_id)).await.code(), "AGENT_NOT_ALLOWED");
    let named = json!({"method": "GET", "url": "https://a.example", "agent_name": "brand new"});
    assert_eq!(listed.send(named).await.code(), "AGENT_NOT_ALLOWED");

    let foreign = world.tenant_named("foreign").await;
    let stranger = world.agent_in(foreign, "stranger", |_| {}).await;
    let answer = free.send(call(&stranger.agent_id)).await;
    assert_eq!((answer.status, answer.code()), (401, "INVALID_KEY"));
}

#[tokio::test]
async fn environments_and_scopes_are_the_keys() {
    let world = World::start().await;
    let call = json!({"method": "GET", "url": "https://a.example", "env": "production"});
    assert_eq!(world.agent("bot").await.send(call.clone()).await.code(), "ENV_NOT_ALLOWED");
    let free = world.agent_with("free", |key| key.env_override = true).await;
    assert_eq!(free.send(call.clone()).await.status, 200);
    let useless = world.agent_with("useless", |key| key.scopes = [KeyScope::TracesRead].into()).await;
    assert_eq!(
        (useless.send(call).await.code(), useless.get("/v1/approvals/x/status").await.status),
        ("SCOPE_MISSING", 400)
    );
}

#[tokio::test]
async fn the_record_is_exported_to_keys_that_may_read_it_and_only_their_tenants() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    agent.say("hi").await;
    assert_eq!(agent.get("/v1/decisions/export?format=json").await.code(), "SCOPE_MISSING");
    let auditor = world.agent_with("auditor", |key| key.scopes = [KeyScope::TracesRead].into()).await;
    let export = auditor.get("/v1/decisions/export?format=json&since=2020-01-01").await;
    assert_eq!((export.status, export.body["rows"].as_array().map(Vec::len)), (200, Some(1)), "{export:?}");
    let foreign = world.tenant_named("other").await;
    let stranger =
        world.agent_in(foreign, "stranger", |key| key.scopes = [KeyScope::TracesRead].into()).await;
    assert_eq!(stranger.get("/v1/decisions/export?format=json").await.body["rows"], json!([]));
    assert_eq!(stranger.get("/v1/decisions/export?format=x").await.code(), "INVALID_REQUEST");
}

#[tokio::test]
async fn rate_and_quota_say_when_and_record_the_attempt() {
    let world = World::start().await;
    let limits = LimitSettings { scans_per_minute: Some(2), ..Default::default() };
    world.settings(TenantSettings { limits, ..Default::default() }).await;
    let agent = world.agent("bot").await;
    for _ in 0..4 {
        assert_eq!(agent.say("hi").await.status, 200);
    }
    let fifth = agent.say("hi").await;
    assert_eq!((fifth.status, fifth.code()), (429, "RATE_LIMITED"));
    assert!((1..=30).contains(&fifth.retry_after.unwrap()), "{fifth:?}");
    // A key for one task is a row as a scan is.
    let key = agent.post("/v1/keys/ephemeral", "{}").await;
    assert_eq!((key.status, key.code()), (429, "RATE_LIMITED"));
    assert!((1..=30).contains(&key.retry_after.unwrap()), "{key:?}");

    let limits = LimitSettings { scans_per_month: Some(5), ..Default::default() };
    world.settings(TenantSettings { limits, ..Default::default() }).await;
    assert_eq!(agent.say("the fifth").await.status, 200);
    let over = agent.say("the sixth").await;
    assert_eq!((over.status, over.code()), (429, "QUOTA_EXCEEDED"));
    use interven_store::ActivityStore as _;
    let trace = over.body["trace_id"].as_str().unwrap().parse().unwrap();
    let row = world.store.trace(world.tenant, trace).await.unwrap();
    assert_eq!((row.decision, row.reason_codes), (None, vec!["QUOTA_EXCEEDED".to_owned()]));
}
